/* Digests, random bytes, constant-time comparison; OpenSSL's, kept out of sight. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_HEX = 65, OID_HEX = 41, DIGEST_SHA1 = 20 };

/* SHA-256 in lower-case hex, NUL-terminated. */
void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_HEX]);
void digest_sha1(const void *data, size_t len, uint8_t out[DIGEST_SHA1]);
/* The id that git gives these bytes as an object of that type: SHA-1 of "TYPE LEN\0" and the bytes. */
void digest_git_object(const char *type, const void *data, size_t len, uint8_t out[DIGEST_SHA1]);
/* The same of a blob, in hex. */
void digest_git_blob(const void *data, size_t len, char out[OID_HEX]);
/* Random bytes from the kernel; ends the process when there are none. */
void digest_random(void *out, size_t len);
bool digest_equal(const void *a, const void *b, size_t len); /* in constant time */
void digest_cleanse(void *p, size_t len);
void digest_hex(const uint8_t *bytes, size_t len, char *out); /* 2 * len + 1 bytes */
bool digest_unhex(const char *hex, uint8_t *out, size_t len); /* exactly 2 * len lower-case digits */

#endif
