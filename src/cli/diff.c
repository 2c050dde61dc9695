/*
 * `vpnunit diff FROM [TO]`: users, gateways and the network's settings of two
 * commits side by side, member by member; certificates come and go by themselves and are left out.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "cli/cli_int.h"
#include "cli/output.h"

static const struct kind {
	const char *what, *path;
} kinds[] = { { "user", "/users?limit=1000" }, { "gateway", "/gateways?limit=1000" } };

static const char *print_value(struct job *j, const struct json *v)
{
	struct buf b;

	buf_open(&b, j->arena);
	if (v)
		json_print_compact(&b, v);
	return v ? b.data : "nothing";
}

/* What the state says of an object, not what follows from it. */
static bool is_told(const char *key)
{
	return strcmp(key, "certificates") != 0 && strcmp(key, "gateways") != 0 &&
	    strcmp(key, "address") != 0;
}

static void add_change(
    struct job *j, struct json *list, const char *what, const char *name, struct json **out)
{
	*out = json_add(list, NULL, json_object(j->arena));
	json_add_string(j->arena, *out, "kind", what);
	json_add_string(j->arena, *out, "name", name);
}

static void add_value(struct job *j, struct json *o, const char *key, const struct json *v)
{
	struct json *copy;

	if (!v)
		return;
	copy = arena_alloc(j->arena, sizeof(*copy));
	*copy = *v;
	copy->next = NULL;
	json_add(o, key, copy);
}

/* One entry a member that differs; an object on one side only is one entry with all of it. */
static void compare(
    struct job *j, const char *what, const struct json *before, const struct json *after, struct json *out)
{
	const struct json *v, *other;
	const char *name = cli_string(before ? before : after, "name");
	struct json *entry;

	if (!before || !after) {
		add_change(j, out, what, name, &entry);
		add_value(j, entry, "before", before);
		add_value(j, entry, "after", after);
		return;
	}
	for (v = after->child; v; v = v->next) {
		other = json_get(before, v->key);
		if (!is_told(v->key) || strcmp(print_value(j, v), print_value(j, other)) == 0)
			continue;
		add_change(j, out, what, name, &entry);
		json_add_string(j->arena, entry, "member", v->key);
		add_value(j, entry, "before", other);
		add_value(j, entry, "after", v);
	}
}

static void compare_lists(
    struct job *j, const char *what, const struct json *before, const struct json *after, struct json *out)
{
	struct map was = { 0 };
	const struct json *v;

	for (v = before->child; v; v = v->next)
		map_put(&was, cli_string(v, "name"), (void *)v);
	for (v = after->child; v; v = v->next) {
		compare(j, what, map_get(&was, cli_string(v, "name")), v, out);
		map_del(&was, cli_string(v, "name"));
	}
	for (v = before->child; v; v = v->next)
		if (map_get(&was, cli_string(v, "name")))
			compare(j, what, v, NULL, out);
	map_clear(&was);
}

static void print_entry(struct job *j, const struct json *e)
{
	const struct json *before = json_get(e, "before"), *after = json_get(e, "after");
	const char *what = cli_string(e, "kind"), *name = cli_string(e, "name"),
		   *member = cli_string(e, "member");

	if (member)
		output_print(STYLE_WARNING,
		    arena_printf(j->arena, "~ %s %s: %s from %s to %s", what, name, member,
			print_value(j, before), print_value(j, after)));
	else
		output_print(after ? STYLE_GOOD : STYLE_BAD,
		    arena_printf(j->arena, "%c %s %s: %s", after ? '+' : '-', what, name,
			cli_string(after ? after : before, "prefix")));
	putchar('\n');
}

static int read_side(
    struct job *j, const struct arguments *a, const struct kind *k, const char *at, struct json **out)
{
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, k->path);
	cli_add_query(&path, "at", at);
	return cli_get_list(j, a, path.data, k->what, out);
}

static int read_network(struct job *j, const struct arguments *a, const char *at, struct json **out)
{
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/network");
	cli_add_query(&path, "at", at);
	return cli_get(j, a, path.data, out);
}

int cli_diff(struct job *j, struct arguments *a)
{
	const char *to = a->rest_n > 1 ? a->rest[1] : "HEAD";
	struct json *out = json_array(j->arena), *before, *after;
	const struct json *e;
	size_t i;

	if (read_network(j, a, a->rest[0], &before) || read_network(j, a, to, &after))
		return EXIT_REFUSED;
	compare(j, "network", before, after, out);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (read_side(j, a, &kinds[i], a->rest[0], &before) || read_side(j, a, &kinds[i], to, &after))
			return EXIT_REFUSED;
		compare_lists(j, kinds[i].what, before, after, out);
	}
	if (a->json)
		output_json(j, out);
	for (e = a->json ? NULL : out->child; e; e = e->next)
		print_entry(j, e);
	return 0;
}
