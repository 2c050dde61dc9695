/*
 * JSON in: a strict tree (RFC 8259, UTF-8, no duplicate keys, bounded depth
 * and size).  JSON out: a writer that prints exactly what `jq -S .` prints,
 * or one compact line.  json.c is the only file of the project that knows YAJL.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/job.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	const char *key;    /* of a member; NULL elsewhere */
	bool boolean;
	int64_t integer;    /* only integers: a fraction or an exponent is refused */
	const char *string; /* UTF-8 without NUL */
	struct json *child, *last; /* first and last child, in the document's order */
	struct json *next;         /* sibling */
};

enum { JSON_DEPTH_MAX = 8 }; /* arrays and objects within each other, the outermost counted */

/*
 * Parse text into a tree in the job's arena.  E_INVALID (code "malformed_json")
 * names line and column and the reason: syntax, encoding, duplicate key, depth,
 * a number that is no 53-bit integer, a NUL in a string, trailing bytes.
 */
int json_parse(struct job *j, const char *text, size_t len, struct json **out);

/* The member of an object, or NULL; also when o is NULL or no object. */
const struct json *json_get(const struct json *o, const char *key);

/*
 * Typed members.  A missing required member, a wrong type: job_fail_field.
 * A missing optional one leaves *out alone; null is a wrong type.
 */
int json_want_object(struct job *j, const struct json *o);
int json_want_string(struct job *j, const struct json *o, const char *key, bool required, const char **out);
int json_want_int(struct job *j, const struct json *o, const char *key, bool required, int64_t *out);
int json_want_bool(struct job *j, const struct json *o, const char *key, bool required, bool *out);
int json_want_array(struct job *j, const struct json *o, const char *key, bool required,
    const struct json **out);

/* Fails on the first member of o that is not in the NULL-terminated list. */
int json_known(struct job *j, const struct json *o, const char *const *keys);

/*
 * Build a tree in an arena; members are added in any order, the printers sort.
 * Keys are borrowed; keys and strings must be UTF-8.
 */
struct json *json_object(struct arena *a);
struct json *json_array(struct arena *a);
struct json *json_add(struct json *parent, const char *key, struct json *child); /* child; in arrays key is NULL */
/* null where value is NULL; the value is copied, or borrowed: a secret stays where its owner can cleanse it */
struct json *json_add_string(struct arena *a, struct json *parent, const char *key, const char *value);
struct json *json_add_borrowed(struct arena *a, struct json *parent, const char *key, const char *value);
struct json *json_add_int(struct arena *a, struct json *parent, const char *key, int64_t value);
struct json *json_add_bool(struct arena *a, struct json *parent, const char *key, bool value);

/* Exactly `jq -S .`: sorted keys, two spaces, final newline. */
void json_print_canonical(struct buf *b, const struct json *v);
/* Sorted keys, no spaces, no newline. */
void json_print_compact(struct buf *b, const struct json *v);

#endif
