/*
 * A push: intent written by people, with whatever editor.  On top of what any
 * intent must be, what a request would never ask for is refused: devices and
 * dates are facts that the ledger and the history build on.
 */
#include <string.h>

#include "change/change_int.h"

enum { AHEAD = 3600 }; /* seconds that a pusher's clock may be ahead */

static int refuse(struct work *w, const struct entity *e, const char *what)
{
	return job_fail(w->job, E_CONFLICT, "does_not_fit", "%s: %s", e->path, what);
}

static int check_created(struct work *w, const struct entity *e, int64_t created)
{
	const struct certificate *ca = model_ca(w->model);

	if (created > w->change->now + AHEAD)
		return refuse(w, e, "created lies in the future");
	if (ca && created < ca->not_before - AHEAD)
		return refuse(w, e, "created lies before the beginning of this network");
	return 0;
}

static int check_user(struct work *w, const struct user *old, const struct user *new)
{
	if (old && strcmp(old->name, new->name) == 0 && old->created != new->created)
		return refuse(w, &new->entity, "created never changes");
	return old && old->created == new->created ? 0 : check_created(w, &new->entity, new->created);
}

/* A gateway has a device that it had not before. */
static bool is_new(const struct work *w, const struct entity *e)
{
	const struct gateway *old = (const struct gateway *)model_entity(w->model, e->path);

	return !e->is_removed &&
	    (!old || strcmp(old->device.hex, ((const struct gateway *)e)->device.hex) != 0);
}

/* It had another address before this change. */
static bool has_moved(struct work *w, const struct model *fork, const char *device)
{
	const struct entity **e;

	for (e = model_touched(w->job->arena, fork, ENTITY_GATEWAY); *e; e++) {
		const struct gateway *old = (const struct gateway *)model_entity(w->model, (*e)->path);

		if (old && strcmp(old->device.hex, device) == 0)
			return true;
	}
	return false;
}

/* Whoever had a device keeps its keys: one that is new here was nobody's, or is back under its name. */
static int check_device(struct work *w, const struct model *fork, const struct gateway *g)
{
	const struct certificate **all = model_certificates(w->job->arena, w->model, g->device.hex), **c;

	for (c = all; *c; c++)
		if ((*c)->kind == CERTIFICATE_GATEWAY && strcmp((*c)->name, g->name) == 0)
			return 0;
	if (!*all || ((*all)->kind == CERTIFICATE_GATEWAY && has_moved(w, fork, g->device.hex)))
		return 0;
	return refuse(w, &g->entity,
	    arena_printf(w->job->arena,
		"this device is, or was, %s: a new gateway gets one of "
		"its own (`openssl rand -hex 16`)",
		(*all)->name));
}

static int check_gateway(struct work *w, const struct model *fork, const struct gateway *new)
{
	const struct gateway *old = (const struct gateway *)model_entity(w->model, new->entity.path);

	if (old && strcmp(old->device.hex, new->device.hex) == 0 && old->created != new->created)
		return refuse(w, &new->entity, "created never changes while the device is the same");
	if (is_new(w, &new->entity) && check_device(w, fork, new))
		return w->job->error;
	return old && old->created == new->created ? 0 : check_created(w, &new->entity, new->created);
}

static int check_users(struct work *w, const struct model *fork)
{
	const struct entity **e;

	for (e = model_touched(w->job->arena, fork, ENTITY_USER); *e; e++)
		if (!(*e)->is_removed &&
		    check_user(
			w, (const struct user *)model_entity(w->model, (*e)->path), (const struct user *)*e))
			return w->job->error;
	return 0;
}

static int check_gateways(struct work *w, const struct model *fork)
{
	const struct entity **touched = model_touched(w->job->arena, fork, ENTITY_GATEWAY), **e;

	for (e = touched; *e; e++)
		if (!(*e)->is_removed && check_gateway(w, fork, (const struct gateway *)*e))
			return w->job->error;
	return 0;
}

static int check_network(struct work *w, const struct model *fork)
{
	const struct network *new = model_network(fork);

	if (strcmp(w->network->master_key, new->master_key) != 0)
		return refuse(w, &new->entity,
		    "master_key is the fingerprint of the key that is in use: it is not set here");
	return 0;
}

int change_push(struct work *w)
{
	struct model *fork = model_fork(w->model);
	struct arena *a = w->job->arena;

	w->plan->subject = arena_printf(a, "push: accept %.7s..%.7s", w->change->base, w->change->target);
	plan_trailer(a, w->plan, "Accepts", arena_printf(a, "%s..%s", w->change->base, w->change->target));
	plan_trailer(a, w->plan, "Pusher", w->change->pusher);
	if (change_apply_intent(w, fork) == 0 && check_network(w, fork) == 0 && check_users(w, fork) == 0)
		check_gateways(w, fork);
	model_close(fork);
	return w->job->error;
}
