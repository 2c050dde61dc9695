/* `vpnunit status`: what the service checks by itself, and which commit is where. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"
#include "cli/output.h"

static void print_checks(struct job *j, const struct json *ready)
{
	static const char *const heads[] = { "", "", "", NULL };
	const struct json *list = json_get(ready, "checks"), *v, *ok;
	struct table t;

	table_open(&t, j, heads);
	for (v = list ? list->child : NULL; v; v = v->next) {
		ok = json_get(v, "ok");
		table_add(&t, ok && ok->boolean ? STYLE_GOOD : STYLE_BAD, ok && ok->boolean ? "ok" : "FAILS");
		table_add(&t, STYLE_PLAIN, cli_string(v, "name"));
		table_add(&t, STYLE_PLAIN, cli_string(v, "detail"));
	}
	table_print(&t);
}

static const char *print_count(struct job *j, const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return arena_printf(j->arena, "%d", v && v->type == JSON_INT ? (int)v->integer : 0);
}

static void print_commit(struct table *t, const struct json *state, const char *key)
{
	const char *commit = cli_string(state, key), *head = cli_string(state, "head");
	bool is_behind = !commit || !head || strcmp(commit, head) != 0;

	table_add(t, STYLE_HEAD, key);
	table_add(t, is_behind ? STYLE_WARNING : STYLE_PLAIN,
	    commit ? arena_printf(t->job->arena, "%.12s%s", commit, is_behind ? ", behind head" : "")
		   : "nothing yet");
}

static void print_state(struct job *j, const struct json *state)
{
	static const char *const heads[] = { "", "", NULL };
	const struct json *drift = json_get(state, "drift"), *pending = json_get(state, "pending"), *v;
	struct table t;

	table_open(&t, j, heads);
	print_commit(&t, state, "head");
	print_commit(&t, state, "rendered");
	print_commit(&t, state, "deployed");
	table_add(&t, STYLE_HEAD, "users");
	table_add(&t, STYLE_PLAIN, print_count(j, state, "users"));
	table_add(&t, STYLE_HEAD, "gateways");
	table_add(&t, STYLE_PLAIN, print_count(j, state, "gateways"));
	if (cli_string(pending, "commit")) {
		table_add(&t, STYLE_HEAD, "unconfirmed");
		table_add(&t, STYLE_WARNING,
		    arena_printf(j->arena, "%s, undone at %s", cli_string(pending, "commit"),
			cli_string(pending, "deadline")));
	}
	for (v = drift ? drift->child : NULL; v; v = v->next) {
		table_add(&t, STYLE_HEAD, "drift");
		table_add(&t, STYLE_WARNING, v->string);
	}
	table_print(&t);
}

/* The checks need no token, so that a health check needs none either; the rest is told to who may know. */
int cli_status(struct job *j, struct arguments *a)
{
	struct http_call call = { .method = "GET", .path = "/readyz" },
			 more = { .method = "GET", .path = "/state" };
	struct http_answer ready, state;
	struct json *o, *s;

	if (cli_call(j, a, &call, &ready) || json_parse(j, ready.body.data, ready.body.len, &o))
		return EXIT_REFUSED;
	if (!json_get(o, "checks")) {
		cli_fail_refused(j, o);
		return EXIT_REFUSED;
	}
	if (a->json) {
		output_json(j, o);
		return ready.status == 200 ? 0 : EXIT_REFUSED;
	}
	print_checks(j, o);
	if (cli_ask(j, a, &more, &state) == 0 && json_parse(j, state.body.data, state.body.len, &s) == 0)
		print_state(j, s);
	job_clear(j);
	return ready.status == 200 ? 0 : EXIT_REFUSED;
}
