/*
 * A feed: what happens, told to whoever listens.  Who tells never waits for a listener: the last
 * FEED_KEPT pieces of news are kept, and a listener who falls behind further has lost the thread.
 */
#ifndef BASE_FEED_H
#define BASE_FEED_H

#include <stdint.h>

#include "base/job.h"

enum { FEED_KEPT = 1024, FEED_LISTENERS = 8 };

struct feed;

struct feed *feed_open(void);
void feed_close(struct feed *f); /* once nobody listens any more; NULL is fine */

/* kind is a literal, text one line; copies it. Any thread. */
void feed_put(struct feed *f, const char *kind, const char *text);

/*
 * Listen from here on.  E_BUSY "too_many_listeners" where FEED_LISTENERS do, or after feed_stop: each
 * holds a thread that requests need too.  *at is the place, for feed_next.
 */
int feed_join(struct job *j, struct feed *f, uint64_t *at);
void feed_leave(struct feed *f);
unsigned feed_listeners(struct feed *f);

struct feed_news { const char *kind, *text; };
enum feed_result { FEED_NEWS, FEED_SILENCE, FEED_LOST, FEED_OVER };

/* The next piece of news, its text in the job's arena, or silence after ms. Lost: the listener was too slow. */
enum feed_result feed_next(struct job *j, struct feed *f, uint64_t *at, int ms, struct feed_news *out);
/* It is over: every listener is told. */
void feed_stop(struct feed *f);

#endif
