/*
 * A push: commits OLD..NEW that were made elsewhere.  Each is judged as if it
 * came alone; then the change is the difference of both ends, and the service's
 * own commit goes on top of NEW.  The same code answers `vpnunit check`.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flow/push_int.h"

enum { AHEAD = 3600, DAY = 86400 };

int flow_refuse_push(struct job *j, const char *commit, const char *path, size_t line, const char *text)
{
	const char *where = !*path ? arena_printf(j->arena, "commit %.12s", commit)
	    : !line                ? arena_printf(j->arena, "commit %.12s: %s", commit, path)
				   : arena_printf(j->arena, "commit %.12s: %s:%zu", commit, path, line);

	return job_fail_at(j, E_INVALID, "push_refused", where, text);
}

/* Clocks of people are wrong, but a history that jumps in time is no answer to "when". */
static int check_dates(struct job *j, const struct state_pushed *c, int64_t parent)
{
	const char *wrong = NULL;

	if (c->author_time < 0 || c->time < 0)
		wrong = "its date lies before 1970";
	else if (c->author_time > j->now + AHEAD || c->time > j->now + AHEAD)
		wrong =
		    "its date lies in the future: set the clock right, then `git commit --amend --date=now`";
	else if (c->time < parent - DAY)
		wrong =
		    "its date lies more than a day before that of the commit below it: set the clock right, then "
		    "`git commit --amend`";
	return wrong ? flow_refuse_push(j, c->id.hex, "", 0, wrong) : 0;
}

