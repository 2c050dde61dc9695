/*
 * The store: entities by path, with indexes by name, serial and device, and
 * forks that lie over a base.  Knows nothing of what is inside the files
 * beyond the keys of its indexes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

struct model *model_open(void)
{
	return mem_zalloc(sizeof(struct model));
}

struct model *model_fork(const struct model *base)
{
	struct model *m = model_open();

	m->base = base;
	return m;
}

const struct model *model_base(const struct model *m)
{
	return m->base;
}

static void entity_free(struct entity *e)
{
	arena_close(e->arena);
}

/* Frees the tables; the entities in them are freed too unless they were handed on. */
static void model_free(struct model *m, bool with_entities)
{
	const struct map_slot *s;
	size_t it = 0, i;

	while (with_entities && (s = map_next(&m->entities, &it)))
		entity_free(s->value);
	for (i = 0; i < m->dropped_n; i++)
		entity_free(m->dropped[i]);
	free(m->dropped);
	for (it = 0; (s = map_next(&m->devices, &it));) {
		struct device_certificates *d = s->value;

		free(d->list);
		free(d);
	}
	for (i = 0; i < ENTITY_KINDS; i++)
		sorted_clear(&m->sorted[i]);
	map_clear(&m->entities);
	map_clear(&m->user_names);
	map_clear(&m->gateway_names);
	map_clear(&m->serials);
	map_clear(&m->devices);
	free(m);
}

void model_close(struct model *m)
{
	if (m)
		model_free(m, true);
}

bool model_hides(const struct model *m, const char *path)
{
	return map_get(&m->entities, path) != NULL;
}

const struct entity *model_entity(const struct model *m, const char *path)
{
	const struct entity *e = map_get(&m->entities, path);

	if (e)
		return e->is_removed ? NULL : e;
	return m->base ? model_entity(m->base, path) : NULL;
}

static void device_link(struct model *m, const struct certificate *c)
{
	struct device_certificates *d = map_get(&m->devices, c->device.hex);

	if (!d) {
		d = mem_zalloc(sizeof(*d));
		d->device = c->device;
		map_put(&m->devices, d->device.hex, d);
	}
	d->list = mem_realloc(d->list, (d->n + 1) * sizeof(*d->list));
	d->list[d->n++] = c;
}

static void device_unlink(struct model *m, const struct certificate *c)
{
	struct device_certificates *d = map_get(&m->devices, c->device.hex);
	size_t i;

	for (i = 0; d && i < d->n; i++)
		if (d->list[i] == c)
			d->list[i--] = d->list[--d->n];
	if (d && d->n == 0) {
		map_del(&m->devices, d->device.hex);
		free(d->list);
		free(d);
	}
}

/* The index that finds an entity by a key of its own; NULL: none. */
static struct map *entity_index(struct model *m, const struct entity *e, const char **key)
{
	switch (e->kind) {
	case ENTITY_USER:
		*key = ((const struct user *)e)->name;
		return &m->user_names;
	case ENTITY_GATEWAY:
		*key = ((const struct gateway *)e)->name;
		return &m->gateway_names;
	case ENTITY_CERTIFICATE:
		*key = ((const struct certificate *)e)->serial.hex;
		return &m->serials;
	default:
		return NULL;
	}
}

static void index_put(struct model *m, struct entity *e)
{
	const char *key;
	struct map *index = entity_index(m, e, &key);

	map_put(&m->entities, e->path, e);
	if (!m->base)
		sorted_add(&m->sorted[e->kind], e);
	if (!m->base && !m->is_unsorted)
		sorted_place(&m->sorted[e->kind]);
	if (index) {
		map_del(index, key); /* the key belongs to its value */
		map_put(index, key, e);
	}
	if (e->kind == ENTITY_CERTIFICATE)
		device_link(m, (const struct certificate *)e);
}

