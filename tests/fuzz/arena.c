/*
 * base/arena.c for the fuzz programs: each piece of an arena is an allocation of its own, of
 * exactly its size, so that AddressSanitizer sees a step beyond it.
 */
#include <stdlib.h>

#include "base/mem.h"

struct piece {
	struct piece *next;
	void *memory;
};

struct arena {
	struct piece *pieces;
};

struct arena *arena_open(size_t chunk)
{
	(void)chunk;
	return mem_zalloc(sizeof(struct arena));
}

void arena_close(struct arena *a)
{
	struct piece *p;

	while (a && (p = a->pieces)) {
		a->pieces = p->next;
		free(p->memory);
		free(p);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct piece *p = mem_alloc(sizeof(*p));

	p->memory = mem_zalloc(size);
	p->next = a->pieces;
	a->pieces = p;
	return p->memory;
}
