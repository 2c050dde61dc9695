/*
 * Settings that change in part: network.json and servers/main.json with some
 * members replaced, by the same parser that reads the files, so that a change
 * cannot say what a file could not.
 */
#include <string.h>

#include "model/model_int.h"

static bool is_object(const struct json *v)
{
	return v && v->type == JSON_OBJECT;
}

static void take(struct arena *a, struct json *out, const struct json *member)
{
	struct json *copy = arena_alloc(a, sizeof(*copy));

	*copy = *member;
	copy->next = NULL;
	json_add(out, member->key, copy);
}

/* Members of `over` replace those of `under`, objects member by member; what comes out is new. */
static struct json *merge(struct arena *a, const struct json *under, const struct json *over)
{
	struct json *out = json_object(a);
	const struct json *m, *other;

	for (m = under->child; m; m = m->next) {
		other = json_get(over, m->key);
		if (is_object(m) && is_object(other))
			json_add(out, m->key, merge(a, m, other));
		else
			take(a, out, other ? other : m);
	}
	for (m = over->child; m; m = m->next)
		if (!json_get(under, m->key))
			take(a, out, m); /* unknown: refused later, with its name */
	return out;
}

static bool is_equal(struct arena *a, const struct json *x, const struct json *y)
{
	struct buf left, right;

	buf_open(&left, a);
	buf_open(&right, a);
	json_print_compact(&left, x);
	json_print_compact(&right, y);
	return strcmp(left.data, right.data) == 0;
}

/* "policy.validity 400d, reserved.never": a list would be too long for a sentence. */
static void describe(struct buf *b, const char *group, const struct json *old, const struct json *new)
{
	const struct json *m;

	for (m = new->child; m; m = m->next) {
		const struct json *was = json_get(old, m->key);

		if (is_object(m)) {
			describe(b, arena_printf(b->arena, "%s%s.", group, m->key), was, m);
			continue;
		}
		if (was && is_equal(b->arena, was, m))
			continue;
		buf_printf(b, "%s%s%s", b->len ? ", " : "", group, m->key);
		if (m->type == JSON_STRING)
			buf_printf(b, " %s", m->string);
		else if (m->type == JSON_INT)
			buf_printf(b, " %lld", (long long)m->integer);
	}
}

/* Before anything is said about its value. */
static int check_known(struct job *j, const struct json *old, const struct json *members)
{
	const struct json *m;

	for (m = members->child; m; m = m->next)
		if (!json_get(old, m->key))
			return job_fail_field(j, m->key, "unknown field %s", m->key);
	return 0;
}

static int check_frozen(
    struct job *j, const struct json *old, const struct json *new, const struct model_frozen *frozen)
{
	for (; frozen->key; frozen++)
		if (!is_equal(j->arena, json_get(old, frozen->key), json_get(new, frozen->key)))
			return job_fail_at(j, E_CONFLICT, "frozen", frozen->key, frozen->why);
	return 0;
}

/* The file's tree, and the same with the members in it. */
static int begin(
    struct job *j, const struct buf *text, const struct model_merge *m, struct json **old, struct json **new)
{
	if (json_parse(j, text->data, text->len, old) || check_known(j, *old, m->members))
		return j->error;
	*new = merge(j->arena, *old, m->members);
	return check_frozen(j, *old, *new, m->frozen);
}

/* As it is written again, so that other spellings of the same are nothing new. */
static int finish(struct job *j, const struct json *old, const struct buf *text, struct model_merge *m)
{
	struct json *new;
	struct buf b;

	if (json_parse(j, text->data, text->len, &new))
		return j->error;
	buf_open(&b, j->arena);
	describe(&b, "", old, new);
	m->what = b.len ? b.data : NULL;
	return 0;
}

int model_merge_network(struct job *j, const struct network *old, struct model_merge *m, struct network *out)
{
	struct json *was = NULL, *will = NULL;
	struct buf text;

	memset(out, 0, sizeof(*out));
	out->entity.arena = j->arena;
	buf_open(&text, j->arena);
	model_encode_network(&text, old);
	if (begin(j, &text, m, &was, &will) || model_parse_network(j, will, out))
		return j->error;
	buf_open(&text, j->arena);
	model_encode_network(&text, out);
	return finish(j, was, &text, m);
}

int model_merge_server(struct job *j, const struct server *old, struct model_merge *m, struct server *out)
{
	struct json *was = NULL, *will = NULL;
	struct buf text;

	memset(out, 0, sizeof(*out));
	out->entity.arena = j->arena;
	buf_open(&text, j->arena);
	model_encode_server(&text, old);
	if (begin(j, &text, m, &was, &will) || model_parse_server(j, will, out))
		return j->error;
	buf_open(&text, j->arena);
	model_encode_server(&text, out);
	return finish(j, was, &text, m);
}
