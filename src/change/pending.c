/*
 * Commit-confirmed, as Junos has it: a change that undoes itself unless it is
 * confirmed in time.  What it takes away is on hold until then, so that the
 * undo is complete; the fact is a file of the change's own commit.
 */
#include <string.h>

#include "base/time.h"
#include "change/change_int.h"

static const char PATH[] = "pending.json";

/* May it be done beside a pending change? */
static bool takes_away_only(const struct change *ch)
{
	switch (ch->kind) {
	case CHANGE_USER_DELETE:
	case CHANGE_GATEWAY_DELETE:
	case CHANGE_TOKEN_DELETE:
	case CHANGE_SERVER_RENEW:
	case CHANGE_API_RENEW:
	case CHANGE_SUPERSEDED_END:
	case CHANGE_LEDGER_PRUNE:
	case CHANGE_ADOPT:
	case CHANGE_CONFIRM:
	case CHANGE_UNDO:
		return true;
	case CHANGE_USER_PATCH:
	case CHANGE_GATEWAY_PATCH:
		return ch->has_enabled && !ch->enabled && !ch->new_name && !ch->has_inbound &&
		    !ch->has_routes && !ch->has_allow;
	default:
		return false;
	}
}

int change_check_pending(struct work *w)
{
	const struct pending *p = model_pending(w->model);
	char until[TIME_TEXT];

	if (!p || (takes_away_only(w->change) && !w->change->confirm_within))
		return 0;
	time_print(p->deadline, until);
	job_extra(w->job, "deadline", until);
	return job_fail(w->job, E_CONFLICT, "pending_confirmation",
	    "a change waits for its confirmation until %s: "
	    "confirm it or undo it first (GET /state names it)",
	    until);
}

static bool is_fact_to_hold(const char *path)
{
	return strncmp(path, "ledger/revocations/", 19) == 0 || strncmp(path, "ledger/superseded/", 18) == 0;
}

static void list_holds(struct work *w, const struct model *fork, struct pending *p)
{
	const struct entity **e = model_touched(w->job->arena, fork, ENTITY_REVOCATION), **end;

	for (end = e; *end; end++)
		p->holds_n++;
	p->holds = arena_alloc(w->job->arena, (p->holds_n + 1) * sizeof(*p->holds));
	for (p->holds_n = 0; *e; e++) {
		const struct revocation *r = (const struct revocation *)*e;

		p->holds[p->holds_n++] = (struct hold){ r->serial, r->reason };
	}
}

static void list_ends(struct work *w, const struct model *fork, struct pending *p)
{
	const struct entity **e = model_touched(w->job->arena, fork, ENTITY_SUPERSESSION), **end;

	for (end = e; *end; end++)
		p->ends_n++;
	p->ends = arena_alloc(w->job->arena, (p->ends_n + 1) * sizeof(*p->ends));
	for (p->ends_n = 0; *e; e++) {
		const struct supersession *s = (const struct supersession *)*e;

		p->ends[p->ends_n++] = (struct planned_end){ s->serial, s->until };
	}
}

/* Take the facts out of the plan, and put them where a confirmation finds them. */
static int move_facts(struct work *w, struct model *fork, struct pending *p)
{
	struct plan_file **at = &w->plan->files, *f;

	while ((f = *at)) {
		if (!f->data || !is_fact_to_hold(f->path)) {
			at = &f->next;
			continue;
		}
		if (model_put(w->job, fork, f->path, f->data, f->len))
			return w->job->error;
		*at = f->next;
	}
	list_holds(w, fork, p);
	list_ends(w, fork, p);
	return 0;
}