static void index_del(struct model *m, const struct entity *e)
{
	const char *key;
	struct map *index;

	map_del(&m->entities, e->path);
	if (e->is_removed)
		return;
	if (!m->base)
		sorted_remove(&m->sorted[e->kind], e);
	index = entity_index(m, e, &key);
	if (index && map_get(index, key) == e)
		map_del(index, key);
	if (e->kind == ENTITY_CERTIFICATE)
		device_unlink(m, (const struct certificate *)e);
}

/* Take e out of m's own tables; a fork keeps it, since pointers to it may be held. */
static void entity_drop(struct model *m, struct entity *e)
{
	index_del(m, e);
	if (!m->base) {
		entity_free(e);
		return;
	}
	m->dropped = mem_realloc(m->dropped, (m->dropped_n + 1) * sizeof(struct entity *));
	m->dropped[m->dropped_n++] = e;
}

/* Keep the mark behind which the lowest unused user id is; only a base has one. */
static void move_mark(struct model *m, const struct entity *e)
{
	const struct network *n = model_network(m);

	if (e->kind == ENTITY_NETWORK)
		m->unused_from = 0; /* its reserved ids may differ now */
	if (!n || (e->kind != ENTITY_ID && e->kind != ENTITY_NETWORK))
		return;
	while (model_id(m, m->unused_from, -1) || model_is_never_given(n, m->unused_from))
		m->unused_from++;
}

uint32_t model_unused_user_id(const struct model *m)
{
	while (m->base)
		m = m->base;
	return m->unused_from;
}

void model_take(struct model *m, struct entity *e)
{
	struct entity *old = map_get(&m->entities, e->path);

	if (!model_entity(m, e->path))
		m->counts[e->kind]++;
	if (old)
		entity_drop(m, old);
	index_put(m, e);
	if (!m->base)
		move_mark(m, e);
}

void model_bury(struct model *m, const char *path)
{
	const struct entity *seen = model_entity(m, path);
	struct entity *own = map_get(&m->entities, path), *grave;
	enum entity_kind kind;
	struct arena *a;

	if (!seen)
		return;
	kind = seen->kind;
	m->counts[kind]--;
	a = arena_open(sizeof(*grave) + strlen(path) + 1);
	grave = arena_alloc(a, sizeof(*grave));
	grave->arena = a;
	grave->kind = kind;
	grave->path = arena_strdup(a, path);
	grave->is_removed = true;
	if (own)
		entity_drop(m, own);
	if (m->base && model_entity(m->base, grave->path))
		map_put(&m->entities, grave->path, grave);
	else
		entity_free(grave);
}

void model_absorb(struct model *base, struct model *fork)
{
	const struct map_slot *s;
	size_t it;

	assert(fork->base == base);
	for (it = 0; (s = map_next(&fork->entities, &it));) {
		struct entity *e = s->value;

		if (e->is_removed)
			model_bury(base, e->path);
	}
	base->is_unsorted = true;
	for (it = 0; (s = map_next(&fork->entities, &it));) {
		struct entity *e = s->value;

		if (e->is_removed)
			entity_free(e);
		else
			model_take(base, e);
	}
	model_sort(base);
	model_free(fork, false);
}

size_t model_count(const struct model *m, enum entity_kind kind)
{
	long n = 0;

	for (; m; m = m->base)
		n += m->counts[kind];
	return (size_t)n;
}

static int by_path(const void *x, const void *y)
{
	const struct entity *const *a = x, *const *b = y;

	return strcmp((*a)->path, (*b)->path);
}

const struct entity **model_touched(struct arena *a, const struct model *m, enum entity_kind kind)
{
	const struct entity **list = arena_alloc(a, (m->entities.len + 1) * sizeof(*list));
	const struct map_slot *s;
	size_t it = 0, n = 0;

	while ((s = map_next(&m->entities, &it)))
		if (((const struct entity *)s->value)->kind == kind)
			list[n++] = s->value;
	qsort(list, n, sizeof(*list), by_path);
	return list;
}
