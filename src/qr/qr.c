/*
 * The steps of ISO/IEC 18004 in its order: codewords, error correction, the
 * fixed patterns, the data on its zigzag, and of eight masks the one that a
 * camera likes best.
 */
#include <stdlib.h>
#include <string.h>

#include "qr/qr.h"

enum {
	CODEWORDS_MAX = 346,
	EC_MAX = 26,
	BLOCKS_MAX = 5,
	MODE_BYTES = 4,
	LEVEL_M = 0,
	MASKS = 8,
	PENALTY_RUN = 3,
	PENALTY_SQUARE = 3,
	PENALTY_FINDER = 40,
	PENALTY_BALANCE = 10,
};

/* Table 9, level M: how many blocks, and how many codewords of error correction in each. */
static const struct {
	int blocks, correction;
} versions[QR_VERSION_MAX + 1] = { { 0, 0 }, { 1, 10 }, { 1, 16 }, { 1, 26 }, { 2, 18 }, { 2, 24 }, { 4, 16 },
	{ 4, 18 }, { 4, 22 }, { 5, 22 }, { 5, 26 } };

/* What of the square is not taken by fixed patterns, in whole codewords (Table 1). */
static int count_codewords(int version)
{
	int bits = (16 * version + 128) * version + 64, lines = version / 7 + 2;

	if (version >= 2)
		bits -= (25 * lines - 10) * lines - 55;
	if (version >= 7)
		bits -= 36;
	return bits / 8;
}

static int count_data(int version)
{
	return count_codewords(version) - versions[version].blocks * versions[version].correction;
}

/* --- Codewords: mode, length, bytes, a terminator, padding (7.4) --- */

static void put_bits(uint8_t *words, size_t *at, unsigned value, int n)
{
	while (n-- > 0) {
		if (value >> n & 1)
			words[*at / 8] |= (uint8_t)(0x80 >> *at % 8);
		++*at;
	}
}

static int count_length_bits(int version)
{
	return version < 10 ? 8 : 16;
}

static int choose_version(size_t len)
{
	int version = 1;

	while (version <= QR_VERSION_MAX &&
	    4 + (size_t)count_length_bits(version) + 8 * len > 8 * (size_t)count_data(version))
		version++;
	return version;
}

static void put_data(int version, const uint8_t *bytes, size_t len, uint8_t *words)
{
	const size_t room = (size_t)count_data(version);
	unsigned pad = 0xec;
	size_t at = 0, i;

	put_bits(words, &at, MODE_BYTES, 4);
	put_bits(words, &at, (unsigned)len, count_length_bits(version));
	for (i = 0; i < len; i++)
		put_bits(words, &at, bytes[i], 8);
	at = at + 4 < 8 * room ? at + 4 : 8 * room; /* the terminator is zeros */
	for (i = (at + 7) / 8; i < room; i++, pad ^= 0xec ^ 0x11)
		words[i] = (uint8_t)pad;
}

/* --- Reed-Solomon over GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1 (7.5, Annex A) --- */

static uint8_t multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0;
	int i;

	for (i = 7; i >= 0; i--) {
		product = product << 1 ^ (product >> 7) * 0x11d;
		if (b >> i & 1)
			product ^= a;
	}
	return (uint8_t)product;
}

/* The product of (x - 2^i) for i below n, highest first, without its leading 1. */
static void make_generator(int n, uint8_t *out)
{
	uint8_t root = 1;
	int i, k;

	memset(out, 0, (size_t)n);
	out[n - 1] = 1;
	for (i = 0; i < n; i++) {
		for (k = 0; k < n; k++)
			out[k] = multiply(out[k], root) ^ (k + 1 < n ? out[k + 1] : 0);
		root = multiply(root, 2);
	}
}

static void divide(const uint8_t *data, int len, const uint8_t *generator, int n, uint8_t *rest)
{
	int i, k;

	memset(rest, 0, (size_t)n);
	for (i = 0; i < len; i++) {
		uint8_t factor = data[i] ^ rest[0];

		memmove(rest, rest + 1, (size_t)n - 1);
		rest[n - 1] = 0;
		for (k = 0; k < n; k++)
			rest[k] ^= multiply(generator[k], factor);
	}
}

