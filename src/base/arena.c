/*
 * The arena: a list of zeroed blocks, handed out from the front, freed at
 * once.  The fuzz programs have one of their own instead, in which each piece stands alone.
 */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum { MEM_ALIGN = 16 };

struct block {
	struct block *next;
	size_t size, used;
	alignas(MEM_ALIGN) char data[];
};

struct arena {
	struct block *head; /* the block that small requests are cut from */
	size_t chunk;
	struct block first; /* of the same piece of memory: most arenas need no other */
};

struct arena *arena_open(size_t chunk)
{
	struct arena *a = mem_zalloc(sizeof(*a) + chunk);

	a->chunk = a->first.size = chunk;
	a->head = &a->first;
	return a;
}

void arena_close(struct arena *a)
{
	struct block *b, *next;

	if (!a)
		return;
	for (b = a->head; b; b = next) {
		next = b->next;
		if (b != &a->first)
			free(b);
	}
	free(a);
}

static struct block *arena_grow(struct arena *a, size_t size)
{
	size_t room = size > a->chunk ? size : a->chunk;
	struct block *b = mem_zalloc(sizeof(*b) + room);

	b->size = room;
	if (size > a->chunk) {
		/* A block of its own goes behind the head, whose rest is still good. */
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->head;
	void *p;

	if (size > SIZE_MAX / 2)
		mem_die();
	size = size ? (size + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN : MEM_ALIGN;
	if (b->size - b->used < size)
		b = arena_grow(a, size);
	p = b->data + b->used;
	b->used += size;
	return p;
}
