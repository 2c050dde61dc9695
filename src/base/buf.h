/* A growing byte string in an arena; always NUL-terminated behind its length. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/mem.h"

struct buf {
	struct arena *arena;
	char *data; /* never NULL */
	size_t len, cap;
};

/* The bytes live in the arena: there is no close. */
void buf_open(struct buf *b, struct arena *a);
/*
 * Make room for len more bytes and a NUL; returns where they go.  Who writes
 * there adds to b->len and ends with a NUL himself.
 */
char *buf_reserve(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif
