/* A few threads, made when there is work and none of them is idle; they end with the process. */
#include "base/beside.h"

#include <pthread.h>
#include <stddef.h>

/*
 * Commits that are staged; a turn put into place, or its pack, its files and a CRL that is read back; half of what
 * either syncs; a checkpoint of the database; files that were replaced.
 */
enum { HELPERS = 7 };

struct helper {
	pthread_cond_t wake;
	struct beside *work;
	struct helper *next; /* idle one */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static struct helper helpers[HELPERS], *idle;
static unsigned made;

static void *help(void *helper)
{
	struct helper *h = helper;

	pthread_mutex_lock(&mutex);
	for (;;) {
		struct beside *b = h->work;

		pthread_mutex_unlock(&mutex);
		b->run(b->of);
		pthread_mutex_lock(&mutex);
		b->is_done = true;
		pthread_cond_broadcast(&done);
		h->work = NULL;
		h->next = idle;
		idle = h;
		while (!h->work)
			pthread_cond_wait(&h->wake, &mutex);
	}
	return NULL;
}

/* NULL: there are enough, or the system gives none. */
static struct helper *make(struct beside *first)
{
	struct helper *h = &helpers[made];
	pthread_t thread;

	if (made == HELPERS)
		return NULL;
	h->work = first;
	pthread_cond_init(&h->wake, NULL);
	if (pthread_create(&thread, NULL, help, h))
		return NULL;
	pthread_detach(thread);
	made++;
	return h;
}

void beside_start(struct beside *b, void (*run)(void *of), void *of)
{
	struct helper *h;

	*b = (struct beside){ .run = run, .of = of };
	pthread_mutex_lock(&mutex);
	h = idle;
	if (h) {
		idle = h->next;
		h->work = b;
		pthread_cond_signal(&h->wake);
	}
	b->is_taken = h || make(b);
	pthread_mutex_unlock(&mutex);
}

bool beside_is_done(struct beside *b)
{
	bool is_done;

	pthread_mutex_lock(&mutex);
	is_done = b->is_done;
	pthread_mutex_unlock(&mutex);
	return is_done;
}

void beside_end(struct beside *b)
{
	if (!b->is_taken) {
		b->run(b->of);
		return;
	}
	pthread_mutex_lock(&mutex);
	while (!b->is_done)
		pthread_cond_wait(&done, &mutex);
	pthread_mutex_unlock(&mutex);
}
