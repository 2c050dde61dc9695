/*
 * A feed: what happens, told to whoever listens.  Who tells never waits for a listener: the last
 * FEED_KEPT pieces of news are kept, and a listener who falls behind further has lost the thread.
 */
#ifndef BASE_FEED_H
#define BASE_FEED_H

#include <stdint.h>

#include "base/job.h"

enum { FEED_KEPT = 1024 };

struct feed;

struct feed *feed_open(void);
void feed_close(struct feed *f); /* once nobody listens any more; NULL is fine */

/* kind is a literal, text one line; copies it. Any thread. */
void feed_put(struct feed *f, const char *kind, const char *text);

/* The place from which a listener hears what comes from now on. */
uint64_t feed_end(struct feed *f);

struct feed_news { const char *kind, *text; };
enum feed_result { FEED_NEWS, FEED_SILENCE, FEED_LOST, FEED_OVER };

/* The next piece of news, its text in the job's arena, or silence after ms. Lost: the listener was too slow. */
enum feed_result feed_next(struct job *j, struct feed *f, uint64_t *at, int ms, struct feed_news *out);
/* It is over: every listener is told. */
void feed_stop(struct feed *f);

#endif