int change_make_pending(struct work *w)
{
	struct pending p = { .at = w->change->now, .deadline = w->change->now + w->change->confirm_within };
	struct model *fork;
	struct buf b;

	if (!w->plan->files && !w->plan->issues)
		return 0;
	fork = model_fork(w->model);
	if (move_facts(w, fork, &p) == 0) {
		buf_open(&b, w->job->arena);
		model_encode_pending(&b, &p);
		plan_write(w->job->arena, w->plan, PATH, b.data, b.len);
		plan_trailer(w->job->arena, w->plan, "Confirm-Within",
		    arena_printf(w->job->arena, "%lld", (long long)w->change->confirm_within));
	}
	model_close(fork);
	return w->job->error;
}

static const struct pending *find_pending(struct work *w)
{
	const struct pending *p = model_pending(w->model);

	if (!p)
		job_fail(w->job, E_NOT_FOUND, "nothing_pending", "no change waits for a confirmation");
	return p;
}

int change_confirm(struct work *w)
{
	const struct pending *p = find_pending(w);
	const struct certificate *c;
	size_t i;

	if (!p)
		return w->job->error;
	for (i = 0; i < p->holds_n; i++) {
		c = model_certificate(w->model, p->holds[i].serial.hex);
		if (c && !model_revocation(w->model, c->serial.hex))
			change_revoke(w, c, p->holds[i].reason, w->change->now);
	}
	for (i = 0; i < p->ends_n; i++) {
		c = model_certificate(w->model, p->ends[i].serial.hex);
		if (c && !model_supersession(w->model, c->serial.hex))
			change_supersede(w, c, p->ends[i].until);
	}
	plan_delete(w->job->arena, w->plan, PATH);
	plan_trailer(w->job->arena, w->plan, "Confirms", w->change->target);
	w->plan->subject = arena_printf(w->job->arena, "confirm: %.12s", w->change->target);
	return 0;
}

/* What it issued has been out in the world: that is revoked for good. */
static void revoke_issued(struct work *w)
{
	const struct certificate *c;
	size_t i;

	for (i = 0; i < w->change->issued_n; i++) {
		c = model_certificate(w->model, w->change->issued[i].hex);
		if (c && c->kind == CERTIFICATE_GATEWAY && !model_revocation(w->model, c->serial.hex))
			change_revoke(w, c, REASON_CESSATION_OF_OPERATION, w->change->now);
	}
}

static bool is_gone(const struct model *fork, const struct allow *v)
{
	return v->from == FROM_USER && !model_user_by_name(fork, v->from_user);
}

static int forget_gone(struct work *w, struct model *fork, const struct gateway *old)
{
	struct gateway g = *old;
	struct buf b;
	size_t i;

	g.allow = arena_alloc(w->job->arena, (old->allow_n + 1) * sizeof(*g.allow));
	for (i = g.allow_n = 0; i < old->allow_n; i++)
		if (!is_gone(fork, &old->allow[i]))
			g.allow[g.allow_n++] = old->allow[i];
	if (g.allow_n == old->allow_n)
		return 0;
	buf_open(&b, w->job->arena);
	model_encode_gateway(&b, &g);
	plan_write(w->job->arena, w->plan, old->entity.path, b.data, b.len);
	return model_put(w->job, fork, old->entity.path, b.data, b.len);
}

int change_forget_gone(struct work *w, struct model *fork)
{
	const struct entity **e = model_touched(w->job->arena, fork, ENTITY_GATEWAY);

	for (; *e; e++)
		if (!(*e)->is_removed && forget_gone(w, fork, (const struct gateway *)*e))
			return w->job->error;
	return 0;
}

int change_undo(struct work *w)
{
	struct model *fork;

	if (!find_pending(w))
		return w->job->error;
	fork = model_fork(w->model);
	plan_delete(w->job->arena, w->plan, PATH);
	/* Without the holds first: what they held is live again, and needs no new certificate. */
	if (model_remove(w->job, fork, PATH) == 0 && change_apply_intent(w, fork) == 0) {
		revoke_issued(w);
		plan_trailer(w->job->arena, w->plan, "Reverts", w->change->target);
		w->plan->subject = arena_printf(
		    w->job->arena, "undo: %.12s, not confirmed", w->change->target);
	}
	model_close(fork);
	return w->job->error;
}
