/*
 * Work beside the caller's own, done by threads that stay and wait for it.  A
 * new thread for each would cost a stack, and the kernel may leave it behind
 * its maker on one processor while the other is idle; a woken one goes there.
 */
#ifndef BASE_BESIDE_H
#define BASE_BESIDE_H

#include <stdbool.h>

struct beside {
	void (*run)(void *of);
	void *of;
	bool is_taken, is_done;
};

/* Any thread.  b is the caller's, and stays where it is until beside_end, which must come. */
void beside_start(struct beside *b, void (*run)(void *of), void *of);
bool beside_is_done(struct beside *b);
/* Returns when it is done: by this thread where every other had work, or none could be made. */
void beside_end(struct beside *b);

#endif
