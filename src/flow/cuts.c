/*
 * What a fork asks of OpenVPN. Whom it disconnects: connections of revoked certificates by serial, and
 * those of gateways that went, were switched off, or whose client file is another now.
 */
#include <string.h>

#include "flow/flow_int.h"

struct cuts {
	struct arena *arena;
	struct deploy_cut *list;
	size_t n, cap;
};

static void cut(struct cuts *c, const char *serial, const char *name)
{
	if (c->n == c->cap) {
		struct deploy_cut *bigger = arena_alloc(c->arena, (c->cap * 2 + 16) * sizeof(*bigger));

		if (c->n)
			memcpy(bigger, c->list, c->n * sizeof(*bigger));
		c->list = bigger;
		c->cap = c->cap * 2 + 16;
	}
	c->list[c->n].serial = serial ? arena_strdup(c->arena, serial) : NULL;
	c->list[c->n++].name = arena_strdup(c->arena, name);
}

/* What is on hold now and was not before. */
static void cut_held(struct cuts *c, const struct model *fork)
{
	const struct pending *p = model_pending(fork);
	size_t i;

	for (i = 0; p && i < p->holds_n; i++) {
		const struct certificate *held = model_certificate(fork, p->holds[i].serial.hex);

		if (held && !model_is_held(model_base(fork), held->serial.hex))
			cut(c, held->serial.hex, held->name);
	}
}

static bool is_on(const struct model *m, const struct gateway *g)
{
	const struct user *u = model_user(m, g->user);

	return g->enabled && u && u->enabled;
}

/* Its connection was set up with what no longer holds. */
static void look_at(struct cuts *c, const struct model *fork, uint32_t user, uint32_t id)
{
	const struct model *base = model_base(fork);
	const struct gateway *old = model_network(base) ? model_gateway(base, user, id) : NULL;
	const struct gateway *new = model_gateway(fork, user, id);

	if (!old || !is_on(base, old))
		return;
	if (!new || strcmp(new->device.hex, old->device.hex) || !is_on(fork, new) ||
	    new->routes != old->routes)
		cut(c, NULL, old->name);
}

static void look_at_address(struct cuts *c, const struct model *fork, const struct entity *e)
{
	const struct gateway *g;

	/* A grave knows its path only; the base knows what lay there. */
	if (!e->is_removed) {
		g = (const struct gateway *)e;
		look_at(c, fork, g->user, g->id);
		return;
	}
	g = (const struct gateway *)model_entity(model_base(fork), e->path);
	look_at(c, fork, g->user, g->id);
}

static bool is_server_renewed(struct job *j, const struct model *fork)
{
	const struct entity **e = model_touched(j->arena, fork, ENTITY_CERTIFICATE);

	for (; *e; e++)
		if (!(*e)->is_removed && ((const struct certificate *)*e)->kind == CERTIFICATE_SERVER)
			return true;
	return false;
}

/* The yearly renewal doesn't wait for anybody: with its certificate at its end the server lets nobody in. */
static bool wants_restart(struct job *j, const struct model *fork)
{
	bool has_settings = *model_touched(j->arena, fork, ENTITY_NETWORK) ||
	    *model_touched(j->arena, fork, ENTITY_SERVER);

	return is_server_renewed(j, fork) || (has_settings && model_server(fork)->restarts);
}

bool flow_needs_restart(struct job *j, const struct model *before, const struct model *after)
{
	char old[DIGEST_HEX] = "", new[DIGEST_HEX] = "";

	if (!*model_touched(j->arena, after, ENTITY_NETWORK) &&
	    !*model_touched(j->arena, after, ENTITY_SERVER) && !is_server_renewed(j, after))
		return false;
	return !render_server_digest(j, before, old) && !render_server_digest(j, after, new) &&
	    strcmp(old, new) != 0;
}

void flow_collect_cuts(struct job *j, const struct model *fork, struct deploy_task *task)
{
	struct cuts c = { .arena = j->arena };
	const struct network *n = model_network(fork);
	const struct entity **e;
	uint32_t id;

	for (e = model_touched(j->arena, fork, ENTITY_REVOCATION); *e; e++) {
		const char *serial = ((const struct revocation *)*e)->serial.hex;

		if (!(*e)->is_removed)
			cut(&c, serial, model_certificate(fork, serial)->name);
	}
	cut_held(&c, fork);
	for (e = model_touched(j->arena, fork, ENTITY_GATEWAY); *e; e++)
		look_at_address(&c, fork, *e);
	for (e = model_touched(j->arena, fork, ENTITY_USER); *e; e++)
		for (id = 0; !(*e)->is_removed && id < 1u << n->gateway_bits; id++)
			look_at(&c, fork, ((const struct user *)*e)->id, id);
	task->cuts = c.list;
	task->cuts_n = c.n;
	task->restart = wants_restart(j, fork);
}
