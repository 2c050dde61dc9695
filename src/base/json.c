/*
 * JSON in: bytes to a tree.  YAJL knows the grammar but lets pass what RFC
 * 8259 does not: overlong UTF-8, lone surrogates, form feeds between tokens.
 * So a scan over the bytes comes first, and YAJL gets what survives it.
 */
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/json.h"
#include "base/map.h"

/* 2^53 - 1: what every reader of JSON keeps exactly. */
static const int64_t json_int_max = 9007199254740991;

struct json_frame { /* an open array or object */
	struct json *node;
	struct map keys; /* of an object: those seen */
};

struct json_reader {
	struct job *j;
	const char *text;
	size_t len;
	yajl_handle yajl;
	struct json *root;
	const char *key; /* of the member whose value comes next */
	struct json_frame stack[JSON_DEPTH_MAX];
	unsigned depth;
	bool at_end; /* all bytes are YAJL's */
};

/* Columns count characters, as editors do. The bytes themselves are not quoted. */
static int json_fail(struct json_reader *r, size_t at, const char *reason)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < r->len; i++) {
		if (r->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return job_fail(r->j, E_INVALID, "malformed_json", "line %zu, column %zu: %s", line, column, reason);
}

/* The length of the UTF-8 character at p (RFC 3629), 0 when it is none. */
static size_t json_utf8(const unsigned char *p, size_t left)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	unsigned value;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc0 || *p > 0xf7 || n > left)
		return 0;
	value = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return n;
}

