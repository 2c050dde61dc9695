/*
 * base/mem.c for the fuzz programs: each piece of an arena is an allocation of its own, of
 * exactly its size, so that AddressSanitizer sees a step beyond it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct piece {
	struct piece *next;
	void *memory;
};

struct arena {
	struct piece *pieces;
};

void *mem_alloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *mem_zalloc(size_t size)
{
	return memset(mem_alloc(size), 0, size);
}

void *mem_realloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		abort();
	return p;
}

char *mem_strdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(mem_alloc(size), s, size);
}

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
	char *p;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		abort();
	p = arena_alloc(a, (size_t)len + 1);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	return p;
}

/* The sanitizer's allocator keeps what was freed, to see it used. */
void mem_trim(void)
{
}
