/* `vpnunit user ...`: the members. */
#include <stdio.h>

#include "cli/cli_int.h"
#include "cli/output.h"

static const char *print_count(struct job *j, const struct json *o)
{
	const struct json *n = json_get(o, "gateways");

	return arena_printf(j->arena, "%d", n && n->type == JSON_INT ? (int)n->integer : 0);
}

static void print_user(struct job *j, const struct json *o)
{
	static const char *const heads[] = { "", "", NULL };
	struct table t;

	table_open(&t, j, heads);
	table_add_pair(&t, "user", cli_string(o, "name"));
	table_add_pair(&t, "prefix", cli_string(o, "prefix"));
	table_add_pair(&t, "gateways", print_count(j, o));
	table_add(&t, STYLE_HEAD, "state");
	table_add_state(&t, o);
	table_add_pair(&t, "created", cli_string(o, "created"));
	table_print(&t);
}

static void print_users(struct job *j, const struct json *list)
{
	static const char *const heads[] = { "USER", "PREFIX", "GATEWAYS", "STATE", "CREATED", NULL };
	const struct json *o;
	struct table t;

	table_open(&t, j, heads);
	for (o = list->child; o; o = o->next) {
		table_add(&t, STYLE_PLAIN, cli_string(o, "name"));
		table_add(&t, STYLE_PLAIN, cli_string(o, "prefix"));
		table_add(&t, STYLE_PLAIN, print_count(j, o));
		table_add_state(&t, o);
		table_add(&t, STYLE_PLAIN, cli_string(o, "created"));
	}
	table_print(&t);
}

int cli_user_list(struct job *j, struct arguments *a)
{
	struct json *list;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/users?limit=1000");
	cli_add_query(&path, "at", a->at);
	if (cli_get_list(j, a, path.data, "users", &list))
		return EXIT_REFUSED;
	output_answer(j, a->json, list, print_users);
	return 0;
}

int cli_user_show(struct job *j, struct arguments *a)
{
	struct json *o;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, cli_url(j, "/user/", a->rest[0], ""));
	cli_add_query(&path, "at", a->at);
	if (cli_get(j, a, path.data, &o))
		return EXIT_REFUSED;
	output_answer(j, a->json, o, print_user);
	return 0;
}

int cli_user_add(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);
	struct mutation m = {
		.method = "POST", .path = "/users", .body = body, .is_harmless = true, .tell = print_user
	};

	json_add_string(j->arena, body, "name", a->rest[0]);
	if (a->id)
		json_add_string(j->arena, body, "id", a->id);
	return cli_change(j, a, &m);
}

static int patch(struct job *j, const struct arguments *a, const struct json *body)
{
	struct mutation m = { .method = "PATCH",
		.path = cli_url(j, "/user/", a->rest[0], ""),
		.body = body,
		.tell = print_user };

	return cli_change(j, a, &m);
}

int cli_user_rename(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);

	json_add_string(j->arena, body, "name", a->rest[1]);
	return patch(j, a, body);
}

int cli_user_enable(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);

	json_add_bool(j->arena, body, "enabled", true);
	return patch(j, a, body);
}

int cli_user_disable(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);

	json_add_bool(j->arena, body, "enabled", false);
	return patch(j, a, body);
}

int cli_user_delete(struct job *j, struct arguments *a)
{
	struct mutation m = { .method = "DELETE",
		.path = cli_url(j, "/user/", a->rest[0], a->cascade ? "?cascade=1" : "") };

	return cli_change(j, a, &m);
}
