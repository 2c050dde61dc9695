/*
 * The arena: a list of zeroed blocks, handed out from the front, freed at
 * once.  Also the only place where a failed allocation is seen; it ends the
 * process, so that no caller needs an answer to it.
 */
#include <assert.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { MEM_ALIGN = 16, POOLS = 2 };

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

static _Noreturn void mem_die(void)
{
	static const char text[] = "vpnunit: out of memory\n";

	/* Nothing that could allocate again. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		mem_die();
	return p;
}

void *mem_zalloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		mem_die();
	return p;
}

void *mem_realloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		mem_die();
	return p;
}

char *mem_strdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(mem_alloc(size), s, size);
}

void mem_start(void)
{
	mallopt(M_ARENA_MAX, POOLS);
}

void mem_trim(void)
{
	malloc_trim(0);
}

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

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	int len;
	char *p;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(len >= 0); /* a format of ours that printf cannot take */
	p = arena_alloc(a, (size_t)len + 1);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	return p;
}
