/*
 * The entities of each kind in the order of their paths, kept as they come and
 * go: a whole-network file is then a walk, not a sort.  Only a base keeps
 * them; a fork is small, and is merged in.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

/* Where path is among the first so many, or belongs. At the end first: a whole commit comes in order. */
static size_t place_of(const struct sorted *s, size_t high, const char *path)
{
	size_t low = 0;

	if (!high || strcmp(s->list[high - 1]->path, path) < 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->list[middle]->path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void sorted_add(struct sorted *s, const struct entity *e)
{
	if (s->n + 1 >= s->cap) { /* one more for the NULL at the end */
		s->cap = s->cap ? s->cap * 2 : 16;
		s->list = mem_realloc(s->list, s->cap * sizeof(*s->list));
	}
	s->list[s->n++] = e;
	s->list[s->n] = NULL;
}

static int by_path(const void *x, const void *y)
{
	const struct entity *const *a = x, *const *b = y;

	return strcmp((*a)->path, (*b)->path);
}

void sorted_place(struct sorted *s)
{
	size_t high = s->placed, n = s->n - high;
	const struct entity **added;

	if (!n)
		return;
	added = mem_alloc(n * sizeof(*added));
	memcpy(added, &s->list[high], n * sizeof(*added));
	qsort(added, n, sizeof(*added), by_path);
	for (; n; n--) { /* from the last one on, so that what was there moves once */
		size_t at = place_of(s, high, added[n - 1]->path);

		memmove(&s->list[at + n], &s->list[at], (high - at) * sizeof(*s->list));
		s->list[at + n - 1] = added[n - 1];
		high = at;
	}
	free(added);
	s->placed = s->n;
}

void sorted_remove(struct sorted *s, const struct entity *e)
{
	size_t at = place_of(s, s->placed, e->path);

	if (at == s->placed || s->list[at] != e)
		return;
	s->n--;
	s->placed--;
	memmove(&s->list[at], &s->list[at + 1], (s->n + 1 - at) * sizeof(*s->list));
}

void sorted_clear(struct sorted *s)
{
	free(s->list);
	*s = (struct sorted){ 0 };
}

/* Below and over, both sorted; what is over hides what is below, graves hide and do not show. */
static const struct entity **merge(struct arena *a, const struct entity **below, const struct entity **over)
{
	const struct entity **list, **out, **e;
	size_t n = 1;

	for (e = below; *e; e++)
		n++;
	for (e = over; *e; e++)
		n++;
	list = out = arena_alloc(a, n * sizeof(*list));
	while (*below || *over) {
		int order = !*below ? 1 : !*over ? -1 : strcmp((*below)->path, (*over)->path);

		if (order < 0) {
			*out++ = *below++;
			continue;
		}
		below += order == 0;
		if (!(*over)->is_removed)
			*out++ = *over;
		over++;
	}
	return list;
}

const struct entity **model_all(struct arena *a, const struct model *m, enum entity_kind kind)
{
	static const struct entity *none[1];

	if (m->base)
		return merge(a, model_all(a, m->base, kind), model_touched(a, m, kind));
	return m->sorted[kind].n ? m->sorted[kind].list : none;
}

/* Ids are given from 0 on: the first of the user's records that is not at its own distance from that of 0. */
uint32_t model_unused_gateway_id(const struct model *m, uint32_t user)
{
	char path[MODEL_PATH_MAX];
	const struct sorted *s;
	size_t from, low = 0, high;

	while (m->base)
		m = m->base;
	s = &m->sorted[ENTITY_ID];
	model_id_path(model_network(m), user, 0, path);
	from = place_of(s, s->n, path);
	high = s->n - from;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct id_record *r = (const struct id_record *)s->list[from + middle];

		if (r->user == user && r->is_gateway && r->gateway == middle)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static uint32_t end_of(const struct entity *e, uint32_t user)
{
	const struct id_record *r = (const struct id_record *)e;

	return e->kind == ENTITY_ID && !e->is_removed && r->is_gateway && r->user == user ? r->gateway + 1
											  : 0;
}

uint32_t model_given_gateway_ids(const struct model *m, uint32_t user)
{
	const struct network *n = model_network(m);
	const struct map_slot *slot;
	char path[MODEL_PATH_MAX];
	uint32_t end = 0, own;
	const struct sorted *s;
	size_t it, at;

	for (; m->base; m = m->base)
		for (it = 0; (slot = map_next(&m->entities, &it));)
			if ((own = end_of(slot->value, user)) > end)
				end = own;
	s = &m->sorted[ENTITY_ID];
	model_id_path(n, user, (1u << n->gateway_bits) - 1, path);
	at = place_of(s, s->n, path);
	if (at < s->n && (own = end_of(s->list[at], user)) > end)
		end = own;
	if (at && (own = end_of(s->list[at - 1], user)) > end)
		end = own;
	return end;
}
