/*
 * The JSON tree: looking things up in one that came from outside, with
 * messages for who wrote it, and building one to print.
 */
#include <string.h>

#include "base/json.h"

const struct json *json_get(const struct json *o, const char *key)
{
	const struct json *v = o && o->type == JSON_OBJECT ? o->child : NULL;

	while (v && strcmp(v->key, key))
		v = v->next;
	return v;
}

int json_want_object(struct job *j, const struct json *o)
{
	if (o && o->type == JSON_OBJECT)
		return 0;
	if (o && o->key)
		return job_fail_field(j, o->key, "%s must be an object", o->key);
	return job_fail_field(j, "", "a JSON object is expected");
}

/* What json_get found under key: may it be missing, is it of the type? */
static int json_check(struct job *j, const struct json *v, const char *key, bool must, enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "true or false",
		[JSON_INT] = "an integer",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	if (!v)
		return must ? job_fail_field(j, key, "%s is missing", key) : 0;
	if (v->type != type)
		return job_fail_field(j, key, "%s must be %s", key, names[type]);
	return 0;
}

int json_want_string(struct job *j, const struct json *o, const char *key, bool required, const char **out)
{
	const struct json *v = json_get(o, key);
	int error = json_check(j, v, key, required, JSON_STRING);

	if (!error && v)
		*out = v->string;
	return error;
}

int json_want_int(struct job *j, const struct json *o, const char *key, bool required, int64_t *out)
{
	const struct json *v = json_get(o, key);
	int error = json_check(j, v, key, required, JSON_INT);

	if (!error && v)
		*out = v->integer;
	return error;
}

int json_want_bool(struct job *j, const struct json *o, const char *key, bool required, bool *out)
{
	const struct json *v = json_get(o, key);
	int error = json_check(j, v, key, required, JSON_BOOL);

	if (!error && v)
		*out = v->boolean;
	return error;
}

int json_want_array(
    struct job *j, const struct json *o, const char *key, bool required, const struct json **out)
{
	const struct json *v = json_get(o, key);
	int error = json_check(j, v, key, required, JSON_ARRAY);

	if (!error && v)
		*out = v;
	return error;
}

int json_known(struct job *j, const struct json *o, const char *const *keys)
{
	for (const struct json *v = o && o->type == JSON_OBJECT ? o->child : NULL; v; v = v->next) {
		const char *const *k = keys;

		while (*k && strcmp(*k, v->key))
			k++;
		if (!*k)
			return job_fail_field(j, v->key, "unknown field %s", v->key);
	}
	return 0;
}

static struct json *json_make(struct arena *a, enum json_type type)
{
	struct json *v = arena_alloc(a, sizeof(*v));

	v->type = type;
	return v;
}

struct json *json_object(struct arena *a)
{
	return json_make(a, JSON_OBJECT);
}

struct json *json_array(struct arena *a)
{
	return json_make(a, JSON_ARRAY);
}

struct json *json_add(struct json *parent, const char *key, struct json *child)
{
	child->key = key;
	if (parent->last)
		parent->last->next = child;
	else
		parent->child = child;
	parent->last = child;
	return child;
}

struct json *json_add_string(struct arena *a, struct json *parent, const char *key, const char *value)
{
	return json_add_borrowed(a, parent, key, value ? arena_strdup(a, value) : NULL);
}

struct json *json_add_borrowed(struct arena *a, struct json *parent, const char *key, const char *value)
{
	struct json *v = json_make(a, value ? JSON_STRING : JSON_NULL);

	v->string = value;
	return json_add(parent, key, v);
}

struct json *json_add_int(struct arena *a, struct json *parent, const char *key, int64_t value)
{
	struct json *v = json_make(a, JSON_INT);

	v->integer = value;
	return json_add(parent, key, v);
}

struct json *json_add_bool(struct arena *a, struct json *parent, const char *key, bool value)
{
	struct json *v = json_make(a, JSON_BOOL);

	v->boolean = value;
	return json_add(parent, key, v);
}
