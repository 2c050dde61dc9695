/*
 * Entities that went through model_put once and were kept as columns since:
 * copied in without a parse.  What they say was checked then.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

enum { ALIGN_ROOM = 16 }; /* what an arena may lose at the end of a piece */

static struct entity *keep(const struct entity *from, size_t size, const char *path, size_t text)
{
	struct arena *a = arena_open(size + strlen(path) + text + 4 * ALIGN_ROOM);
	struct entity *e = arena_alloc(a, size);

	memcpy(e, from, size);
	e->arena = a;
	e->path = arena_strdup(a, path);
	return e;
}

static void take(struct model *m, struct entity *e)
{
	m->is_unsorted = true;
	model_take(m, e);
}

void model_sort(struct model *m)
{
	size_t i;

	for (i = 0; i < ENTITY_KINDS; i++)
		sorted_place(&m->sorted[i]);
	m->is_unsorted = false;
}

void model_keep_user(struct model *m, const struct user *v)
{
	char path[MODEL_PATH_MAX];
	struct user *u;

	model_user_path(model_network(m), v->id, path);
	u = (struct user *)keep(&v->entity, sizeof(*v), path, strlen(v->name));
	u->entity.kind = ENTITY_USER;
	u->name = arena_strdup(u->entity.arena, v->name);
	take(m, &u->entity);
}

static void copy_openings(struct gateway *g, const struct gateway *from)
{
	struct arena *a = g->entity.arena;
	size_t i;

	if (!from->allow_n)
		return;
	g->allow = arena_alloc(a, from->allow_n * sizeof(*g->allow));
	memcpy(g->allow, from->allow, from->allow_n * sizeof(*g->allow));
	for (i = 0; i < from->allow_n; i++) {
		g->allow[i].proto = arena_strdup(a, from->allow[i].proto);
		if (from->allow[i].from_user)
			g->allow[i].from_user = arena_strdup(a, from->allow[i].from_user);
	}
}

void model_keep_gateway(struct model *m, const struct gateway *v)
{
	char path[MODEL_PATH_MAX];
	struct gateway *g;

	model_gateway_path(model_network(m), v->user, v->id, path);
	g = (struct gateway *)keep(&v->entity, sizeof(*v), path,
	    strlen(v->name) + v->allow_n * (sizeof(*v->allow) + 2 * ALIGN_ROOM));
	g->entity.kind = ENTITY_GATEWAY;
	g->name = arena_strdup(g->entity.arena, v->name);
	copy_openings(g, v);
	take(m, &g->entity);
}

void model_keep_certificate(struct model *m, const struct certificate *v)
{
	char path[MODEL_PATH_MAX];
	struct certificate *c;
	uint8_t *der;

	model_ledger_path(ENTITY_CERTIFICATE, v->serial.hex, v->not_before, path);
	c = (struct certificate *)keep(&v->entity, sizeof(*v), path, strlen(v->name) + v->der_len);
	c->entity.kind = ENTITY_CERTIFICATE;
	c->name = arena_strdup(c->entity.arena, v->name);
	c->der = der = arena_alloc(c->entity.arena, v->der_len);
	memcpy(der, v->der, v->der_len);
	take(m, &c->entity);
}
