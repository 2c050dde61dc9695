/*
 * The index of a pack (gitformat-pack(5), version 2), of what is known while
 * the pack is made: libgit2's indexer would read it back, inflate every object
 * and hash it again, which took as long as all the rest.
 */
#include <pthread.h>

#include "base/digest.h"
#include "state/state_int.h"

enum { CRC_BYTES = 8, FANOUT = 256 };

#define CRC_POLYNOMIAL 0xedb88320u /* of ISO 3309, as zlib and so git have it: bits reflected */

static uint32_t crc_tables[CRC_BYTES][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

/* The n-th table: a byte with n zero bytes behind it. */
static void make_crc_tables(void)
{
	uint32_t i, n, bit;

	for (i = 0; i < 256; i++) {
		uint32_t v = i;

		for (bit = 0; bit < 8; bit++)
			v = v & 1 ? CRC_POLYNOMIAL ^ v >> 1 : v >> 1;
		crc_tables[0][i] = v;
	}
	for (n = 1; n < CRC_BYTES; n++)
		for (i = 0; i < 256; i++)
			crc_tables[n][i] = crc_tables[n - 1][i] >> 8 ^
			    crc_tables[0][crc_tables[n - 1][i] & 0xff];
}

uint32_t pack_crc(const uint8_t *bytes, size_t len)
{
	uint32_t crc = ~0u;
	size_t n;

	pthread_once(&crc_once, make_crc_tables);
	for (; len >= CRC_BYTES; len -= CRC_BYTES, bytes += CRC_BYTES) {
		uint32_t next = 0;

		for (n = 0; n < CRC_BYTES; n++)
			next ^= crc_tables[CRC_BYTES - 1 - n][bytes[n] ^ (n < 4 ? crc >> 8 * n & 0xff : 0)];
		crc = next;
	}
	for (n = 0; n < len; n++)
		crc = crc >> 8 ^ crc_tables[0][(crc ^ bytes[n]) & 0xff];
	return ~crc;
}

static void add_number(struct buf *b, uint32_t v)
{
	const uint8_t bytes[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	buf_add(b, bytes, sizeof(bytes));
}

void pack_index(struct buf *b, const struct packed *objects, size_t n, const uint8_t pack[DIGEST_SHA1])
{
	uint8_t checksum[DIGEST_SHA1];
	size_t i, at = 0;

	buf_add(b, "\377tOc", 4);
	add_number(b, 2);
	for (i = 0; i < FANOUT; i++) { /* how many begin with such a byte or a lower one */
		while (at < n && objects[at].id.id[0] <= i)
			at++;
		add_number(b, (uint32_t)at);
	}
	for (i = 0; i < n; i++)
		buf_add(b, objects[i].id.id, sizeof(objects[i].id.id));
	for (i = 0; i < n; i++)
		add_number(b, objects[i].crc);
	for (i = 0; i < n; i++)
		add_number(b, objects[i].offset);
	buf_add(b, pack, DIGEST_SHA1);
	digest_sha1(b->data, b->len, checksum);
	buf_add(b, checksum, sizeof(checksum));
}
