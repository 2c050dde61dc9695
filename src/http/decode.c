/*
 * Decoding of what arrives in a URI: percent escapes, UTF-8, query strings.
 * Everything is decoded once and then checked; nothing is decoded again later.
 * And the way back, for links and questions.
 */
#include <ctype.h>
#include <string.h>

#include "base/utf8.h"
#include "http/http_int.h"

enum { QUERY_MAX = 16 };

bool decode_is_text(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	while (p < end) {
		uint32_t cp;
		size_t n = utf8_sequence(p, (size_t)(end - p), &cp);

		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			return false;
		p += n;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *decode_percent(struct arena *a, const char *s, size_t len, bool plus)
{
	char *out = arena_alloc(a, len + 1);
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (s[i] == '%') {
			int high = len - i > 2 ? hex_digit(s[i + 1]) : -1;
			int low = len - i > 2 ? hex_digit(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			out[n++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[n++] = plus && s[i] == '+' ? ' ' : s[i];
		}
	}
	return decode_is_text(out, n) ? out : NULL;
}

static int decode_parameter(struct job *j, const char *text, size_t len, struct http_query *out)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;

	out->name = decode_percent(j->arena, text, name_len, true);
	out->value = equals ? decode_percent(j->arena, equals + 1, len - name_len - 1, true) : "";
	if (!out->name || !out->value)
		return job_fail(j, E_INVALID, "malformed_query",
		    "the query string holds a bad escape, a control character or bytes that are no UTF-8");
	return 0;
}

int decode_query(struct job *j, const char *text, const struct http_query **out)
{
	struct http_query *first = NULL, **last = &first;
	size_t n = 0;

	while (text && *text) {
		size_t len = strcspn(text, "&");

		if (len > 0) {
			if (++n > QUERY_MAX)
				return job_fail(j, E_INVALID, "malformed_query",
				    "more than %d query parameters", QUERY_MAX);
			*last = arena_alloc(j->arena, sizeof(**last));
			if (decode_parameter(j, text, len, *last))
				return j->error;
			last = &(*last)->next;
		}
		text += len + (text[len] == '&');
	}
	*out = first;
	return 0;
}

const char *http_query(const struct http_request *r, const char *name)
{
	const struct http_query *q;

	for (q = r->query; q; q = q->next)
		if (strcmp(q->name, name) == 0)
			return q->value;
	return NULL;
}

static bool is_known(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

int http_query_known(const struct http_request *r, const char *const *names)
{
	const struct http_query *q, *other;

	for (q = r->query; q; q = q->next) {
		if (!is_known(q->name, names))
			return job_fail_field(r->job, q->name, "no such query parameter here");
		for (other = q->next; other; other = other->next)
			if (strcmp(q->name, other->name) == 0)
				return job_fail_field(r->job, q->name, "given twice");
	}
	return 0;
}

void http_encode(struct buf *b, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~:", *text))
			buf_putc(b, *text);
		else
			buf_printf(b, "%%%02X", (unsigned char)*text);
}
