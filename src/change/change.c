/*
 * (model, change) -> plan: the table of changes, and the steps that several of
 * them take.  Pure: what comes out depends on nothing but what goes in.
 */
#include "change/change.h"

#include <string.h>

#include "change/change_int.h"

static const struct {
	const char *name; /* the trailer Change: */
	int (*plan)(struct work *w);
} CHANGES[] = {
	[CHANGE_USER_CREATE] = { "user.create", change_user_create },
	[CHANGE_USER_PATCH] = { "user.patch", change_user_patch },
	[CHANGE_USER_DELETE] = { "user.delete", change_user_delete },
	[CHANGE_GATEWAY_CREATE] = { "gateway.create", change_gateway_create },
	[CHANGE_GATEWAY_PATCH] = { "gateway.patch", change_gateway_patch },
	[CHANGE_GATEWAY_DELETE] = { "gateway.delete", change_gateway_delete },
	[CHANGE_GATEWAY_RENEW] = { "gateway.renew", change_gateway_renew },
	[CHANGE_SERVER_RENEW] = { "server.renew", change_server_renew },
	[CHANGE_API_RENEW] = { "api.renew", change_api_renew },
	[CHANGE_SUPERSEDED_END] = { "superseded.end", change_superseded_end },
	[CHANGE_LEDGER_PRUNE] = { "ledger.prune", change_ledger_prune },
	[CHANGE_ROLLBACK] = { "rollback", change_set_intent },
	[CHANGE_REVERT] = { "revert", change_set_intent },
	[CHANGE_CONFIRM] = { "confirm", change_confirm },
	[CHANGE_UNDO] = { "undo", change_undo },
	[CHANGE_ADOPT] = { "adopt", change_adopt },
	[CHANGE_PUSH] = { "push", change_push },
	[CHANGE_BATCH] = { "batch", change_batch },
	[CHANGE_TOKEN_CREATE] = { "token.create", change_token_create },
	[CHANGE_TOKEN_DELETE] = { "token.delete", change_token_delete },
	[CHANGE_SIGNER_CREATE] = { "signer.create", change_signer_create },
	[CHANGE_SIGNER_DELETE] = { "signer.delete", change_signer_delete },
	[CHANGE_NETWORK_PATCH] = { "network.patch", change_network_patch },
	[CHANGE_SERVER_PATCH] = { "server.patch", change_server_patch },
};

int change_plan(struct job *j, const struct model *m, const struct change *ch, struct plan **plan)
{
	struct work w = { .job = j, .model = m, .network = model_network(m), .change = ch };

	w.plan = arena_alloc(j->arena, sizeof(*w.plan));
	w.plan->change = CHANGES[ch->kind].name;
	w.plan->actor = ch->actor;
	w.plan->request_id = ch->request_id ? ch->request_id : "";
	w.plan->reason = ch->reason ? ch->reason : "";
	w.plan->time = ch->now;
	if (change_check_pending(&w) || CHANGES[ch->kind].plan(&w) ||
	    (ch->confirm_within && change_make_pending(&w)) || change_check_access(&w))
		return j->error;
	if (ch->idempotency)
		plan_trailer(j->arena, w.plan, "Idempotency-Key", ch->idempotency);
	*plan = w.plan;
	return 0;
}

int change_match(struct work *w, const struct entity *e)
{
	if (w->change->if_match && strcmp(w->change->if_match, e->blob) != 0)
		return job_fail(w->job, E_STALE, "stale", "it has changed since you read it: read it again");
	return 0;
}

const struct user *change_find_user(struct work *w, const char *name)
{
	const struct user *u = model_user_by_name(w->model, name);

	if (!u)
		job_fail(w->job, E_NOT_FOUND, "not_found", "no user %s", name);
	return u;
}

const struct gateway *change_find_gateway(struct work *w, const char *name)
{
	const struct gateway *g = model_gateway_by_name(w->model, name);

	if (!g)
		job_fail(w->job, E_NOT_FOUND, "not_found", "no gateway %s", name);
	return g;
}

void change_write_file(struct work *w, const char *path, const struct buf *b)
{
	plan_write(w->job->arena, w->plan, path, b->data, b->len);
}

void change_write_user(struct work *w, const struct user *u)
{
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_user(&b, u);
	model_user_path(w->network, u->id, path);
	change_write_file(w, path, &b);
}

void change_write_gateway(struct work *w, const struct gateway *g)
{
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_gateway(&b, g);
	model_gateway_path(w->network, g->user, g->id, path);
	change_write_file(w, path, &b);
}

const char *change_prefix_text(struct work *w, uint32_t user, int64_t gateway)
{
	char text[IP_TEXT];
	struct ip_prefix p = gateway < 0 ? model_user_prefix(w->network, user)
					 : model_gateway_prefix(w->network, user, (uint32_t)gateway);

	return arena_strdup(w->job->arena, ip_print_prefix(&p, text));
}

static bool mentions(const struct gateway *g, const char *user)
{
	size_t i;

	for (i = 0; i < g->allow_n; i++)
		if (g->allow[i].from == FROM_USER && strcmp(g->allow[i].from_user, user) == 0)
			return true;
	return false;
}

void change_rename_references(struct work *w, const char *old, const char *new_name)
{
	struct arena *a = w->job->arena;
	const struct entity **e;
	size_t i;

	for (e = model_all(a, w->model, ENTITY_GATEWAY); *e; e++) {
		struct gateway g = *(const struct gateway *)*e;
		const struct allow *from = g.allow;

		if (!mentions(&g, old))
			continue;
		g.allow = arena_alloc(a, g.allow_n * sizeof(*g.allow));
		g.allow_n = 0;
		for (i = 0; i < ((const struct gateway *)*e)->allow_n; i++) {
			struct allow v = from[i];
			bool is_it = v.from == FROM_USER && strcmp(v.from_user, old) == 0;

			if (is_it && !new_name)
				continue;
			if (is_it)
				v.from_user = new_name;
			g.allow[g.allow_n++] = v;
		}
		change_write_gateway(w, &g);
	}
}