/* The value of \uXXXX at p, or -1 where that is none. */
static long json_unit(const char *p, size_t left)
{
	char digits[5] = "";

	if (left < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	memcpy(digits, p + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

/* Step over the escape at *at within a string. */
static int json_scan_escape(struct json_reader *r, size_t *at)
{
	size_t start = *at;
	long low, unit = json_unit(r->text + start, r->len - start);

	if (unit < 0) {
		/* A short escape, or a wrong one, which YAJL refuses; a character beyond ASCII is still to check. */
		*at += start + 1 < r->len && (unsigned char)r->text[start + 1] < 0x80 ? 2 : 1;
		return 0;
	}
	*at += 6;
	if (unit == 0)
		return json_fail(r, start, "a string must not contain NUL");
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	low = json_unit(r->text + *at, r->len - *at);
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return json_fail(r, start, "half of a surrogate pair");
	*at += 6;
	return 0;
}

static int json_scan(struct json_reader *r)
{
	bool in_string = false;
	size_t i = 0, n;
	int error;

	while (i < r->len) {
		unsigned char c = (unsigned char)r->text[i];

		if (c < 0x20 && (in_string || (c != '\t' && c != '\n' && c != '\r')))
			return json_fail(r, i, "a control character, which must be escaped in a string");
		if (in_string && c == '\\') {
			if ((error = json_scan_escape(r, &i)))
				return error;
			continue;
		}
		if (c == '"')
			in_string = !in_string;
		n = json_utf8((const unsigned char *)r->text + i, r->len - i);
		if (!n)
			return json_fail(r, i, "not valid UTF-8");
		i += n;
	}
	return 0;
}

/* Where YAJL stands: just behind the token that it reports. At the end it counts anew. */
static size_t json_at(const struct json_reader *r)
{
	return r->at_end ? r->len : yajl_get_bytes_consumed(r->yajl);
}

/* What a callback returns for YAJL to stop. */
static int json_stop(struct json_reader *r, const char *reason)
{
	json_fail(r, json_at(r), reason);
	return 0;
}

static struct json *json_node(struct json_reader *r, enum json_type type)
{
	struct json *v = arena_alloc(r->j->arena, sizeof(*v));

	v->type = type;
	if (!r->depth)
		return r->root = v;
	json_add(r->stack[r->depth - 1].node, r->key, v);
	r->key = NULL;
	return v;
}

static int json_on_null(void *ctx)
{
	json_node(ctx, JSON_NULL);
	return 1;
}

static int json_on_bool(void *ctx, int value)
{
	json_node(ctx, JSON_BOOL)->boolean = value;
	return 1;
}

static int json_on_number(void *ctx, const char *text, size_t len)
{
	struct json_reader *r = ctx;
	char digits[32] = "";
	long long value;

	for (size_t i = 0; i < len; i++)
		if (strchr(".eE", text[i]))
			return json_stop(r, "a number must be an integer, without fraction or exponent");
	if (len < sizeof(digits))
		memcpy(digits, text, len);
	value = strtoll(digits, NULL, 10);
	if (len >= sizeof(digits) || value > json_int_max || value < -json_int_max)
		return json_stop(r, "a number must lie within 2^53 - 1 of zero");
	json_node(r, JSON_INT)->integer = value;
	return 1;
}

static int json_on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct json_reader *r = ctx;

	json_node(r, JSON_STRING)->string = arena_strndup(r->j->arena, (const char *)text, len);
	return 1;
}

static int json_on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct json_reader *r = ctx;
	struct json_frame *top = &r->stack[r->depth - 1];

	r->key = arena_strndup(r->j->arena, (const char *)text, len);
	if (map_get(&top->keys, r->key))
		return json_stop(r, "the same key a second time in one object");
	map_put(&top->keys, r->key, top->node);
	return 1;
}

static int json_push(struct json_reader *r, enum json_type type)
{
	struct json *v;

	if (r->depth == JSON_DEPTH_MAX)
		return json_stop(r, "nested too deeply");
	v = json_node(r, type);
	r->stack[r->depth++] = (struct json_frame){ .node = v };
	return 1;
}

static int json_on_object(void *ctx)
{
	return json_push(ctx, JSON_OBJECT);
}

static int json_on_array(void *ctx)
{
	return json_push(ctx, JSON_ARRAY);
}

static int json_on_end(void *ctx)
{
	struct json_reader *r = ctx;

	map_clear(&r->stack[--r->depth].keys);
	return 1;
}

static void *json_malloc(void *ctx, size_t size)
{
	(void)ctx;
	return mem_alloc(size);
}

static void *json_realloc(void *ctx, void *p, size_t size)
{
	(void)ctx;
	return mem_realloc(p, size);
}

static void json_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* YAJL's own words, without the input that it would quote. */
static int json_fail_syntax(struct json_reader *r)
{
	unsigned char *words = yajl_get_error(r->yajl, 0, NULL, 0);
	char *reason = arena_strdup(r->j->arena, (const char *)words);

	yajl_free_error(r->yajl, words);
	reason[strcspn(reason, "\n")] = '\0';
	return json_fail(r, json_at(r), reason);
}

static int json_read(struct json_reader *r)
{
	yajl_status status = yajl_parse(r->yajl, (const unsigned char *)r->text, r->len);

	if (status == yajl_status_ok) {
		r->at_end = true;
		status = yajl_complete_parse(r->yajl); /* a number or half a document is still with it */
	}
	if (status == yajl_status_error)
		return json_fail_syntax(r);
	return status == yajl_status_ok ? 0 : E_INVALID; /* a callback has said why */
}

int json_parse(struct job *j, const char *text, size_t len, struct json **out)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = json_on_null,
		.yajl_boolean = json_on_bool,
		.yajl_number = json_on_number,
		.yajl_string = json_on_string,
		.yajl_start_map = json_on_object,
		.yajl_map_key = json_on_key,
		.yajl_end_map = json_on_end,
		.yajl_start_array = json_on_array,
		.yajl_end_array = json_on_end,
	};
	yajl_alloc_funcs memory = { json_malloc, json_realloc, json_free, NULL };
	struct json_reader r = { .j = j, .text = text, .len = len };
	int error;

	if ((error = json_scan(&r)))
		return error;
	r.yajl = yajl_alloc(&callbacks, &memory, &r);
	error = json_read(&r);
	while (r.depth)
		json_on_end(&r);
	yajl_free(r.yajl);
	if (!error)
		*out = r.root;
	return error;
}
