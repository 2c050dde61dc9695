/*
 * `vpnunit gateway allow` and `close`: one entry of a gateway's list, which the service takes whole.
 * If-Match keeps two who do so at once from losing each other's.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"
#include "cli/output.h"

static const char *print_rule(struct job *j, const struct json *e)
{
	struct buf b;

	if (e->type == JSON_STRING)
		return e->string;
	buf_open(&b, j->arena);
	buf_printf(&b, "%s/%s", cli_string(e, "proto"), cli_string(e, "ports"));
	if (cli_string(e, "to"))
		buf_printf(&b, " to %s", cli_string(e, "to"));
	if (cli_string(e, "from"))
		buf_printf(&b, " from %s", cli_string(e, "from"));
	return b.data;
}

const char *cli_print_rules(struct job *j, const struct json *list)
{
	const struct json *e;
	struct buf b;

	buf_open(&b, j->arena);
	for (e = list ? list->child : NULL; e; e = e->next)
		buf_printf(&b, "%s%s", b.len ? ", " : "", print_rule(j, e));
	return b.len ? b.data : "nothing";
}

/* "tcp/22", with --to and --from as an object, in the form that the service prints. */
static int build_rule(struct job *j, const struct arguments *a, const char *text, struct json *list)
{
	const char *slash = strchr(text, '/'), *from = a->from;
	struct json *o;

	if (!slash)
		return cli_usage(
		    j, arena_printf(j->arena, "\"%s\" is no rule such as tcp/22 or udp/5000-5010", text));
	if (from && strcmp(from, "any") == 0)
		from = NULL;
	if (!a->to && !from) {
		json_add_string(j->arena, list, NULL, text);
		return 0;
	}
	o = json_add(list, NULL, json_object(j->arena));
	json_add_string(j->arena, o, "proto", arena_strndup(j->arena, text, (size_t)(slash - text)));
	json_add_string(j->arena, o, "ports", slash + 1);
	if (a->to)
		json_add_string(j->arena, o, "to", a->to);
	if (from)
		json_add_string(j->arena, o, "from", from);
	return 0;
}

int cli_build_rules(
    struct job *j, const struct arguments *a, const char *const *text, size_t n, struct json **out)
{
	size_t i;

	*out = json_array(j->arena);
	for (i = 0; i < n; i++)
		if (build_rule(j, a, text[i], *out))
			return j->error;
	return 0;
}

static bool has_rule(struct job *j, const struct json *list, const struct json *rule)
{
	const struct json *e;

	for (e = list->child; e; e = e->next)
		if (strcmp(print_rule(j, e), print_rule(j, rule)) == 0)
			return true;
	return false;
}

/* A shallow copy of each entry of one list that the other one lacks, behind those that `out` has. */
static size_t add_others(struct job *j, struct json *out, const struct json *list, const struct json *but)
{
	const struct json *e;
	struct json *copy;
	size_t n = 0;

	for (e = list->child; e; e = e->next) {
		if (has_rule(j, but, e))
			continue;
		copy = arena_alloc(j->arena, sizeof(*copy));
		*copy = *e;
		copy->next = NULL;
		json_add(out, NULL, copy);
		n++;
	}
	return n;
}

struct edit {
	const struct json *now; /* the gateway's list */
	struct json *given; /* what the command says */
	const char *tag;
};

static int read_rules(struct job *j, const struct arguments *a, struct edit *out)
{
	struct http_call call = { .method = "GET", .path = cli_url(j, "/gateway/", a->rest[0], "") };
	struct http_answer answer;
	struct json *gateway;

	*out = (struct edit){ .now = json_array(j->arena) };
	if (cli_build_rules(j, a, (const char *const *)a->rest + 1, a->rest_n - 1, &out->given) ||
	    cli_ask(j, a, &call, &answer) || json_parse(j, answer.body.data, answer.body.len, &gateway))
		return j->error;
	out->tag = http_answer_header(j, &answer, "ETag");
	return json_want_array(j, gateway, "allow", true, &out->now);
}

static int patch(struct job *j, const struct arguments *a, const struct edit *e, struct mutation *m,
    const struct json *list)
{
	struct json *body = json_object(j->arena);

	json_add(body, "allow", (struct json *)list);
	m->method = "PATCH";
	m->path = cli_url(j, "/gateway/", a->rest[0], "");
	m->body = body;
	m->if_match = e->tag;
	m->tell = cli_print_gateway;
	return cli_change(j, a, m);
}

static int fail(struct job *j)
{
	return strcmp(j->code, "usage") == 0 ? EXIT_USAGE : EXIT_REFUSED;
}

int cli_gateway_allow(struct job *j, struct arguments *a)
{
	struct json *list = json_array(j->arena);
	struct mutation m = { .is_harmless = true };
	struct edit e;

	if (read_rules(j, a, &e))
		return fail(j);
	add_others(j, list, e.now, json_array(j->arena));
	add_others(j, list, e.given, e.now);
	return patch(j, a, &e, &m, list);
}

int cli_gateway_close(struct job *j, struct arguments *a)
{
	struct json *list = json_array(j->arena);
	struct mutation m = { 0 };
	struct edit e;

	if (read_rules(j, a, &e))
		return fail(j);
	if (add_others(j, json_array(j->arena), e.given, e.now)) {
		job_fail(j, E_NOT_FOUND, "not_found", "%s does not allow that; it allows %s", a->rest[0],
		    cli_print_rules(j, e.now));
		return EXIT_REFUSED;
	}
	add_others(j, list, e.now, e.given);
	m.takes = arena_printf(j->arena, "this closes %s of %s and ends connections through it",
	    cli_print_rules(j, e.given), a->rest[0]);
	return patch(j, a, &e, &m, list);
}
