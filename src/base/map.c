/*
 * Open addressing with linear probing over a power of two.  A deleted key
 * leaves a grave, so that probes walk on over it; graves go when the table
 * is rebuilt.
 */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/mem.h"

enum { MAP_FIRST = 16 };

static const char map_grave[] = "";
static uint64_t map_seed; /* written once, by map_draw */
static pthread_once_t map_once = PTHREAD_ONCE_INIT;

static void map_draw(void)
{
	digest_random(&map_seed, sizeof(map_seed));
}

static uint64_t map_hash(const char *key)
{
	const unsigned char *p = (const unsigned char *)key;
	uint64_t h;

	pthread_once(&map_once, map_draw);
	h = 0xcbf29ce484222325u ^ map_seed;
	for (; *p; p++)
		h = (h ^ *p) * 0x100000001b3u;
	return h ^ h >> 32; /* the table looks at the low bits, the high ones are mixed better */
}

/* The slot that holds key, or the free one where its search ends. */
static struct map_slot *map_find(const struct map *m, const char *key)
{
	size_t i = (size_t)map_hash(key) & (m->cap - 1);

	while (m->slots[i].key && (m->slots[i].key == map_grave || strcmp(m->slots[i].key, key)))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void map_rebuild(struct map *m)
{
	struct map old = *m;
	const struct map_slot *s;
	size_t it = 0;

	m->cap = MAP_FIRST;
	while (m->cap / 2 <= old.len)
		m->cap *= 2;
	m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
	m->used = m->len;
	while ((s = map_next(&old, &it)))
		*map_find(m, s->key) = *s;
	free(old.slots);
}

void map_clear(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

void map_put(struct map *m, const char *key, void *value)
{
	struct map_slot *s;

	assert(value);
	if (m->used + 1 > m->cap / 4 * 3)
		map_rebuild(m);
	s = map_find(m, key);
	if (!s->key) {
		m->len++;
		m->used++;
	}
	*s = (struct map_slot){ .key = key, .value = value };
}

void *map_get(const struct map *m, const char *key)
{
	return m->cap ? map_find(m, key)->value : NULL;
}

void map_del(struct map *m, const char *key)
{
	struct map_slot *s;

	if (!m->cap)
		return;
	s = map_find(m, key);
	if (!s->key)
		return;
	*s = (struct map_slot){ .key = map_grave };
	m->len--;
}

const struct map_slot *map_next(const struct map *m, size_t *it)
{
	while (*it < m->cap) {
		const struct map_slot *s = &m->slots[(*it)++];

		if (s->key && s->key != map_grave)
			return s;
	}
	return NULL;
}
