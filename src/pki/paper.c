/*
 * The master key on paper: eight groups of eight hexadecimal digits and a
 * checksum of four, the first of SHA-256 over the key's bytes, so that a slip
 * of the pen or of the eye is noticed.
 */
#include <ctype.h>
#include <string.h>

#include "pki/pki_int.h"

enum {
	GROUP = 8,
	GROUPS = 8,
	KEY_DIGITS = GROUP * GROUPS,
	CHECK_DIGITS = 4,
	DIGITS = KEY_DIGITS + CHECK_DIGITS
};

/* Writes CHECK_DIGITS and no NUL. */
static void find_checksum(const uint8_t key[PKI_MASTER_BYTES], char *digits)
{
	char hex[DIGEST_HEX];

	digest_sha256_hex(key, PKI_MASTER_BYTES, hex);
	memcpy(digits, hex, CHECK_DIGITS);
	digest_cleanse(hex, sizeof(hex));
}

void pki_print_paper(const struct pki *p, struct buf *b)
{
	const uint8_t *key = pki_newest(p)->key;
	char text[KEY_DIGITS + GROUPS + CHECK_DIGITS + 2] = "";
	char *at = text;

	/* In one piece, so that no grown buffer leaves a copy of the key behind. */
	for (unsigned i = 0; i < GROUPS; i++) {
		digest_hex(key + i * GROUP / 2, GROUP / 2, at);
		at += GROUP;
		*at++ = i % 4 == 3 ? '\n' : ' ';
	}
	find_checksum(key, at);
	at += CHECK_DIGITS;
	*at++ = '\n';
	buf_add(b, text, (size_t)(at - text));
	digest_cleanse(text, sizeof(text));
}

/* Which group of the paper the n-th digit stands in. */
static const char *group_name(struct job *j, size_t n)
{
	return n < KEY_DIGITS ? arena_printf(j->arena, "group %zu", n / GROUP + 1) : "the checksum";
}

/* The first group, counted from 1, that hasn't its eight digits; 0: none. */
static size_t find_bad_group(const char *text)
{
	size_t n = 0, len;

	for (text += strspn(text, " \t\r\n"); *text; text += strspn(text, " \t\r\n")) {
		len = strcspn(text, " \t\r\n");
		text += len;
		if (++n <= GROUPS && len != GROUP)
			return n;
	}
	return 0;
}

static int fail_length(struct job *j, const char *text, size_t n)
{
	size_t group = find_bad_group(text);

	return job_fail(j, E_INVALID, "bad_paper",
	    "%zu digits instead of %d (eight groups of eight, a checksum of four)%s", n, DIGITS,
	    group ? arena_printf(j->arena, ": look at group %zu", group) : "");
}

/* The digits without what separates them; digits has room for DIGITS + 1. */
static int gather_digits(struct job *j, const char *text, char *digits)
{
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (isspace((unsigned char)*c))
			continue;
		if (!isxdigit((unsigned char)*c))
			return job_fail(j, E_INVALID, "bad_paper",
			    "digit %zu of %s is none of 0-9 and a-f (0 is a zero, 1 is a one)", n % GROUP + 1,
			    group_name(j, n));
		if (n < DIGITS)
			digits[n] = (char)tolower((unsigned char)*c);
		n++;
	}
	return n == DIGITS ? 0 : fail_length(j, text, n);
}

int pki_parse_paper(struct job *j, const char *text, uint8_t key[PKI_MASTER_BYTES])
{
	char digits[DIGITS + 1] = "", given[CHECK_DIGITS], wanted[CHECK_DIGITS];
	int error = gather_digits(j, text, digits);

	if (!error) {
		memcpy(given, digits + KEY_DIGITS, CHECK_DIGITS);
		digits[KEY_DIGITS] = 0;
		digest_unhex(digits, key, PKI_MASTER_BYTES); /* digits they are: gathered as such */
		find_checksum(key, wanted);
		if (memcmp(given, wanted, CHECK_DIGITS)) {
			digest_cleanse(key, PKI_MASTER_BYTES);
			error = job_fail(j, E_INVALID, "bad_paper",
			    "the checksum is wrong: at least one digit isn't what was printed");
		}
	}
	digest_cleanse(digits, sizeof(digits));
	return error;
}
