/*
 * Changes of access/: tokens and signers, given and taken away.  A token's
 * removal is a fact that stays, so that no old commit brings it back.
 */
#include <string.h>

#include "base/time.h"
#include "change/change_int.h"

enum { TOKENS_MAX = 1000 }; /* each request looks at all of them */

/* Who else acts under a name of his own: the log has to tell them apart. */
static bool is_reserved(const char *name)
{
	static const char *const names[] = { "admin", "auto-rollback", "check", "init", "restore", "root",
		"vpnunit" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* No undo touches access/, so that none can be promised. */
static int check_final(struct work *w)
{
	if (w->change->confirm_within)
		return job_fail_field(w->job, "Confirm-Within", "who may do what is not undone by itself");
	return 0;
}

static int check_token_name(struct work *w, const char *name)
{
	if (is_reserved(name))
		return job_fail(
		    w->job, E_CONFLICT, "name_taken", "%s is an actor of the service's own", name);
	if (model_token(w->model, name))
		return job_fail(w->job, E_CONFLICT, "name_taken", "there is a token %s already", name);
	if (model_count(w->model, ENTITY_TOKEN) >= TOKENS_MAX)
		return job_fail(w->job, E_CONFLICT, "too_many_tokens",
		    "there are %d tokens: take away those that nobody needs", TOKENS_MAX);
	return 0;
}

/* Whom it is for, as he is now: the next one of that name is somebody else. */
static int fill_scope(struct work *w, struct token *t)
{
	const struct gateway *g;
	const struct user *u;

	if (w->change->user) {
		u = change_find_user(w, w->change->user);
		if (!u)
			return w->job->error;
		t->has_user = true;
		t->user = u->id;
		t->user_created = u->created;
		t->user_name = u->name;
	}
	if (w->change->gateway) {
		g = change_find_gateway(w, w->change->gateway);
		if (!g)
			return w->job->error;
		t->has_gateway = true;
		t->device = g->device;
		t->gateway_name = g->name;
	}
	return 0;
}

static int check_role(struct work *w, const struct token *t)
{
	if ((t->role == ROLE_GATEWAY) != t->has_gateway)
		return job_fail_field(w->job, "gateway",
		    "a token of the role gateway is for one gateway, and no other token is");
	if (t->has_user && t->role != ROLE_OPERATOR && t->role != ROLE_AUDITOR)
		return job_fail_field(
		    w->job, "user", "an operator's or auditor's token may be for one user, no other");
	if (t->expires && t->expires <= w->change->now)
		return job_fail_field(w->job, "expires", "has to be in the future");
	return 0;
}

/* "operator for johndoe until 2027-01-01T00:00:00Z" */
static const char *describe(struct work *w, const struct token *t)
{
	const char *whose = t->has_user ? t->user_name : t->has_gateway ? t->gateway_name : NULL;
	char until[TIME_TEXT];

	return arena_printf(w->job->arena, "%s%s%s%s%s", model_role_word(t->role), whose ? " for " : "",
	    whose ? whose : "", t->expires ? " until " : "", t->expires ? time_print(t->expires, until) : "");
}

int change_token_create(struct work *w)
{
	struct token t = { .name = w->change->name,
		.role = w->change->role,
		.created = w->change->now,
		.expires = w->change->expires };
	char path[MODEL_PATH_MAX];
	struct buf b;

	if (check_final(w) || check_token_name(w, t.name) || fill_scope(w, &t) || check_role(w, &t))
		return w->job->error;
	memcpy(t.digest, w->change->digest, DIGEST_HEX);
	buf_open(&b, w->job->arena);
	model_encode_token(&b, w->network, &t);
	model_token_path(t.name, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
	w->plan->subject = arena_printf(w->job->arena, "token %s: create, %s", t.name, describe(w, &t));
	return 0;
}

int change_token_delete(struct work *w)
{
	const struct token *t = model_token(w->model, w->change->name);
	struct token_removal v = { .at = w->change->now, .by = w->change->actor };
	char path[MODEL_PATH_MAX];
	struct buf b;

	if (!t)
		return job_fail(w->job, E_NOT_FOUND, "not_found", "no token %s", w->change->name);
	if (check_final(w))
		return w->job->error;
	v.name = t->name;
	buf_open(&b, w->job->arena);
	model_encode_token_removal(&b, &v);
	model_token_removal_path(t->digest, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
	model_token_path(t->name, path);
	plan_delete(w->job->arena, w->plan, path);
	w->plan->subject = arena_printf(w->job->arena, "token %s: delete", t->name);
	return 0;
}

int change_signer_create(struct work *w)
{
	struct signer v = { .name = w->change->name, .key = w->change->key };
	char path[MODEL_PATH_MAX];
	struct buf b;

	if (check_final(w))
		return w->job->error;
	if (model_signer(w->model, v.name))
		return job_fail(w->job, E_CONFLICT, "name_taken", "there is a signer %s already", v.name);
	buf_open(&b, w->job->arena);
	model_encode_signer(&b, &v);
	model_signer_path(v.name, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
	w->plan->subject = arena_printf(w->job->arena, "signer %s: create", v.name);
	return 0;
}

int change_signer_delete(struct work *w)
{
	const struct signer *s = model_signer(w->model, w->change->name);

	if (!s)
		return job_fail(w->job, E_NOT_FOUND, "not_found", "no signer %s", w->change->name);
	if (check_final(w))
		return w->job->error;
	plan_delete(w->job->arena, w->plan, arena_strdup(w->job->arena, s->entity.path));
	w->plan->subject = arena_printf(w->job->arena, "signer %s: delete", s->name);
	return 0;
}