/* What the service reads back from its own commits, nobody else may write. */
static int check_message(struct job *j, const struct state_pushed *c)
{
	static const char *const ours[] = { "Change:", "Request-Id:", "Idempotency-Key:", "Accepts:",
		"Pusher:", "Confirm-Within:", "Confirms:", "Reverts:" };
	const char *line;
	size_t i;

	for (line = c->message; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (strncasecmp(line, ours[i], strlen(ours[i])) == 0)
				return flow_refuse_push(j, c->id.hex, "", 0,
				    arena_printf(j->arena,
					"a line of its message "
					"begins with \"%s\": that is the service's to say",
					ours[i]));
	return 0;
}

/* What is wrong between files names one of them. */
static int fail_between(struct job *j, struct state *s, const struct oid *commit)
{
	static const char prefix[] = "the result would not be a whole state: ";
	const char *message = j->message, *text, *path;
	struct buf bytes;

	if (strcmp(j->code, "does_not_fit") != 0)
		return j->error;
	if (strncmp(message, prefix, strlen(prefix)) == 0)
		message += strlen(prefix);
	text = strstr(message, ": ");
	if (!text)
		return j->error;
	path = arena_strndup(j->arena, message, (size_t)(text - message));
	job_clear(j);
	if (state_read(j, s, commit, path, &bytes)) {
		job_clear(j);
		buf_open(&bytes, j->arena);
	}
	return flow_refuse_push(
	    j, commit->hex, path, flow_find_line(bytes.data, bytes.len, text + 2), text + 2);
}

struct judging { /* a push, commit by commit */
	struct state *state;
	const struct change *change;
	struct model *model; /* as of the last one, with what the ledger would say of it */
	struct state_pushed last;
};

/* By itself, and on top of the last one. */
static int judge_commit(struct job *j, struct judging *x, const struct state_pushed *c)
{
	struct change step = *x->change;
	struct plan_file *files;
	struct model *own;
	struct plan *plan;

	if (check_dates(j, c, x->last.time) || check_message(j, c) ||
	    flow_check_pushed_files(j, x->state, &x->last.id, &c->id, x->model) ||
	    flow_diff_intent(j, x->state, &x->last.id, &c->id, true, &files))
		return j->error;
	step.intent = files;
	if (change_plan(j, x->model, &step, &plan))
		return fail_between(j, x->state, &c->id);
	own = model_fork(x->model);
	if (flow_put_plan(j, own, plan)) {
		model_close(own);
		return j->error;
	}
	model_absorb(x->model, own);
	x->last = *c;
	return 0;
}

static int judge_line(
    struct job *j, struct state *s, const struct model *m, const struct oid *base, const struct change *ch)
{
	struct judging x = { .state = s, .change = ch, .last = { .id = *base } };
	struct state_commit below;
	struct state_push push;
	struct oid target;
	size_t i;

	memcpy(target.hex, ch->target, OID_HEX);
	if (state_read_push(j, s, base, &target, &push) || state_read_commit(j, s, base, &below) ||
	    flow_check_signers(j, s, base, &push))
		return j->error;
	x.last.time = below.time;
	x.model = model_fork(m);
	for (i = 0; i < push.n; i++)
		if (judge_commit(j, &x, &push.list[i]))
			break;
	model_close(x.model);
	return j->error;
}

int flow_read_push(
    struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch)
{
	struct plan_file *files;
	bool is_onward = false;
	struct oid target;

	if (model_pending(m))
		return 0; /* change says so */
	if (strcmp(ch->base, at->hex) != 0)
		return job_fail(j, E_CONFLICT, "fetch_first",
		    "main has moved on to %.12s: `git pull --rebase`, then push again", at->hex);
	if (strcmp(ch->target, at->hex) == 0)
		return flow_refuse_push(j, at->hex, "", 0, "is on main already");
	memcpy(target.hex, ch->target, OID_HEX);
	if (state_is_ancestor(j, s, at, &target, &is_onward))
		return j->error;
	if (!is_onward)
		return flow_refuse_push(j, target.hex, "", 0,
		    "does not go on from what is on main: history is never rewritten here (`git revert` "
		    "undoes a commit)");
	if (judge_line(j, s, m, at, ch) || flow_diff_intent(j, s, at, &target, true, &files))
		return j->error;
	ch->intent = files;
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): state_stage's, and the change */
int flow_stage(struct job *j, struct state *s, const struct oid *at, const struct change *ch,
    const struct plan *plan, struct oid *out)
{
	struct plan own = *plan;
	struct plan_file *f;
	struct oid pushed;

	if (ch->kind != CHANGE_PUSH)
		return state_stage(j, s, at, plan, out);
	own.files = NULL;
	for (f = plan->files; f; f = f->next)
		if (strncmp(f->path, "ledger/", 7) == 0)
			plan_write(j->arena, &own, f->path, f->data, f->len);
	memcpy(pushed.hex, ch->target, OID_HEX);
	return state_sync_objects(j, s) || state_stage(j, s, &pushed, &own, out) ? j->error : 0;
}

int flow_check_offline(struct job *j, const char *repository, const char *old, const char *new)
{
	struct change ch = { .kind = CHANGE_PUSH,
		.actor = "check",
		.now = j->now,
		.base = old,
		.target = new,
		.pusher = "check" };
	struct model *m = model_open();
	struct state *s = NULL;
	struct plan *plan;
	struct oid base;

	memcpy(base.hex, old, OID_HEX);
	if (state_open(j, repository, &s) == 0 && flow_load_model(j, s, &base, m) == 0 &&
	    flow_read_push(j, s, m, &base, &ch) == 0)
		change_plan(j, m, &ch, &plan);
	model_close(m);
	state_close(s);
	return j->error;
}

int flow_install_receive(struct job *j, const struct flow_options *o)
{
	const char *options[7] = { NULL };
	char *key = NULL;
	size_t n = 0;

	if (o->openvpn_group) {
		options[n++] = "--openvpn-group";
		options[n++] = o->openvpn_group;
	}
	if (!o->hooks) {
		options[n++] = "--hooks";
		options[n++] = "none";
	}
	key = o->master_key ? realpath(o->master_key, NULL) : NULL;
	if (key) {
		options[n++] = "--master-key";
		options[n++] = arena_strdup(j->arena, key);
	}
	free(key);
	return deploy_install_receive(j, o->data, options);
}
