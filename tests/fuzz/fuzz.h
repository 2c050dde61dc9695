/*
 * What the fuzz programs share.  Each feeds one parser with bytes that anybody may send and
 * checks what must hold of everything it accepts.  They run from the tree's root.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/job.h"

enum { FUZZ_NOW = 1795000000 }; /* 2026-11-18: the clock stands */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; the reason goes to standard error, the input is kept by libFuzzer. */
static inline void fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "this does not hold: %s\n", what);
	abort();
}

/* A step that must not fail: what it returned, and the job that knows why. */
static inline void fuzz_done(const struct job *j, int error)
{
	fuzz_require(error == 0, j->message);
}

static inline void fuzz_open(struct job *j)
{
	job_open(j);
	j->now = FUZZ_NOW;
	j->actor = "fuzz";
}

struct fuzz_input { /* what is left of the input */
	const char *at;
	size_t left;
};

/* Up to the next `end`, without it, as a string in the arena: it stops at a NUL of the input. */
static inline const char *fuzz_take(struct job *j, struct fuzz_input *in, char end)
{
	const char *stop = in->left ? memchr(in->at, end, in->left) : NULL;
	size_t len = stop ? (size_t)(stop - in->at) : in->left;
	const char *text = arena_strndup(j->arena, in->left ? in->at : "", len);

	in->at += stop ? len + 1 : len;
	in->left -= stop ? len + 1 : len;
	return text;
}

/* One byte as a number below n. */
static inline unsigned fuzz_choose(struct fuzz_input *in, unsigned n)
{
	if (!in->left)
		return 0;
	in->left--;
	return (uint8_t)*in->at++ % n;
}

#endif
