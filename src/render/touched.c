/*
 * What a fork of the model touched, in the terms of rendered files: common
 * names.  A gateway's files depend on the gateway, its user, its certificates
 * and their revocations, so that each of these leads to its name.
 */
#include <stdlib.h>
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
	static const struct entity *none[1];

	if (r->part)
		return *r->part && (*r->part)->kind == kind ? r->part : none;
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
	if (!r->is_full && !r->part) {
		add_users(&names);
		add_certificates(&names, ENTITY_CERTIFICATE);
		add_certificates(&names, ENTITY_REVOCATION);
	}
	map_clear(&names.seen);
	if (!names.list)
		names.list = arena_alloc(r->job->arena, sizeof(*names.list));
	return names.list; /* its last one is NULL: arenas hand out zeroes */
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Is a name that openings may give access to another user's by now? Nobody names a user who isn't there. */
static bool names_moved(const struct render_job *r)
{
	const struct entity **e = touched_entities(r, ENTITY_USER);

	for (; *e; e++) {
		const struct user *u = (const struct user *)*e, *before;

		if (!(*e)->is_removed && (before = model_user_by_name(model_base(r->model), u->name)) &&
		    before->id != u->id)
			return true;
	}
	return false;
}

static bool names_user(const struct gateway *g)
{
	size_t i;

	for (i = 0; i < g->allow_n; i++)
		if (g->allow[i].from == FROM_USER)
			return true;
	return false;
}

static void add_paths_of(struct names *paths, enum entity_kind kind)
{
	const struct entity **e = touched_entities(paths->r, kind);

	for (; *e; e++)
		add_name(paths, (*e)->path);
}

static void add_gateway_lines(struct names *paths)
{
	const struct network *n = model_network(paths->r->model);
	const struct entity **e = touched_entities(paths->r, ENTITY_USER);
	const struct gateway *g;
	uint32_t user, id;

	for (; *e; e++) {
		touched_ids((*e)->path, &user, &id);
		for (id = 0; id < 1u << n->gateway_bits; id++)
			if ((g = model_gateway(paths->r->model, user, id)))
				add_name(paths, g->entity.path);
	}
	if (!names_moved(paths->r))
		return;
	for (e = model_all(paths->r->job->arena, paths->r->model, ENTITY_GATEWAY); *e; e++)
		if (names_user((const struct gateway *)*e))
			add_name(paths, (*e)->path);
}

static void add_certificate_line(struct names *paths, const char *serial)
{
	const struct certificate *c = model_certificate(paths->r->model, serial);

	if (c)
		add_name(paths, c->entity.path);
}

static void add_certificate_lines(struct names *paths)
{
	const struct model *sides[] = { model_base(paths->r->model), paths->r->model };
	const enum entity_kind kinds[] = { ENTITY_REVOCATION, ENTITY_ADOPTION };
	const struct entity **e;
	const struct pending *p;
	size_t i, k;

	for (i = 0; i < 2; i++)
		for (e = touched_entities(paths->r, kinds[i]); *e; e++)
			add_certificate_line(paths, touched_serial((*e)->path).hex);
	if (!*touched_entities(paths->r, ENTITY_PENDING))
		return;
	for (i = 0; i < 2; i++) {
		p = model_pending(sides[i]);
		for (k = 0; k < (p ? p->holds_n : 0); k++)
			add_certificate_line(paths, p->holds[k].serial.hex);
	}
}

const char **touched_lines(const struct render_job *r, enum entity_kind kind)
{
	struct names paths = { .r = r };

	add_paths_of(&paths, kind);
	if (kind == ENTITY_GATEWAY)
		add_gateway_lines(&paths);
	else
		add_certificate_lines(&paths);
	map_clear(&paths.seen);
	if (!paths.list)
		paths.list = arena_alloc(r->job->arena, sizeof(*paths.list));
	qsort(paths.list, paths.n, sizeof(*paths.list), by_text);
	return paths.list;
}
