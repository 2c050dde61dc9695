/*
 * `vpnunit receive`: the hook proc-receive of the state repository
 * (githooks(5)).  git has taken the pushed objects in, no ref has moved; here
 * the service, or without one this process, is asked to accept them.  Standard
 * output is git's; what people should read goes to standard error, where git
 * shows it to them as "remote: ...".
 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_int.h"
#include "cli/pktline.h"

enum { COMMANDS_MAX = 1000, TRIES = 40, PAUSE_MS = 250, NAME_BYTES = 128, USER_BUFFER = 4096 };

static const char MAIN[] = "refs/heads/main";

struct ref_command { /* one ref that the pusher wants to move */
	const char *old, *new, *ref;
};

struct push {
	struct ref_command list[COMMANDS_MAX];
	size_t n;
	const char *actor, *pusher;
	const char *reason; /* for git's own line; NULL: accepted */
};

static bool is_oid(const char *s)
{
	return strspn(s, "0123456789abcdef") == OID_HEX - 1;
}

/* "OLD NEW REF". */
static int parse_command(struct job *j, const struct pkt *line, struct ref_command *out)
{
	const char *s = line->data;

	if (line->len < 2 * OID_HEX + 1 || strlen(s) != line->len || !is_oid(s) || s[OID_HEX - 1] != ' ' ||
	    !is_oid(s + OID_HEX) || s[2 * OID_HEX - 1] != ' ')
		return job_fail(j, E_IO, "bad_pkt", "git sent a command that is none");
	out->old = arena_strndup(j->arena, s, OID_HEX - 1);
	out->new = arena_strndup(j->arena, s + OID_HEX, OID_HEX - 1);
	out->ref = arena_strdup(j->arena, s + 2 * (size_t)OID_HEX);
	return 0;
}

/* Versions, then commands; capabilities are offered and none is taken. */
static int read_push(struct job *j, struct push *p)
{
	struct pkt line;

	if (pkt_read(j, STDIN_FILENO, &line))
		return j->error;
	if (strcmp(line.data, "version=1") != 0)
		return job_fail(j, E_IO, "bad_pkt",
		    "this git speaks another version of the proc-receive protocol: %.32s", line.data);
	while (!line.is_flush)
		if (pkt_read(j, STDIN_FILENO, &line))
			return j->error;
	if (pkt_write(j, STDOUT_FILENO, "version=1") || pkt_flush(j, STDOUT_FILENO))
		return j->error;
	while (pkt_read(j, STDIN_FILENO, &line) == 0 && !line.is_flush) {
		if (p->n == COMMANDS_MAX)
			return job_fail(j, E_IO, "bad_pkt", "more than %d refs in one push", COMMANDS_MAX);
		if (parse_command(j, &line, &p->list[p->n++]))
			return j->error;
	}
	return j->error;
}

/* All or none, as everything here: one ng for each ref. */
static int write_report(struct job *j, const struct push *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		const char *ref = p->list[i].ref;

		if (pkt_write(j, STDOUT_FILENO,
			p->reason ? arena_printf(j->arena, "ng %s %s", ref, p->reason)
				  : arena_printf(j->arena, "ok %s", ref)))
			return j->error;
	}
	return pkt_flush(j, STDOUT_FILENO);
}

/* sshd knows which key came in, this process only its user: authorized_keys says it by VPNUNIT_PUSHER. */
static void identify(struct job *j, struct push *p)
{
	const char *given = getenv("VPNUNIT_PUSHER");
	char buffer[USER_BUFFER];
	struct passwd pw, *found = NULL;
	const char *name;

	getpwuid_r(getuid(), &pw, buffer, sizeof(buffer), &found);
	name = found ? arena_strdup(j->arena, found->pw_name)
		     : arena_printf(j->arena, "#%u", (unsigned)getuid());
	p->actor = given && *given ? arena_strndup(j->arena, given, strnlen(given, NAME_BYTES)) : name;
	p->pusher = given && *given
	    ? arena_printf(j->arena, "%s, as uid %u (%s)", p->actor, (unsigned)getuid(), name)
	    : arena_printf(j->arena, "uid %u (%s)", (unsigned)getuid(), name);
}

/* What a push can't be, whoever would answer it. */
static const char *refuse_refs(const struct push *p)
{
	const char *why = p->n != 1 || strcmp(p->list[0].ref, MAIN) != 0
	    ? "only main can be pushed here, and by itself"
	    : p->list[0].new[strspn(p->list[0].new, "0")] == '\0' ? "main cannot be deleted"
								  : NULL;

	if (why)
		fprintf(stderr, "%s\n", why);
	return why;
}

static void tell_items(const struct json *list, const char *what)
{
	const struct json *v;

	for (v = list ? list->child : NULL; v; v = v->next) {
		const struct json *name = json_get(v, "name"), *serial = json_get(v, "serial");

		if (name && serial && name->type == JSON_STRING && serial->type == JSON_STRING)
			fprintf(stderr, "  %s %s (%s)\n", what, name->string, serial->string);
	}
}

