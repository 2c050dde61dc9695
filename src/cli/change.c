/*
 * Every change that a command asks for goes through here: the plan alone for
 * --dry-run, a question before what takes access away, and what came of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_int.h"
#include "cli/output.h"

const char *cli_url(struct job *j, const char *before, const char *name, const char *after)
{
	struct buf b;

	buf_open(&b, j->arena);
	buf_puts(&b, before);
	http_encode(&b, name);
	buf_puts(&b, after);
	return b.data;
}

static const char *print_body(struct job *j, const struct json *body)
{
	struct buf b;

	if (!body)
		return NULL;
	buf_open(&b, j->arena);
	json_print_compact(&b, body);
	return b.data;
}

static int send_change(
    struct job *j, const struct arguments *a, const struct mutation *m, bool is_dry, struct http_answer *out)
{
	struct http_call call = { .method = m->method,
		.body = print_body(j, m->body),
		.if_match = m->if_match,
		.confirm_within = is_dry ? 0 : a->confirm_within,
		.on_wait = progress_wait };
	struct buf path;
	int error;

	buf_open(&path, j->arena);
	buf_puts(&path, m->path);
	cli_add_query(&path, "dry_run", is_dry ? "1" : NULL);
	cli_add_query(&path, "reason", a->reason);
	call.path = path.data;
	error = cli_ask(j, a, &call, out);
	progress_end();
	return error;
}

static int ask_plan(struct job *j, const struct arguments *a, const struct mutation *m, struct json **out)
{
	struct http_answer answer;

	if (send_change(j, a, m, true, &answer))
		return j->error;
	return json_parse(j, answer.body.data, answer.body.len, out);
}

static bool has_items(const struct json *plan, const char *key)
{
	const struct json *list = json_get(plan, key);

	return list && list->child;
}

static const char *name_loser(const struct json *plan)
{
	const struct json *list = json_get(
	    plan, has_items(plan, "loses_access") ? "loses_access" : "revoked");

	return list->child->type == JSON_STRING ? list->child->string : cli_string(list->child, "name");
}

static int ask_person(struct job *j)
{
	char line[16] = "";

	fprintf(stderr, "Go on? [y/N] ");
	if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y'))
		return job_fail(j, E_INVALID, "not_confirmed", "nothing was changed");
	return 0;
}

/* Who reads JSON is a program: it says --yes, or is refused, terminal or not. */
static int confirm(struct job *j, const struct arguments *a, const struct mutation *m)
{
	struct json *plan = NULL;

	if (a->yes || m->is_harmless)
		return 0;
	if (!m->takes) {
		if (ask_plan(j, a, m, &plan))
			return j->error;
		if (!has_items(plan, "loses_access") && !has_items(plan, "revoked"))
			return 0;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) || a->json)
		return job_fail(j, E_INVALID, "not_confirmed",
		    "%s: give --yes to do it, or --dry-run to see all that it does",
		    m->takes ? m->takes
			     : arena_printf(j->arena, "this takes access away from %s", name_loser(plan)));
	if (m->takes)
		fprintf(stderr, "%s\n", m->takes);
	else
		plan_print_losses(j, plan);
	return ask_person(j);
}

/* Done, but not in force: a 204 says it in its headers. */
static int tell_trouble(struct job *j, const struct http_answer *answer, const struct json *o)
{
	const struct json *v = json_get(o, "warnings");
	const char *deployed = http_answer_header(j, answer, "Deployed"), *why;

	why = deployed ? http_answer_header(j, answer, "Warning-Detail") : cli_string(o, "warning");
	for (v = v ? v->child : NULL; v; v = v->next)
		job_warn(j, "%s", v->string);
	if (why)
		job_warn(j, "done, but not deployed: %s", why);
	cli_tell_warnings(j);
	return deployed || json_get(o, "deployed") ? EXIT_NOT_DEPLOYED : 0;
}

int cli_change(struct job *j, const struct arguments *a, struct mutation *m)
{
	struct http_answer answer;
	struct json *o = NULL;

	if (a->dry_run) {
		if (ask_plan(j, a, m, &o))
			return EXIT_REFUSED;
		output_answer(j, a->json, o, plan_print);
		return 0;
	}
	if (confirm(j, a, m) || send_change(j, a, m, false, &answer) ||
	    (answer.body.len && json_parse(j, answer.body.data, answer.body.len, &o)))
		return EXIT_REFUSED;
	m->answer = o;
	if (a->json && o)
		output_json(j, o);
	else if (!a->json && m->tell)
		m->tell(j, o);
	fflush(stdout);
	if (a->confirm_within)
		fprintf(stderr, "This is undone by itself, unless in time: vpnunit confirm %s\n",
		    http_answer_header(j, &answer, "X-Commit"));
	return tell_trouble(j, &answer, o);
}
