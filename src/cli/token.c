/* `vpnunit token ...` and `signer ...`: who may use the API, and whose pushes are taken. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"
#include "cli/output.h"

/* Alone on standard output, so that it can go into a file; there is no second time. */
static void print_secret(struct job *j, const struct json *o)
{
	(void)j;
	if (cli_string(o, "token")) {
		fprintf(stderr, "The token, which is shown this once:\n");
		printf("%s\n", cli_string(o, "token"));
	}
}

/* A time as it is, or from now: "90d". */
static int add_expiry(struct job *j, const struct arguments *a, struct json *body)
{
	char text[TIME_TEXT];
	int64_t span;

	if (!a->expires)
		return 0;
	if (strchr(a->expires, 'T')) {
		json_add_string(j->arena, body, "expires", a->expires);
		return 0;
	}
	if (!time_parse_duration(a->expires, &span))
		return cli_usage(
		    j, "--expires takes a duration such as 90d, or a time as 2026-11-23T01:04:30Z");
	json_add_string(j->arena, body, "expires", time_print(j->now + span, text));
	return 0;
}

int cli_token_add(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);
	struct mutation m = {
		.method = "POST", .path = "/tokens", .body = body, .is_harmless = true, .tell = print_secret
	};

	if (!a->role)
		return cli_usage(j, "`token add` needs --role admin, operator, auditor or gateway"),
		       EXIT_USAGE;
	json_add_string(j->arena, body, "name", a->rest[0]);
	json_add_string(j->arena, body, "role", a->role);
	if (a->user)
		json_add_string(j->arena, body, "user", a->user);
	if (a->gateway)
		json_add_string(j->arena, body, "gateway", a->gateway);
	if (add_expiry(j, a, body))
		return EXIT_USAGE;
	return cli_change(j, a, &m);
}

static void print_tokens(struct job *j, const struct json *list)
{
	static const char *const heads[] = { "TOKEN", "ROLE", "FOR", "STATE", "EXPIRES", "CREATED", NULL };
	const struct json *o;
	struct table t;

	table_open(&t, j, heads);
	for (o = list->child; o; o = o->next) {
		const char *state = cli_string(o, "state"), *whose = cli_string(o, "gateway");
		bool is_valid = state && strcmp(state, "valid") == 0;

		if (!whose)
			whose = cli_string(o, "user");
		table_add(&t, STYLE_PLAIN, cli_string(o, "name"));
		table_add(&t, STYLE_PLAIN, cli_string(o, "role"));
		table_add(&t, STYLE_PLAIN, whose ? whose : "all");
		table_add(&t, is_valid ? STYLE_PLAIN : STYLE_BAD, state);
		table_add(&t, STYLE_PLAIN, cli_string(o, "expires") ? cli_string(o, "expires") : "never");
		table_add(&t, STYLE_PLAIN, cli_string(o, "created"));
	}
	table_print(&t);
}

int cli_token_list(struct job *j, struct arguments *a)
{
	struct json *list;

	if (cli_get_list(j, a, "/tokens?limit=1000", "tokens", &list))
		return EXIT_REFUSED;
	output_answer(j, a->json, list, print_tokens);
	return 0;
}

/* The service has no such route: it is looked up in the list. */
int cli_token_show(struct job *j, struct arguments *a)
{
	struct json *list, *found = json_array(j->arena), *v;

	if (cli_get_list(j, a, "/tokens?limit=1000", "tokens", &list))
		return EXIT_REFUSED;
	for (v = list->child; v; v = v->next)
		if (strcmp(cli_string(v, "name"), a->rest[0]) == 0)
			break;
	if (!v) {
		job_fail(j, E_NOT_FOUND, "not_found", "there is no token %s", a->rest[0]);
		return EXIT_REFUSED;
	}
	v->next = NULL;
	json_add(found, NULL, v);
	output_answer(j, a->json, a->json ? v : found, print_tokens);
	return 0;
}

int cli_token_delete(struct job *j, struct arguments *a)
{
	struct mutation m = { .method = "DELETE",
		.path = cli_url(j, "/token/", a->rest[0], ""),
		.takes = arena_printf(j->arena,
		    "nobody can use the token %s any more, and nothing brings it back", a->rest[0]) };

	return cli_change(j, a, &m);
}

int cli_signer_add(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);
	struct mutation m = { .method = "POST",
		.path = "/signers",
		.body = body,
		.takes = "from now on, commits that are pushed have to be signed by a key of the list" };

	json_add_string(j->arena, body, "name", a->rest[0]);
	json_add_string(j->arena, body, "key", a->rest[1]);
	return cli_change(j, a, &m);
}

static void print_signers(struct job *j, const struct json *list)
{
	static const char *const heads[] = { "SIGNER", "KEY", NULL };
	const struct json *o;
	struct table t;

	table_open(&t, j, heads);
	for (o = list->child; o; o = o->next) {
		table_add(&t, STYLE_PLAIN, cli_string(o, "name"));
		table_add(&t, STYLE_PLAIN, cli_string(o, "key"));
	}
	table_print(&t);
}

int cli_signer_list(struct job *j, struct arguments *a)
{
	struct json *list;

	if (cli_get_list(j, a, "/signers", "signers", &list))
		return EXIT_REFUSED;
	output_answer(j, a->json, list, print_signers);
	return 0;
}

int cli_signer_delete(struct job *j, struct arguments *a)
{
	struct mutation m = { .method = "DELETE",
		.path = cli_url(j, "/signer/", a->rest[0], ""),
		.takes = arena_printf(j->arena, "commits signed by %s are not taken any more", a->rest[0]) };

	return cli_change(j, a, &m);
}