/* The first blocks may be one codeword shorter; column by column over all (7.6). */
static void interleave(int version, const uint8_t *data, uint8_t *out)
{
	const int blocks = versions[version].blocks, n = versions[version].correction;
	const int words = count_data(version), least = words / blocks, shorter = blocks - words % blocks;
	uint8_t generator[EC_MAX], correction[BLOCKS_MAX][EC_MAX];
	const uint8_t *start[BLOCKS_MAX] = { NULL };
	int b, i;

	make_generator(n, generator);
	for (b = 0; b < blocks; b++) {
		start[b] = data;
		data += least + (b >= shorter);
		divide(start[b], least + (b >= shorter), generator, n, correction[b]);
	}
	for (i = 0; i <= least; i++)
		for (b = i < least ? 0 : shorter; b < blocks; b++)
			*out++ = start[b][i];
	for (i = 0; i < n; i++)
		for (b = 0; b < blocks; b++)
			*out++ = correction[b][i];
}

/* --- Fixed patterns (6.3) --- */

static void fix(struct qr *q, int x, int y, bool is_dark)
{
	if (x < 0 || y < 0 || x >= q->side || y >= q->side)
		return;
	q->dark[y][x] = is_dark;
	q->fixed[y][x] = 1;
}

static int distance(int dx, int dy)
{
	return abs(dx) > abs(dy) ? abs(dx) : abs(dy);
}

/* Rings about a centre: a finder with its light border, or an alignment pattern. */
static void draw_rings(struct qr *q, int x, int y, int radius)
{
	int dx, dy;

	for (dy = -radius; dy <= radius; dy++)
		for (dx = -radius; dx <= radius; dx++)
			fix(q, x + dx, y + dy,
			    radius == 4 ? distance(dx, dy) != 2 && distance(dx, dy) != 4
					: distance(dx, dy) != 1);
}

/* Annex E, which up to version 10 is: 6, the last, and from 7 on the one in their middle. */
static void draw_alignment(struct qr *q, int version)
{
	const int last = q->side - 7, at[] = { 6, last, (6 + last) / 2 },
		  n = version < 2 ? 0
	    : version < 7         ? 2
				  : 3;
	int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			if (!(i != k && i < 2 && k < 2) && !(i == 0 && k == 0))
				draw_rings(q, at[i], at[k], 2);
}

/* The remainder of value * 2^n by a polynomial of degree n, behind the value (Annexes C and D). */
static unsigned add_remainder(unsigned value, int n, unsigned polynomial)
{
	unsigned rest = value;
	int i;

	for (i = 0; i < n; i++)
		rest = rest << 1 ^ (rest >> (n - 1) & 1) * polynomial;
	return value << n | rest;
}

static void draw_format(struct qr *q, int mask)
{
	const unsigned bits = add_remainder(LEVEL_M << 3 | (unsigned)mask, 10, 0x537) ^ 0x5412;
	int i;

	for (i = 0; i < 15; i++) {
		bool is_dark = bits >> i & 1;

		fix(q, i < 8 ? 8 : i == 8 ? 7 : 14 - i, i < 6 ? i : i == 6 ? 7 : 8, is_dark);
		if (i < 8)
			fix(q, q->side - 1 - i, 8, is_dark);
		else
			fix(q, 8, q->side - 15 + i, is_dark);
	}
	fix(q, 8, q->side - 8, true);
}

static void draw_version(struct qr *q, int version)
{
	const unsigned bits = add_remainder((unsigned)version, 12, 0x1f25);
	int i;

	for (i = 0; version >= 7 && i < 18; i++) {
		fix(q, q->side - 11 + i % 3, i / 3, bits >> i & 1);
		fix(q, i / 3, q->side - 11 + i % 3, bits >> i & 1);
	}
}

static void draw_fixed(struct qr *q, int version)
{
	int i;

	for (i = 0; i < q->side; i++) {
		fix(q, 6, i, i % 2 == 0);
		fix(q, i, 6, i % 2 == 0);
	}
	draw_rings(q, 3, 3, 4);
	draw_rings(q, q->side - 4, 3, 4);
	draw_rings(q, 3, q->side - 4, 4);
	draw_alignment(q, version);
	draw_format(q, 0);
	draw_version(q, version);
}

