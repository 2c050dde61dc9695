/* PEM by OpenSSL's base64; reading takes nothing that writing would not give. */
#include "base/pem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

enum { LINE = 64, BYTES_A_LINE = 48 };

void pem_print(struct buf *b, const char *label, const uint8_t *der, size_t len)
{
	size_t at, n;

	buf_printf(b, "-----BEGIN %s-----\n", label);
	for (at = 0; at < len; at += n) {
		n = len - at < BYTES_A_LINE ? len - at : BYTES_A_LINE;
		b->len += (size_t)EVP_EncodeBlock(
		    (unsigned char *)buf_reserve(b, LINE + 1), der + at, (int)n);
		buf_putc(b, '\n');
	}
	buf_printf(b, "-----END %s-----\n", label);
}

/* The base64 digits between the first line and the last, without line ends. */
static size_t copy_digits(const char *text, size_t len, char *out)
{
	size_t n = 0, i;

	for (i = 0; i < len; i++)
		if (text[i] != '\n')
			out[n++] = text[i];
	return n;
}

const uint8_t *pem_parse(struct arena *a, const char *label, const char *text, size_t *len)
{
	const char *start = strchr(text, '\n'), *end = strstr(text, "\n-----END ");
	size_t size = strlen(text), digits;
	struct arena *scratch = arena_open(size * 3);
	uint8_t *der = NULL, *bytes;
	struct buf again;
	char *copy;
	int n;

	buf_open(&again, scratch);
	if (!start || !end || end < start || size > INT_MAX)
		goto out;
	copy = arena_alloc(scratch, size);
	digits = copy_digits(start, (size_t)(end - start), copy);
	if (digits == 0 || digits % 4)
		goto out;
	bytes = arena_alloc(scratch, digits);
	n = EVP_DecodeBlock(bytes, (unsigned char *)copy, (int)digits);
	if (n < 0)
		goto out;
	*len = (size_t)n - (copy[digits - 1] == '=') -
	    (copy[digits - 2] == '='); /* padding counts as zeros */
	der = arena_alloc(a, *len);
	memcpy(der, bytes, *len);
	pem_print(&again, label, der, *len);
	if (strcmp(again.data, text) != 0)
		der = NULL;
out:
	arena_close(scratch);
	return der;
}
