/*
 * Bad tokens by source, in a table of fixed size.  Each source has a few in a
 * minute that are answered; the next minute begins with the first one after
 * it.  Good tokens never come here.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_int.h"

enum { WINDOW_MS = 60 * 1000, ANSWERED = 10, WAYS = 8, SETS = 128, LINES = 100, SOURCE_MAX = 48 };

struct guesser {
	char source[SOURCE_MAX];
	int64_t until; /* end of its minute, monotonic; 0: free */
	unsigned long n;
};

struct limits {
	pthread_mutex_t lock;
	unsigned char seed[8]; /* so that nobody can choose whom he displaces */
	struct guesser table[SETS][WAYS];
	unsigned long count;
	int64_t lines_until;
	unsigned lines;
};

struct limits *limits_open(void)
{
	struct limits *l = mem_zalloc(sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	digest_random(l->seed, sizeof(l->seed));
	return l;
}

void limits_close(struct limits *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct guesser *find_set(struct limits *l, const char *source)
{
	unsigned char key[sizeof(l->seed) + SOURCE_MAX] = { 0 };
	char hex[DIGEST_HEX];

	memcpy(key, l->seed, sizeof(l->seed));
	memcpy(key + sizeof(l->seed), source, strnlen(source, SOURCE_MAX));
	digest_sha256_hex(key, sizeof(key), hex);
	hex[4] = '\0';
	return l->table[strtoul(hex, NULL, 16) % SETS];
}

/* Its own place, or that of the one whose minute ends first. */
static struct guesser *find(struct limits *l, const char *source)
{
	struct guesser *set = find_set(l, source), *oldest = set;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (strncmp(set[i].source, source, SOURCE_MAX - 1) == 0)
			return &set[i];
		if (set[i].until < oldest->until)
			oldest = &set[i];
	}
	*oldest = (struct guesser){ .until = 0 };
	memcpy(oldest->source, source, strnlen(source, SOURCE_MAX - 1));
	return oldest;
}

/* A flood of sources is no reason for a flood of lines. */
static bool take_line(struct limits *l, int64_t now)
{
	if (now >= l->lines_until) {
		l->lines_until = now + WINDOW_MS;
		l->lines = 0;
	}
	return l->lines++ < LINES;
}

unsigned limits_note(struct limits *l, const char *source, int64_t now_ms, bool *is_news)
{
	unsigned seconds = 0;
	struct guesser *g;

	pthread_mutex_lock(&l->lock);
	l->count++;
	g = find(l, source);
	if (now_ms >= g->until) {
		g->until = now_ms + WINDOW_MS;
		g->n = 0;
	}
	g->n++;
	if (g->n > ANSWERED)
		seconds = (unsigned)((g->until - now_ms + 999) / 1000);
	*is_news = g->n <= ANSWERED + 1 && take_line(l, now_ms);
	pthread_mutex_unlock(&l->lock);
	return seconds;
}

bool limits_may_log(struct limits *l, int64_t now_ms)
{
	bool may;

	pthread_mutex_lock(&l->lock);
	may = take_line(l, now_ms);
	pthread_mutex_unlock(&l->lock);
	return may;
}

unsigned long limits_count(struct limits *l)
{
	unsigned long n;

	pthread_mutex_lock(&l->lock);
	n = l->count;
	pthread_mutex_unlock(&l->lock);
	return n;
}
