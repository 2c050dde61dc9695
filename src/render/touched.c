/*
 * What a fork of the model touched, in the terms of rendered files: common
 * names.  A gateway's files depend on the gateway, its user, its certificates
 * and their revocations, so that each of these leads to its name.
 */
#include <string.h>

#include "base/map.h"
#include "render/render_int.h"

struct names {
	const struct render_job *r;
	struct map seen;
	const char **list;
	size_t n, cap;
};

/* The fork whose changes are rendered: the model itself, unless the state before them is. */
static const struct model *touched_model(const struct render_job *r)
{
	return r->fork ? r->fork : r->model;
}

const struct entity **touched_entities(const struct render_job *r, enum entity_kind kind)
{
	if (r->is_full)
		return model_all(r->job->arena, r->model, kind);
	return model_touched(r->job->arena, touched_model(r), kind);
}

unsigned touched_kinds(const struct render_job *r)
{
	enum entity_kind kind;
	unsigned kinds = 0;

	for (kind = 0; kind <= ENTITY_ACCESS; kind++)
		if (r->is_full || *model_touched(r->job->arena, touched_model(r), kind))
			kinds |= 1u << kind;
	return kinds;
}

static unsigned digit(char c)
{
	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

void touched_ids(const char *path, uint32_t *user, uint32_t *gateway)
{
	const char *p = path + strlen("users/");

	for (*user = 0; p[1] == '/'; p += 2)
		*user = *user << 4 | digit(*p);
	*gateway = 0;
	if (!strncmp(p, "gateways/", 9))
		for (p += 9; *p != '.'; p++)
			*gateway = *gateway << 4 | digit(*p);
}

struct id128 touched_serial(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	struct id128 serial = { .hex = "" };

	memcpy(serial.hex, name, strcspn(name, "."));
	return serial;
}

bool touched_is_on(const struct model *m, const struct gateway *g)
{
	const struct user *u = model_user(m, g->user);

	return g->enabled && u && u->enabled;
}

const struct gateway **touched_all_on(const struct render_job *r)
{
	/* The path of a gateway's file is its address, digit by digit: one order for both. */
	const struct entity **e = model_all(r->job->arena, r->model, ENTITY_GATEWAY);
	const struct gateway **list = arena_alloc(
	    r->job->arena, (model_count(r->model, ENTITY_GATEWAY) + 1) * sizeof(*list));
	const struct user *u = NULL;
	size_t n = 0;

	for (; *e; e++) {
		const struct gateway *g = (const struct gateway *)*e;

		if (!u || u->id != g->user) /* a user's gateways stand together */
			u = model_user(r->model, g->user);
		if (g->enabled && u && u->enabled)
			list[n++] = g;
	}
	return list;
}

static void add_name(struct names *names, const char *name)
{
	if (map_get(&names->seen, name))
		return;
	map_put(&names->seen, name, names);
	if (names->n + 1 >= names->cap) {
		const char **old = names->list;

		names->cap = names->cap ? names->cap * 2 : 16;
		names->list = arena_alloc(names->r->job->arena, names->cap * sizeof(*names->list));
		if (old)
			memcpy(names->list, old, names->n * sizeof(*old));
	}
	names->list[names->n++] = name;
}

/* As it is now and as it was: its file may go, or belong to another name. */
static void add_gateway(struct names *names, uint32_t user, uint32_t id)
{
	const struct model *now = touched_model(names->r), *before = model_base(now);
	const struct gateway *g = model_gateway(now, user, id);

	if (g)
		add_name(names, g->name);
	g = before ? model_gateway(before, user, id) : NULL;
	if (g)
		add_name(names, g->name);
}

static void add_gateways(struct names *names)
{
	const struct entity **e = touched_entities(names->r, ENTITY_GATEWAY);
	uint32_t user, id;

	for (; *e; e++) {
		touched_ids((*e)->path, &user, &id);
		add_gateway(names, user, id);
	}
}

static void add_users(struct names *names)
{
	const struct network *n = model_network(names->r->model);
	const struct entity **e = touched_entities(names->r, ENTITY_USER);
	uint32_t user, id;

	for (; *e; e++) {
		touched_ids((*e)->path, &user, &id);
		for (id = 0; id < 1u << n->gateway_bits; id++)
			add_gateway(names, user, id);
	}
}

static void add_certificates(struct names *names, enum entity_kind kind)
{
	const struct model *now = touched_model(names->r), *before = model_base(now);
	const struct entity **e = touched_entities(names->r, kind);
	const struct certificate *c;

	for (; *e; e++) {
		struct id128 serial = touched_serial((*e)->path);

		c = model_certificate(now, serial.hex);
		if (!c && before)
			c = model_certificate(before, serial.hex);
		if (c && c->kind != CERTIFICATE_CA)
			add_name(names, c->name);
	}
}

const char **touched_names(const struct render_job *r)
{
	struct names names = { .r = r };

	if (r->is_full)
		add_name(&names, model_server(r->model)->name);
	add_gateways(&names);
	if (!r->is_full) {
		add_users(&names);
		add_certificates(&names, ENTITY_CERTIFICATE);
		add_certificates(&names, ENTITY_REVOCATION);
	}
	map_clear(&names.seen);
	if (!names.list)
		names.list = arena_alloc(r->job->arena, sizeof(*names.list));
	return names.list; /* its last one is NULL: arenas hand out zeroes */
}