static void tell_accepted(const char *commit, const struct json *answer)
{
	const struct json *warning = json_get(answer, "warning");

	fprintf(
	    stderr, "accepted by %.12s, which is on top of your commits now: `git pull` brings it\n", commit);
	tell_items(json_get(answer, "issued"), "issued:");
	tell_items(json_get(answer, "revoked"), "revoked:");
	if (warning && warning->type == JSON_STRING)
		fprintf(stderr, "  not deployed yet: %s\n", warning->string);
}

/* A problem document: each error by itself, or what it says as a whole. */
static const char *tell_refused(struct job *j, const struct json *problem)
{
	const struct json *errors = json_get(problem, "errors"), *code = json_get(problem, "code");
	const struct json *detail = json_get(problem, "detail"), *e, *field, *text;

	for (e = errors && errors->type == JSON_ARRAY ? errors->child : NULL; e; e = e->next) {
		field = json_get(e, "field");
		text = json_get(e, "detail");
		if (field && text && field->type == JSON_STRING && text->type == JSON_STRING)
			fprintf(stderr, "%s: %s\n", field->string, text->string);
	}
	if (!errors && detail && detail->type == JSON_STRING)
		fprintf(stderr, "%s\n", detail->string);
	return code && code->type == JSON_STRING ? arena_strdup(j->arena, code->string)
						 : "the service failed";
}

static const char *print_body(struct job *j, const struct push *p)
{
	struct json *o = json_object(j->arena);
	struct buf b;

	json_add_string(j->arena, o, "old", p->list[0].old);
	json_add_string(j->arena, o, "new", p->list[0].new);
	json_add_string(j->arena, o, "actor", p->actor);
	json_add_string(j->arena, o, "pusher", p->pusher);
	buf_open(&b, j->arena);
	json_print_compact(&b, o);
	return b.data;
}

static int ask_service(struct job *j, const struct arguments *a, struct push *p)
{
	struct http_call call = { .method = "POST", .path = "/push", .body = print_body(j, p) };
	struct http_answer answer;
	struct json *o;

	if (cli_call(j, a, &call, &answer) || json_parse(j, answer.body.data, answer.body.len, &o))
		return j->error;
	if (answer.status == 201 && cli_string(o, "commit"))
		tell_accepted(cli_string(o, "commit"), o);
	else
		p->reason = tell_refused(j, o);
	return 0;
}

static void tell_job(const struct job *j)
{
	const struct job_detail *d;

	for (d = j->fields; d; d = d->next)
		fprintf(stderr, "%s: %s\n", d->field, d->text);
	if (!j->fields)
		fprintf(stderr, "%s\n", j->message);
}

/* No service runs: the same line, once, in this process. E_BUSY: one is just starting or ending. */
static int accept_alone(struct job *j, const struct arguments *a, struct push *p)
{
	struct flow_options o = cli_flow_options(a);
	struct change ch = { .kind = CHANGE_PUSH,
		.actor = p->actor,
		.pusher = p->pusher,
		.request_id = "",
		.reason = "",
		.now = j->now,
		.base = p->list[0].old,
		.target = p->list[0].new };
	struct flow_result done;
	struct flow *flow = NULL;
	const struct flow_item *i;

	if (flow_open(j, &o, &flow))
		return j->error;
	if (flow_submit(j, flow, &ch, &done)) {
		tell_job(j);
		p->reason = j->code;
		job_clear(j);
	} else {
		tell_accepted(done.commit.hex, NULL);
		for (i = done.summary.issued; i->name; i++)
			fprintf(stderr, "  issued: %s (%s)\n", i->name, i->serial);
		for (i = done.summary.revoked; i->name; i++)
			fprintf(stderr, "  revoked: %s (%s)\n", i->name, i->serial);
	}
	flow_close(flow);
	return 0;
}

static int decide(struct job *j, const struct arguments *a, struct push *p)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		job_clear(j);
		if (ask_service(j, a, p) == 0 || strcmp(j->code, "not_listening") != 0)
			break;
		job_clear(j);
		if (accept_alone(j, a, p) != E_BUSY)
			break;
	}
	return j->error;
}

int cli_receive(struct job *j, struct arguments *a)
{
	struct push *p = arena_alloc(j->arena, sizeof(*p));

	signal(SIGPIPE, SIG_IGN); /* who pushes may go away in the middle: what is begun is ended */
	if (read_push(j, p))
		return EXIT_REFUSED;
	identify(j, p);
	p->reason = refuse_refs(p);
	if (!p->reason && decide(j, a, p)) {
		tell_job(j);
		p->reason = arena_strdup(j->arena, j->code);
		job_clear(j);
	}
	return write_report(j, p) ? EXIT_REFUSED : 0;
}