/* --- Data, from the right in columns of two, up and down (7.7.3) --- */

static void draw_data(struct qr *q, const uint8_t *words, int bits)
{
	int right, step, k, x, y, at = 0;

	for (right = q->side - 1; right >= 1; right -= 2) {
		if (right == 6)
			right = 5; /* the timing pattern's column */
		for (step = 0; step < 2 * q->side; step++) {
			k = step / 2;
			x = right - step % 2;
			y = (right + 1) & 2 ? k : q->side - 1 - k;
			if (q->fixed[y][x] || at >= bits)
				continue;
			q->dark[y][x] = words[at / 8] >> (7 - at % 8) & 1;
			at++;
		}
	}
}

/* --- Masks (7.8) --- */

static bool is_masked(int mask, int x, int y)
{
	switch (mask) {
	case 0:
		return (x + y) % 2 == 0;
	case 1:
		return y % 2 == 0;
	case 2:
		return x % 3 == 0;
	case 3:
		return (x + y) % 3 == 0;
	case 4:
		return (x / 3 + y / 2) % 2 == 0;
	case 5:
		return x * y % 2 + x * y % 3 == 0;
	case 6:
		return (x * y % 2 + x * y % 3) % 2 == 0;
	default:
		return ((x + y) % 2 + x * y % 3) % 2 == 0;
	}
}

/* Twice is as before. */
static void apply_mask(struct qr *q, int mask)
{
	int x, y;

	for (y = 0; y < q->side; y++)
		for (x = 0; x < q->side; x++)
			if (!q->fixed[y][x])
				q->dark[y][x] ^= is_masked(mask, x, y);
	draw_format(q, mask);
}

/* One row or column: runs of five and more, and what looks like a finder. */
static int judge_line(const struct qr *q, int at, bool is_row)
{
	unsigned seen = 0;
	int i, run = 0, penalty = 0;
	bool last = false;

	for (i = 0; i < q->side; i++) {
		bool is_dark = is_row ? q->dark[at][i] : q->dark[i][at];

		run = i && is_dark == last ? run + 1 : 1;
		last = is_dark;
		penalty += run == 5 ? PENALTY_RUN : run > 5 ? 1 : 0;
		seen = (seen << 1 | is_dark) & 0x7ff;
		if (i >= 10 && (seen == 0x5d0 || seen == 0x05d))
			penalty += PENALTY_FINDER;
	}
	return penalty;
}

static int judge(const struct qr *q)
{
	const int all = q->side * q->side;
	int x, y, dark = 0, penalty = 0;

	for (y = 0; y < q->side; y++) {
		penalty += judge_line(q, y, true) + judge_line(q, y, false);
		for (x = 0; x < q->side; x++) {
			dark += q->dark[y][x];
			if (x && y && q->dark[y][x] == q->dark[y][x - 1] &&
			    q->dark[y][x] == q->dark[y - 1][x] && q->dark[y][x] == q->dark[y - 1][x - 1])
				penalty += PENALTY_SQUARE;
		}
	}
	return penalty + abs(20 * dark - 10 * all) / all * PENALTY_BALANCE;
}

static void choose_mask(struct qr *q)
{
	int mask, best = 0, least = 0, penalty;

	for (mask = 0; mask < MASKS; mask++) {
		apply_mask(q, mask);
		penalty = judge(q);
		if (mask == 0 || penalty < least) {
			best = mask;
			least = penalty;
		}
		apply_mask(q, mask);
	}
	apply_mask(q, best);
}

bool qr_encode(const void *bytes, size_t len, struct qr *out)
{
	uint8_t data[CODEWORDS_MAX] = { 0 }, words[CODEWORDS_MAX] = { 0 };
	const int version = choose_version(len);

	memset(out, 0, sizeof(*out));
	if (version > QR_VERSION_MAX)
		return false;
	out->side = 17 + 4 * version;
	draw_fixed(out, version);
	put_data(version, bytes, len, data);
	interleave(version, data, words);
	draw_data(out, words, 8 * count_codewords(version));
	choose_mask(out);
	return true;
}

bool qr_is_dark(const struct qr *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->side && y < q->side && q->dark[y][x];
}
