/*
 * A hash map from strings to pointers: open addressing, FNV-1a with a seed
 * drawn once a process, so that names from outside cannot choose collisions.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>

struct map_slot {
	const char *key; /* NULL: free */
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t cap, len, used; /* used: len and the graves of deleted keys */
};

/* A zeroed struct is an empty map. map_clear frees the table, not keys or values. */
void map_clear(struct map *m);

/* The key is borrowed: it must live as long as its value stays in the map. */
void map_put(struct map *m, const char *key, void *value);
void *map_get(const struct map *m, const char *key); /* NULL: none */
void map_del(struct map *m, const char *key);

/* Walk in no order: start with *it = 0; NULL at the end. The map must not change meanwhile. */
const struct map_slot *map_next(const struct map *m, size_t *it);

#endif
