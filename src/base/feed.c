/* A feed is a ring under one lock, which nobody holds for longer than a copy takes. */
#include "base/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"

struct piece {
	const char *kind;
	char *text;
};

struct feed {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct piece ring[FEED_KEPT];
	uint64_t end; /* how many there have been */
	bool is_over;
};

struct feed *feed_open(void)
{
	struct feed *f = mem_zalloc(sizeof(*f));
	pthread_condattr_t clock;

	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&f->news, &clock);
	pthread_condattr_destroy(&clock);
	return f;
}

void feed_close(struct feed *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < FEED_KEPT; i++)
		free(f->ring[i].text);
	pthread_cond_destroy(&f->news);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void feed_put(struct feed *f, const char *kind, const char *text)
{
	char *copy = mem_strdup(text);
	struct piece *p;

	pthread_mutex_lock(&f->lock);
	p = &f->ring[f->end % FEED_KEPT];
	free(p->text);
	*p = (struct piece){ .kind = kind, .text = copy };
	f->end++;
	pthread_cond_broadcast(&f->news);
	pthread_mutex_unlock(&f->lock);
}

uint64_t feed_end(struct feed *f)
{
	uint64_t end;

	pthread_mutex_lock(&f->lock);
	end = f->end;
	pthread_mutex_unlock(&f->lock);
	return end;
}

/* With the lock. */
static enum feed_result take(struct job *j, struct feed *f, uint64_t *at, struct feed_news *out)
{
	const struct piece *p = &f->ring[*at % FEED_KEPT];

	if (f->is_over)
		return FEED_OVER;
	if (*at == f->end)
		return FEED_SILENCE;
	if (f->end - *at > FEED_KEPT)
		return FEED_LOST;
	*out = (struct feed_news){ .kind = p->kind, .text = arena_strdup(j->arena, p->text) };
	++*at;
	return FEED_NEWS;
}

enum feed_result feed_next(struct job *j, struct feed *f, uint64_t *at, int ms, struct feed_news *out)
{
	int64_t end = time_monotonic_ms() + ms;
	const struct timespec until = { .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };
	enum feed_result result;

	pthread_mutex_lock(&f->lock);
	while ((result = take(j, f, at, out)) == FEED_SILENCE)
		if (pthread_cond_timedwait(&f->news, &f->lock, &until))
			break;
	pthread_mutex_unlock(&f->lock);
	return result;
}

void feed_stop(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->is_over = true;
	pthread_cond_broadcast(&f->news);
	pthread_mutex_unlock(&f->lock);
}
