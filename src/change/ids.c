/*
 * Ids of the address plan: which one is given next, and what the ledger notes.
 * A user gets the lowest id never used, else the one free for longest; a
 * gateway its old id where the same name and user had it, else likewise.
 */
#include <stdio.h>
#include <string.h>

#include "change/change_int.h"

enum { NOBODY = -1 };

/* Never given without being asked for. */
static bool is_reserved(const struct network *n, uint32_t id)
{
	return model_is_never_given(n, id) || model_is_on_request(n, id);
}

void change_note_given(struct work *w, uint32_t user, int64_t gateway)
{
	struct id_record v = { .given = w->change->now };
	char path[MODEL_PATH_MAX];
	struct buf b;

	if (model_id(w->model, user, gateway))
		return; /* the ledger keeps the first time */
	buf_open(&b, w->job->arena);
	model_encode_id(&b, &v);
	model_id_path(w->network, user, gateway, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
}

static void note_release(struct work *w, const struct id_release *v, int64_t gateway)
{
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_release(&b, v);
	model_release_path(w->network, v->user, gateway, model_releases(w->model, v->user, gateway), path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
}

void change_release_user(struct work *w, const struct user *u)
{
	note_release(w,
	    &(struct id_release){
		.user = u->id, .at = w->change->now, .user_name = u->name, .gateway_name = "" },
	    NOBODY);
}

void change_release_gateway(struct work *w, const struct gateway *g, const char *user_name)
{
	note_release(w,
	    &(struct id_release){
		.user = g->user, .at = w->change->now, .user_name = user_name, .gateway_name = g->name },
	    g->id);
}

static int64_t free_since(const struct model *m, uint32_t user, int64_t gateway)
{
	const struct id_release *r = model_last_release(m, user, gateway);

	return r ? r->at : 0;
}

static int take_user_id(struct work *w, uint32_t id, bool asked)
{
	const struct network *n = w->network;
	const struct user *holder = model_user(w->model, id);

	if (model_is_never_given(n, id) || (!asked && is_reserved(n, id)))
		return job_fail(w->job, E_CONFLICT, "id_reserved", "user id %s is reserved", w->change->id);
	if (holder)
		return job_fail(
		    w->job, E_CONFLICT, "id_taken", "user id %s belongs to %s", w->change->id, holder->name);
	change_note_given(w, id, NOBODY);
	return 0;
}

int change_give_user_id(struct work *w, uint32_t *id)
{
	uint32_t count = 1u << w->network->user_bits, i, oldest = 0;
	int64_t since, best = INT64_MAX;

	if (w->change->id) {
		if (!model_parse_user_id(w->network, w->change->id, id))
			return job_fail_field(
			    w->job, "id", "not %u lower-case hex digits", w->network->user_bits / 4);
		return take_user_id(w, *id, true);
	}
	for (i = model_unused_user_id(w->model); i < count; i++)
		if (!is_reserved(w->network, i) && !model_id(w->model, i, NOBODY)) {
			*id = i;
			return take_user_id(w, i, false);
		}
	for (i = 0; i < count; i++) {
		if (is_reserved(w->network, i) || model_user(w->model, i))
			continue;
		since = free_since(w->model, i, NOBODY);
		if (since < best) {
			best = since;
			oldest = i;
		}
	}
	if (best == INT64_MAX)
		return job_fail(w->job, E_CONFLICT, "plan_full",
		    "all user ids of the address plan are in use: "
		    "delete a user, or ask for one that is given on request");
	*id = oldest;
	return take_user_id(w, oldest, false);
}

/* The id that this gateway of this user had last, when it is free; else NOBODY. */
static int64_t old_gateway_id(struct work *w, const struct user *u)
{
	uint32_t i, count;

	if (model_count(w->model, ENTITY_RELEASE) == 0)
		return NOBODY;
	count = model_given_gateway_ids(w->model, u->id);
	for (i = 0; i < count; i++) {
		const struct id_release *r = model_last_release(w->model, u->id, i);

		if (r && !model_gateway(w->model, u->id, i) &&
		    strcmp(r->gateway_name, w->change->name) == 0 && strcmp(r->user_name, u->name) == 0)
			return i;
	}
	return NOBODY;
}

static int64_t next_gateway_id(struct work *w, const struct user *u)
{
	uint32_t i, count = 1u << w->network->gateway_bits;
	int64_t since, best = INT64_MAX, oldest = NOBODY;

	for (i = model_unused_gateway_id(w->model, u->id); i < count; i++)
		if (!model_id(w->model, u->id, i))
			return i;
	for (i = 0; i < count; i++) {
		since = free_since(w->model, u->id, i);
		if (!model_gateway(w->model, u->id, i) && since < best) {
			best = since;
			oldest = i;
		}
	}
	return oldest;
}

int change_give_gateway_id(struct work *w, const struct user *u, uint32_t *id)
{
	int64_t found;

	if (w->change->id) {
		const struct gateway *holder;

		if (!model_parse_gateway_id(w->network, w->change->id, id))
			return job_fail_field(
			    w->job, "id", "not %u lower-case hex digits", w->network->gateway_bits / 4);
		holder = model_gateway(w->model, u->id, *id);
		if (holder)
			return job_fail(w->job, E_CONFLICT, "id_taken", "gateway id %s of %s belongs to %s",
			    w->change->id, u->name, holder->name);
	} else {
		found = old_gateway_id(w, u);
		if (found == NOBODY)
			found = next_gateway_id(w, u);
		if (found == NOBODY)
			return job_fail(w->job, E_CONFLICT, "user_full",
			    "%s has all %u gateways of the address plan: "
			    "delete one first",
			    u->name, 1u << w->network->gateway_bits);
		*id = (uint32_t)found;
	}
	change_note_given(w, u->id, *id);
	return 0;
}
