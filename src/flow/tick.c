/*
 * What time brings, once a second on the writer's thread: a CRL long before
 * its end, a server certificate at two thirds, ends of overlaps, pruning,
 * and a look whether the disk still holds what HEAD renders.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum {
	CHECK_EVERY = 50, /* whatever is wrong is to be right within a minute */
	PRUNE_EVERY = 86400,
	CATCH_UP_EVERY_MS = 5000,
	BUSY = 5,
};

static bool apply_own(struct flow *f, enum change_kind kind, const char *actor, int64_t now)
{
	bool is_done;
	struct change ch = { .kind = kind, .actor = actor, .request_id = "", .reason = "", .now = now };
	struct job j;

	job_open(&j);
	is_done = flow_apply(&j, f, &ch) == 0;
	if (!is_done)
		log_line(LOG_LEVEL_ERROR, "%s", j.message);
	job_close(&j);
	return is_done;
}

/* Only once it is done does the next end count: what failed is tried again. */
static void end_superseded(struct flow *f, int64_t now)
{
	struct job j;

	if (!apply_own(f, CHANGE_SUPERSEDED_END, "vpnunit", now))
		return;
	job_open(&j);
	flow_note_end(f, &j, f->model, true);
	job_close(&j);
}

static void refresh_crl(struct flow *f)
{
	bool renewed = false;
	struct job j;

	job_open(&j);
	if (render_refresh_crl(&j, f->render, f->model, &renewed))
		log_line(LOG_LEVEL_ERROR, "crl: %s", j.message);
	if (renewed || j.error)
		flow_publish_snapshot(f, j.error ? j.message : NULL);
	job_close(&j);
}

bool flow_is_due(const struct flow *f, const char *device, int64_t now)
{
	const struct certificate *c = model_current_certificate(f->model, device);
	int64_t policy = model_network(f->model)->policy.server_validity, issued, life;

	if (!c)
		return true;
	issued = c->not_before + BACKDATED;
	life = c->not_after - issued < policy ? c->not_after - issued
					      : policy; /* the policy may be a shorter one now */
	return now >= issued + life * 2 / 3;
}

/* What could not be rendered is not in force: a revocation least of all can wait for the next change. */
static void catch_up(struct flow *f)
{
	struct job j;

	if (f->rendered[0] || time_monotonic_ms() < f->next_catch_up)
		return;
	job_open(&j);
	if (flow_catch_up(&j, f))
		log_line(LOG_LEVEL_ERROR, "render of %.12s: %s", f->head.hex, j.message);
	else
		log_line(LOG_LEVEL_INFO, "render of %.12s: done after all", f->head.hex);
	job_close(&j);
	f->next_catch_up = time_monotonic_ms() + CATCH_UP_EVERY_MS;
}

void flow_tick(struct flow *f)
{
	int64_t now = time_now();

	catch_up(f);
	refresh_crl(f);
	if (model_pending(f->model) && now >= model_pending(f->model)->deadline)
		apply_own(f, CHANGE_UNDO, "auto-rollback", now);
	if (flow_is_due(f, model_server(f->model)->device.hex, now))
		apply_own(f, CHANGE_SERVER_RENEW, "vpnunit", now);
	if (now >= f->next_end)
		end_superseded(f, now);
	if (now >= f->next_prune) {
		f->next_prune = now + PRUNE_EVERY;
		apply_own(f, CHANGE_LEDGER_PRUNE, "vpnunit", now);
	}
	if (now >= f->next_check || f->next_check > now + CHECK_EVERY) { /* or the clock stepped back */
		f->next_check = now + CHECK_EVERY;
		flow_start_checking(f);
	}
	f->spent_ms = 0;
	flow_tell_ends(f, now);
}

bool flow_has_time(const struct flow *f, int64_t share)
{
	return f->spent_ms < (f->is_used ? share / BUSY : share);
}

/* When the next overlap ends: of what a fork brought, or of all. */
void flow_note_end(struct flow *f, struct job *j, const struct model *m, bool all)
{
	const struct entity **e = all ? model_all(j->arena, m, ENTITY_SUPERSESSION)
				      : model_touched(j->arena, m, ENTITY_SUPERSESSION);

	if (all)
		f->next_end = INT64_MAX;
	for (; *e; e++) {
		const struct supersession *s = (const struct supersession *)*e;

		const struct certificate *c = (*e)->is_removed ? NULL : model_certificate(m, s->serial.hex);

		if (c && s->until < f->next_end && c->not_after > j->now &&
		    !model_revocation(m, s->serial.hex))
			f->next_end = s->until;
	}
}
