/*
 * What holds between files.  Checked for what a model itself holds, so that a
 * fork costs what it touched.
 */
#include <string.h>

#include "model/model_int.h"

static int broken(struct job *j, const char *path, const char *what)
{
	return job_fail(j, E_CORRUPT, "broken_state", "%s: %s", path, what);
}

/* Another entity of the same name, in m or under it. */
static bool has_twin(const struct model *m, const struct entity *e, const char *name)
{
	const struct entity *found;
	const struct model *layer;

	for (layer = m; layer; layer = layer->base) {
		found = e->kind == ENTITY_USER ? (const struct entity *)model_user_by_name(layer, name)
					       : (const struct entity *)model_gateway_by_name(layer, name);
		if (found && strcmp(found->path, e->path) != 0 && model_entity(m, found->path) == found)
			return true;
	}
	return false;
}

static int check_user(struct job *j, const struct model *m, const struct user *u)
{
	const struct network *n = model_network(m);

	if (has_twin(m, &u->entity, u->name))
		return broken(
		    j, u->entity.path, arena_printf(j->arena, "another user has the name %s", u->name));
	if (model_is_never_given(n, u->id))
		return broken(j, u->entity.path, "this id is reserved");
	if (!model_id(m, u->id, -1))
		return broken(j, u->entity.path, "the ledger does not know that this id was given");
	return 0;
}

static int check_gateway(struct job *j, const struct model *m, const struct gateway *g)
{
	const struct server *s = model_server(m);
	size_t i;

	if (!model_user(m, g->user))
		return broken(j, g->entity.path, "its user does not exist");
	if (has_twin(m, &g->entity, g->name))
		return broken(
		    j, g->entity.path, arena_printf(j->arena, "another gateway has the name %s", g->name));
	if (s && strcmp(s->name, g->name) == 0)
		return broken(j, g->entity.path, "this is the server's name");
	if (!model_id(m, g->user, g->id))
		return broken(j, g->entity.path, "the ledger does not know that this id was given");
	for (i = 0; i < g->allow_n; i++)
		if (g->allow[i].from == FROM_USER && !model_user_by_name(m, g->allow[i].from_user))
			return broken(j, g->entity.path,
			    arena_printf(
				j->arena, "allow from user:%s, who does not exist", g->allow[i].from_user));
	return 0;
}

static int check_no_gateways(struct job *j, const struct model *m, const char *path)
{
	const struct network *n = model_network(m);
	struct path_meaning p = model_read_path(n, path);
	uint32_t g;

	for (g = 0; g < 1u << n->gateway_bits; g++)
		if (model_gateway(m, p.user, g))
			return broken(j, path, "removed while the user has gateways");
	return 0;
}

static int check_network(struct job *j, const struct model *m)
{
	const struct network *n = model_network(m), *old = m->base ? model_network(m->base) : NULL;

	if (!n || !model_server(m) || !model_entity(m, "format"))
		return job_fail(
		    j, E_CORRUPT, "broken_state", "format, network.json or servers/main.json is missing");
	if (!old || old == n || model_count(m, ENTITY_USER) == 0)
		return 0;
	if (memcmp(&old->prefix, &n->prefix, sizeof(n->prefix)) || old->user_bits != n->user_bits ||
	    old->gateway_bits != n->gateway_bits || old->network_bits != n->network_bits)
		return broken(j, "network.json", "prefix and widths cannot change once a user exists");
	return 0;
}

static int check_server(struct job *j, const struct model *m)
{
	const struct server *s = model_server(m), *old = m->base ? model_server(m->base) : NULL;

	if (old && (strcmp(old->name, s->name) || strcmp(old->device.hex, s->device.hex)))
		return broken(
		    j, "servers/main.json", "name and device are fixed at init: clients verify them");
	return 0;
}

/* Somebody's name is free now: nobody may still let that name in. */
static bool frees_a_name(const struct model *m)
{
	const struct user *old;
	const struct entity **e;
	struct arena *a;
	bool found = false;

	if (!m->base)
		return false;
	a = arena_open(4096);
	for (e = model_touched(a, m, ENTITY_USER); *e && !found; e++) {
		old = (const struct user *)model_entity(m->base, (*e)->path);
		found = old && !model_user_by_name(m, old->name);
	}
	arena_close(a);
	return found;
}

/* Every gateway then, since any may name the user; otherwise those that m holds. */
static int check_gateways(struct job *j, const struct model *m)
{
	const struct entity **e = frees_a_name(m) ? model_all(j->arena, m, ENTITY_GATEWAY)
						  : model_touched(j->arena, m, ENTITY_GATEWAY);

	for (; *e; e++)
		if (!(*e)->is_removed && check_gateway(j, m, (const struct gateway *)*e))
			return j->error;
	return 0;
}

/* One that was taken away stays away, under whatever name. */
static int check_tokens(struct job *j, const struct model *m)
{
	const struct entity **e = model_touched(j->arena, m, ENTITY_TOKEN);
	char path[MODEL_PATH_MAX];

	for (; *e; e++) {
		const struct token *t = (const struct token *)*e;

		if ((*e)->is_removed)
			continue;
		model_token_removal_path(t->digest, path);
		if (model_entity(m, path))
			return broken(j, (*e)->path, "the ledger says that this token was taken away");
		if (model_find_token(j, m, t->digest) != t)
			return broken(j, (*e)->path, "another token has the same digest");
	}
	return 0;
}

int model_check(struct job *j, const struct model *m)
{
	const struct entity **e;

	if (check_network(j, m) || check_server(j, m) || check_tokens(j, m))
		return j->error;
	for (e = model_touched(j->arena, m, ENTITY_USER); *e; e++)
		if ((*e)->is_removed ? check_no_gateways(j, m, (*e)->path)
				     : check_user(j, m, (const struct user *)*e))
			return j->error;
	return check_gateways(j, m);
}
