/*
 * What is staged as one pack (gitformat-pack(5)), synced with its index.  Its
 * objects are whole and stored (RFC 1951, 3.2.4), not deltas and not deflated,
 * which took a quarter of a change's time; a later repack makes deltas of them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "state/state_int.h"

enum {
	HEAD = 12,
	BLOCK_MAX = 65535,
	BLOCK_HEAD = 5,
	OBJECT_HEAD = 16, /* type and length, at most */
	STREAM = 2 + 4, /* of zlib (RFC 1950), but for its blocks */
	ADLER_MODULUS = 65521,
	ADLER_RUN = 5552, /* bytes until the sums may overflow */
};

struct object { /* one staged, its bytes borrowed from nobody */
	git_object_t type;
	void *data;
	size_t len;
	struct packed packed;
};

static int id_order(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

static size_t unique(git_oid *ids, size_t n)
{
	size_t kept = 0, i;

	qsort(ids, n, sizeof(*ids), id_order);
	for (i = 0; i < n; i++)
		if (kept == 0 || !git_oid_equal(&ids[i], &ids[kept - 1]))
			ids[kept++] = ids[i];
	return kept;
}

static size_t blocks(size_t len)
{
	return len ? (len + BLOCK_MAX - 1) / BLOCK_MAX : 1;
}

static uint8_t *put_big_endian(uint8_t *at, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(v >> shift);
	return at;
}

/* Three bits of type and four of the length, then seven of it a byte, the lowest first. */
static uint8_t *put_object_head(uint8_t *at, git_object_t type, size_t len)
{
	uint8_t byte = (uint8_t)((unsigned)type << 4 | (len & 15));

	for (len >>= 4; len; len >>= 7) {
		*at++ = byte | 0x80;
		byte = len & 0x7f;
	}
	*at++ = byte;
	return at;
}

static uint32_t adler32(const uint8_t *data, size_t len)
{
	uint32_t a = 1, b = 0;
	size_t run;

	for (; len; len -= run) {
		run = len < ADLER_RUN ? len : ADLER_RUN;
		for (size_t i = 0; i < run; i++)
			b += a += *data++;
		a %= ADLER_MODULUS;
		b %= ADLER_MODULUS;
	}
	return b << 16 | a;
}

static uint8_t *put_stored(uint8_t *at, const uint8_t *data, size_t len)
{
	uint32_t sum = adler32(data, len);
	size_t left = blocks(len), size;

	*at++ = 0x78; /* deflate, window of 32 KiB */
	*at++ = 0x01;
	for (; left; left--) {
		size = left > 1 ? BLOCK_MAX : len;
		*at++ = left == 1; /* the last one */
		*at++ = (uint8_t)size;
		*at++ = (uint8_t)(size >> 8);
		*at++ = (uint8_t)~size;
		*at++ = (uint8_t)(~size >> 8);
		memcpy(at, data, size);
		at += size;
		data += size;
		len -= size;
	}
	return put_big_endian(at, sum);
}

static int read_objects(struct job *j, struct state *s, struct object *objects, size_t *size)
{
	size_t i;
	int rc;

	*size = HEAD + DIGEST_SHA1;
	for (i = 0; i < s->fresh_n; i++) {
		struct object *o = &objects[i];

		rc = s->staging->read(&o->data, &o->len, &o->type, s->staging, &s->fresh[i]);
		if (rc < 0)
			return state_fail(j, rc, "%s: cannot read what is staged", s->path);
		o->packed.id = s->fresh[i];
		*size += OBJECT_HEAD + STREAM + blocks(o->len) * BLOCK_HEAD + o->len;
	}
	if (*size > INT32_MAX) /* an index of larger ones has a table more */
		return job_fail(j, E_INVALID, "invalid", "a change of more than 2 GiB cannot be written");
	return 0;
}

static void write_pack(struct buf *pack, struct object *objects, size_t n)
{
	uint8_t *start = (uint8_t *)pack->data, *at = start, *from;
	size_t i;

	memcpy(at, "PACK", 4); /* NOLINT(bugprone-not-null-terminated-result): it is no string */
	at = put_big_endian(at + 4, 2);
	at = put_big_endian(at, (uint32_t)n);
	for (i = 0; i < n; i++) {
		struct object *o = &objects[i];

		from = at;
		at = put_stored(put_object_head(at, o->type, o->len), o->data, o->len);
		o->packed.offset = (uint32_t)(from - start);
		o->packed.crc = pack_crc(from, (size_t)(at - from));
	}
	digest_sha1(start, (size_t)(at - start), at);
	pack->len = (size_t)(at - start) + DIGEST_SHA1;
}

static void write_index(struct buf *index, const struct object *objects, size_t n, const struct buf *pack)
{
	struct packed *list = arena_alloc(index->arena, n * sizeof(*list));
	size_t i;

	for (i = 0; i < n; i++)
		list[i] = objects[i].packed;
	pack_index(index, list, n, (const uint8_t *)pack->data + pack->len - DIGEST_SHA1);
}

/* The index first, as libgit2 does: the other way round a kill in between would leave a pack that no one finds. */
static int write_files(struct job *j, struct state *s, const struct buf *pack, const struct buf *index)
{
	const char *folder = arena_printf(j->arena, "%s/objects/pack", s->path), *name, *index_name;
	char hex[2 * DIGEST_SHA1 + 1];

	digest_hex((const uint8_t *)pack->data + pack->len - DIGEST_SHA1, DIGEST_SHA1, hex);
	name = arena_printf(j->arena, "%s/pack-%s", folder, hex);
	index_name = arena_printf(j->arena, "%s.idx", name);
	if (fs_write(j, index_name, index->data, index->len, 0444))
		return j->error;
	if (fs_write(j, arena_printf(j->arena, "%s.pack", name), pack->data, pack->len, 0444)) {
		unlink(index_name); /* else the next start does */
		return j->error;
	}
	return fs_sync_dir(j, folder);
}

static int write_objects(struct job *j, struct state *s, struct object *objects, size_t room)
{
	struct arena *a = arena_open(room);
	struct buf pack, index;

	buf_open(&pack, a);
	buf_open(&index, a);
	buf_reserve(&pack, room);
	write_pack(&pack, objects, s->fresh_n);
	write_index(&index, objects, s->fresh_n, &pack);
	write_files(j, s, &pack, &index);
	arena_close(a);
	return j->error;
}

int state_pack(struct job *j, struct state *s)
{
	struct object *objects;
	size_t size, i;

	if (s->fresh_n == 0 || s->is_packed)
		return 0;
	s->fresh_n = unique(s->fresh, s->fresh_n);
	objects = mem_zalloc(s->fresh_n * sizeof(*objects));
	if (read_objects(j, s, objects, &size) == 0)
		write_objects(j, s, objects, size);
	for (i = 0; i < s->fresh_n; i++)
		git_odb_backend_data_free(s->staging, objects[i].data);
	free(objects);
	s->is_packed = !j->error;
	return j->error;
}
