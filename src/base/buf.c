/*
 * The growing byte string.  It doubles within its arena; the old bytes stay
 * there until the arena goes, which is why secrets ask for their room first.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { BUF_FIRST = 64 };

void buf_open(struct buf *b, struct arena *a)
{
	*b = (struct buf){ .arena = a, .data = arena_alloc(a, BUF_FIRST), .cap = BUF_FIRST };
}

char *buf_reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap, need = b->len + len + 1;
	char *data;

	if (len > SIZE_MAX / 4)
		need = SIZE_MAX / 2 + 1; /* the arena refuses it */
	if (need > cap) {
		cap = need > cap * 2 ? need : cap * 2;
		data = arena_alloc(b->arena, cap);
		memcpy(data, b->data, b->len);
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *end = buf_reserve(b, len);

	if (len)
		memcpy(end, data, len);
	end[len] = '\0';
	b->len += len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->len;
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(b->data + b->len, room, fmt, again);
	va_end(again);
	assert(len >= 0); /* a format of ours that printf cannot take */
	if ((size_t)len >= room)
		vsnprintf(buf_reserve(b, (size_t)len), (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
}
