/*
 * What an actor may do, decided on the plan: the files that it writes and the
 * certificates that it asks for.  Whatever made the plan (a request, an entry of
 * a batch, a rollback, a push) comes through here, with the tokens as they
 * are at that moment.
 */
#include <string.h>

#include "change/change_int.h"

/* Whose token: what came in with the request; of a push, the one that bears the pusher's name, if there is one. */
static int find_token(struct work *w, const struct token **out)
{
	const struct change *ch = w->change;

	*out = ch->token || ch->kind == CHANGE_PUSH ? model_token(w->model, ch->actor) : NULL;
	if (ch->token && (!*out || strcmp((*out)->digest, ch->token) != 0))
		return job_fail(
		    w->job, E_DENIED, "token_invalid", "the token %s was taken away meanwhile", ch->actor);
	if (!*out)
		return 0;
	if ((*out)->expires && (*out)->expires <= ch->now)
		return job_fail(w->job, E_DENIED, "token_expired", "the token %s has expired", ch->actor);
	if (!model_token_stands(w->model, *out))
		return job_fail(w->job, E_DENIED, "token_invalid",
		    "the user or gateway that the token %s was for is gone", ch->actor);
	return 0;
}

static int forbid(struct work *w, const struct token *t, const char *what)
{
	return job_fail(w->job, E_DENIED, "forbidden", "the token %s (%s) may not %s", t->name,
	    model_role_word(t->role), what);
}

static bool begins(const char *path, const char *with)
{
	return strncmp(path, with, strlen(with)) == 0;
}

/* The gateway whose certificate an entry of the ledger is about, as it was before the change. */
static const struct gateway *find_holder(struct work *w, const char *path)
{
	const char *name = strrchr(path, '/');
	struct id128 serial = { .hex = "" };
	const struct certificate *c;
	const struct gateway *g;

	if (!begins(path, "ledger/revocations/") && !begins(path, "ledger/superseded/"))
		return NULL;
	strncpy(serial.hex, name + 1, ID128_HEX - 1);
	c = model_certificate(w->model, serial.hex);
	g = c ? model_gateway_by_name(w->model, c->name) : NULL;
	return g && strcmp(g->device.hex, c->device.hex) == 0 ? g : NULL;
}

/* Of a user: gateways, the ids that they take, and their certificates. Who he is is not his to write. */
static bool is_users(struct work *w, const char *path, uint32_t user)
{
	const struct gateway *g = find_holder(w, path);

	return (g && g->user == user) || model_is_gateway_path_of(w->network, path, user);
}

/* What is issued for a gateway that is not there yet is for one whose file the plan writes. */
static bool is_issued_for(struct work *w, const struct plan_issue *i, uint32_t user)
{
	const struct gateway *g = model_gateway_by_name(w->model, i->name);

	return i->kind == CERTIFICATE_GATEWAY && (!g || g->user == user);
}

static int check_user(struct work *w, const struct token *t)
{
	const struct plan_issue *i;
	const struct plan_file *f;

	for (f = w->plan->files; f; f = f->next)
		if (!is_users(w, f->path, t->user))
			return forbid(w, t,
			    arena_printf(w->job->arena, "change %s: it is for the gateways of %s alone",
				f->path, t->user_name));
	for (i = w->plan->issues; i; i = i->next)
		if (!is_issued_for(w, i, t->user))
			return forbid(
			    w, t, arena_printf(w->job->arena, "issue a certificate for %s", i->name));
	return 0;
}

static int check_operator(struct work *w, const struct token *t)
{
	const struct plan_file *f;

	if (w->change->kind == CHANGE_ROLLBACK)
		return forbid(w, t, "roll back: an admin may");
	for (f = w->plan->files; f; f = f->next)
		if (!begins(f->path, "users/") && strcmp(f->path, "pending.json") != 0 &&
		    (!begins(f->path, "ledger/") || begins(f->path, "ledger/tokens/")))
			return forbid(w, t, arena_printf(w->job->arena, "change %s: an admin may", f->path));
	return t->has_user ? check_user(w, t) : 0;
}

/* The renewal of its own certificate, when it is due, and nothing else. */
static int check_gateway(struct work *w, const struct token *t)
{
	const struct plan_issue *i;
	const struct plan_file *f;

	if (w->change->force || w->change->kind != CHANGE_GATEWAY_RENEW)
		return forbid(w, t, "do that: it renews its gateway's certificate when that is due");
	for (f = w->plan->files; f; f = f->next) {
		const struct gateway *g = find_holder(w, f->path);

		if (!g || strcmp(g->device.hex, t->device.hex) != 0)
			return forbid(w, t, arena_printf(w->job->arena, "change %s", f->path));
	}
	for (i = w->plan->issues; i; i = i->next)
		if (strcmp(i->device.hex, t->device.hex) != 0)
			return forbid(
			    w, t, arena_printf(w->job->arena, "issue a certificate for %s", i->name));
	return 0;
}

int change_check_access(struct work *w)
{
	const struct token *t;

	if (find_token(w, &t) || !t)
		return w->job->error;
	switch (t->role) {
	case ROLE_ADMIN:
		return 0;
	case ROLE_OPERATOR:
		return check_operator(w, t);
	case ROLE_GATEWAY:
		return check_gateway(w, t);
	case ROLE_AUDITOR:
		break;
	}
	return w->plan->files || w->plan->issues ? forbid(w, t, "change anything") : 0;
}
