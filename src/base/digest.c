/*
 * Digests and comparisons by OpenSSL, random bytes by the kernel.  A digest
 * that cannot be computed is no case to go on from: the process ends.
 */
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/digest.h"
#include "base/log.h"

static _Noreturn void digest_die(const char *what)
{
	log_line(LOG_LEVEL_ERROR, "%s failed; cannot go on", what);
	abort();
}

static pthread_once_t found = PTHREAD_ONCE_INIT;

/* Found once: EVP_sha1() and EVP_sha256() stand for a search at each use. */
static struct {
	EVP_MD *sha1, *sha256;
} digests;

static void find_digests(void)
{
	digests.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	digests.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!digests.sha1 || !digests.sha256)
		digest_die("finding SHA-1 and SHA-256");
}

static const EVP_MD *sha1(void)
{
	pthread_once(&found, find_digests);
	return digests.sha1;
}

static const EVP_MD *sha256(void)
{
	pthread_once(&found, find_digests);
	return digests.sha256;
}

void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_HEX])
{
	uint8_t md[32];

	if (!EVP_Digest(data, len, md, NULL, sha256(), NULL))
		digest_die("SHA-256");
	digest_hex(md, sizeof(md), out);
}

void digest_sha1(const void *data, size_t len, uint8_t out[DIGEST_SHA1])
{
	if (!EVP_Digest(data, len, out, NULL, sha1(), NULL))
		digest_die("SHA-1");
}

void digest_git_object(const char *type, const void *data, size_t len, uint8_t out[DIGEST_SHA1])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	char head[32];
	int n = snprintf(head, sizeof(head), "%s %zu", type, len);

	if (!ctx || !EVP_DigestInit_ex(ctx, sha1(), NULL) ||
	    !EVP_DigestUpdate(ctx, head, (size_t)n + 1) || /* with its NUL */
	    !EVP_DigestUpdate(ctx, data, len) || !EVP_DigestFinal_ex(ctx, out, NULL))
		digest_die("SHA-1");
	EVP_MD_CTX_free(ctx);
}

void digest_git_blob(const void *data, size_t len, char out[OID_HEX])
{
	uint8_t md[DIGEST_SHA1];

	digest_git_object("blob", data, len, md);
	digest_hex(md, sizeof(md), out);
}

void digest_random(void *out, size_t len)
{
	uint8_t *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			digest_die("getrandom");
		p += n;
		len -= (size_t)n;
	}
}

bool digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void digest_cleanse(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

void digest_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* One more than a digit's value, 0 for what is none: branches on random digits cost ten times as much. */
static const uint8_t
    hex_digits[UCHAR_MAX + 1] = { ['0'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ['a'] = 11, 12, 13, 14, 15, 16 };

static int digest_digit(char c)
{
	return hex_digits[(unsigned char)c] - 1;
}

bool digest_unhex(const char *hex, uint8_t *out, size_t len)
{
	if (strnlen(hex, 2 * len + 1) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digest_digit(hex[2 * i]), low = digest_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
