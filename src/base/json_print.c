/*
 * JSON out: keys sorted by their bytes, and every byte as `jq -S .` of jq 1.6
 * prints it, so that state files can be made and checked with stock tools.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { JSON_COMPACT = -1 }; /* an indent: all in one line */

static bool json_is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void json_escape(struct buf *b, unsigned char c)
{
	static const char special[] = "\"\\\b\t\n\f\r", letters[] = "\"\\btnfr";
	const char *p = strchr(special, c);

	if (p)
		buf_printf(b, "\\%c", letters[p - special]);
	else
		buf_printf(b, "\\u%04x", c);
}

static void json_print_string(struct buf *b, const char *s)
{
	const char *from;

	buf_putc(b, '"');
	while (*s) {
		for (from = s; json_is_plain((unsigned char)*s); s++)
			continue;
		buf_add(b, from, (size_t)(s - from));
		if (*s)
			json_escape(b, (unsigned char)*s++);
	}
	buf_putc(b, '"');
}

static int json_compare(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* The children, sorted where they have keys. */
static const struct json **json_sort(struct buf *b, const struct json *v, size_t *count)
{
	const struct json **list;
	size_t n = 0;

	for (const struct json *c = v->child; c; c = c->next)
		n++;
	list = arena_alloc(b->arena, n * sizeof(*list));
	*count = n;
	n = 0;
	for (const struct json *c = v->child; c; c = c->next)
		list[n++] = c;
	if (v->type == JSON_OBJECT)
		qsort(list, n, sizeof(*list), json_compare);
	return list;
}

static void json_break(struct buf *b, int indent)
{
	if (indent == JSON_COMPACT)
		return;
	buf_putc(b, '\n');
	memset(buf_reserve(b, (size_t)indent), ' ', (size_t)indent);
	b->len += (size_t)indent;
	b->data[b->len] = '\0';
}

static void json_print(struct buf *b, const struct json *v, int indent);

static void json_print_children(struct buf *b, const struct json *v, int indent)
{
	int deeper = indent == JSON_COMPACT ? JSON_COMPACT : indent + 2;
	size_t count;
	const struct json **list = json_sort(b, v, &count);

	buf_putc(b, v->type == JSON_OBJECT ? '{' : '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_putc(b, ',');
		json_break(b, deeper);
		if (v->type == JSON_OBJECT) {
			json_print_string(b, list[i]->key);
			buf_puts(b, indent == JSON_COMPACT ? ":" : ": ");
		}
		json_print(b, list[i], deeper);
	}
	if (count)
		json_break(b, indent);
	buf_putc(b, v->type == JSON_OBJECT ? '}' : ']');
}

static void json_print(struct buf *b, const struct json *v, int indent)
{
	switch (v->type) {
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	case JSON_BOOL:
		buf_puts(b, v->boolean ? "true" : "false");
		break;
	case JSON_INT:
		buf_printf(b, "%" PRId64, v->integer);
		break;
	case JSON_STRING:
		json_print_string(b, v->string);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_print_children(b, v, indent);
		break;
	}
}

void json_print_canonical(struct buf *b, const struct json *v)
{
	json_print(b, v, 0);
	buf_putc(b, '\n');
}

void json_print_compact(struct buf *b, const struct json *v)
{
	json_print(b, v, JSON_COMPACT);
}
