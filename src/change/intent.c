/*
 * Intent that comes as files: a rollback, a revert, a push.  The files say what
 * is wanted; reconciling finds what that means for certificates and ids,
 * at the cost of what differs.
 */
#include <string.h>

#include "base/map.h"
#include "change/change_int.h"

enum { THE_USER = -1 };

struct sides { /* one address before and after */
	const struct gateway *old, *new;
};

static struct sides look(const struct model *before, const struct model *after, const struct entity *e)
{
	return (struct sides){ (const struct gateway *)model_entity(before, e->path),
		(const struct gateway *)model_entity(after, e->path) };
}

/* A certificate is a device's under one name: renamed, it needs another one. */
static bool is_same_holder(const struct gateway *a, const struct gateway *b)
{
	return a && b && strcmp(a->device.hex, b->device.hex) == 0 && strcmp(a->name, b->name) == 0;
}

static bool has_live_certificate(const struct work *w, const struct gateway *g)
{
	const struct certificate **c;

	for (c = model_certificates(w->job->arena, w->model, g->device.hex); *c; c++)
		if (strcmp((*c)->name, g->name) == 0 && model_is_live(w->model, *c, w->change->now))
			return true;
	return false;
}

/* Devices on both sides: those that merely moved to another address keep what they have. */
static void collect_devices(
    const struct work *w, const struct model *before, struct map *old, struct map *new)
{
	const struct entity **e;

	for (e = model_touched(w->job->arena, w->model, ENTITY_GATEWAY); *e; e++) {
		struct sides s = look(before, w->model, *e);

		if (s.old)
			map_put(old, s.old->device.hex, (void *)s.old);
		if (s.new)
			map_put(new, s.new->device.hex, (void *)s.new);
	}
}

static void take_away(
    struct work *w, const struct model *before, const struct sides *s, const struct map *new)
{
	const struct user *u;

	if (!s->old || is_same_holder(s->old, s->new))
		return;
	if (!is_same_holder(s->old, map_get(new, s->old->device.hex)))
		change_revoke_device(w, s->old->device.hex, REASON_CESSATION_OF_OPERATION);
	u = model_user(before, s->old->user);
	change_release_gateway(w, s->old, u ? u->name : "");
}

static int give(struct work *w, const struct sides *s, const struct map *old)
{
	if (!s->new || is_same_holder(s->old, s->new))
		return 0;
	change_note_given(w, s->new->user, s->new->id);
	if (is_same_holder(s->new, map_get(old, s->new->device.hex)) || has_live_certificate(w, s->new))
		return 0;
	return change_issue(
	    w, CERTIFICATE_GATEWAY, s->new->device.hex, arena_strdup(w->job->arena, s->new->name));
}

static int reconcile_gateways(struct work *w, const struct model *before)
{
	const struct entity **touched = model_touched(w->job->arena, w->model, ENTITY_GATEWAY), **e;
	struct map old = { 0 }, new = { 0 };

	collect_devices(w, before, &old, &new);
	for (e = touched; *e; e++) {
		struct sides s = look(before, w->model, *e);

		take_away(w, before, &s, &new);
		if (give(w, &s, &old))
			break;
	}
	map_clear(&old);
	map_clear(&new);
	return w->job->error;
}

/* An id whose holder was made at another time has another holder, whatever the name. */
static void reconcile_users(struct work *w, const struct model *before)
{
	const struct entity **e;

	for (e = model_touched(w->job->arena, w->model, ENTITY_USER); *e; e++) {
		const struct user *old = (const struct user *)model_entity(before, (*e)->path);
		const struct user *new = (const struct user *)model_entity(w->model, (*e)->path);

		if (old && new && old->created == new->created)
			continue;
		if (old)
			change_release_user(w, old);
		if (new)
			change_note_given(w, new->id, THE_USER);
	}
}

int change_reconcile(struct job *j, const struct model *before, const struct model *after,
    const struct change *ch, struct plan *plan)
{
	struct work w = {
		.job = j, .model = after, .network = model_network(after), .change = ch, .plan = plan
	};

	reconcile_users(&w, before);
	return reconcile_gateways(&w, before);
}

static int put_intent(struct work *w, struct model *fork)
{
	const struct plan_file *f;

	for (f = w->change->intent; f; f = f->next) {
		if (f->data ? model_put(w->job, fork, f->path, f->data, f->len)
			    : model_remove(w->job, fork, f->path))
			return w->job->error;
		if (f->data)
			plan_write(w->job->arena, w->plan, f->path, f->data, f->len);
		else
			plan_delete(w->job->arena, w->plan, f->path);
	}
	return 0;
}

/* A device at an address where it was not: a copied file, or one that moved and is back at both ends. */
static bool brings_device(const struct work *w, const struct model *fork)
{
	const struct entity **e;

	for (e = model_touched(w->job->arena, fork, ENTITY_GATEWAY); *e; e++) {
		struct sides s = look(w->model, fork, *e);

		if (s.new && (!s.old || strcmp(s.old->device.hex, s.new->device.hex) != 0))
			return true;
	}
	return false;
}

/* Over all gateways: keys and certificates are a device's, so it has one address. */
static int check_devices(struct work *w, const struct model *fork)
{
	const struct entity **e = model_all(w->job->arena, fork, ENTITY_GATEWAY);
	struct map seen = { 0 };
	const struct gateway *twin;

	for (; *e && !w->job->error; e++) {
		twin = map_get(&seen, ((const struct gateway *)*e)->device.hex);
		if (twin)
			job_fail(w->job, E_CORRUPT, "broken_state",
			    "%s: its device is that of %s: a gateway gets "
			    "one of its own (`openssl rand -hex 16`)",
			    (*e)->path, twin->entity.path);
		map_put(&seen, ((const struct gateway *)*e)->device.hex, (void *)*e);
	}
	map_clear(&seen);
	return w->job->error;
}

/* What was right once need not fit beside what is there now. */
static int fail_to_fit(struct work *w)
{
	const char *message = w->job->message;

	job_clear(w->job);
	return job_fail(
	    w->job, E_CONFLICT, "does_not_fit", "the result would not be a whole state: %s", message);
}

/* The ledger's notes are the plan's to add; everything else must hold. */
static int check_fit(struct work *w, struct model *fork)
{
	const struct plan_file *f;

	for (f = w->plan->files; f; f = f->next)
		if (f->data && strncmp(f->path, "ledger/ids/", 11) == 0 &&
		    model_put(w->job, fork, f->path, f->data, f->len))
			return w->job->error;
	if (model_check(w->job, fork) || (brings_device(w, fork) && check_devices(w, fork)))
		return fail_to_fit(w);
	return 0;
}

int change_apply_intent(struct work *w, struct model *fork)
{
	if (put_intent(w, fork) || (w->change->kind == CHANGE_UNDO && change_forget_gone(w, fork)))
		return fail_to_fit(w);
	if (change_reconcile(w->job, w->model, fork, w->change, w->plan))
		return w->job->error;
	return check_fit(w, fork);
}

int change_set_intent(struct work *w)
{
	struct model *fork = model_fork(w->model);

	w->plan->subject = w->change->subject;
	change_apply_intent(w, fork);
	model_close(fork);
	return w->job->error;
}
