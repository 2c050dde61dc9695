/*
 * Writes a CRL (RFC 5280, section 5.1) as DER by itself: for thousands of
 * entries OpenSSL's objects cost over ten times what the bytes do.  Whether the
 * bytes are right is not for this file to say: pki_crl_read does.
 */
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "pki/pki_int.h"

enum { CRL_V2 = 1, SERIAL_BYTES = 16, SIGNATURE_MAX = 128 };

/* AlgorithmIdentifier: ecdsa-with-SHA256, which has no parameters (RFC 5758, 3.2). */
const uint8_t crl_algorithm[CRL_ALGORITHM] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
	0x03, 0x02 };

/* An entry's extensions, a reasonCode alone; the code's one byte is to follow. */
const uint8_t crl_reason_head[CRL_REASON_HEAD] = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04,
	0x03, 0x0a, 0x01 };

static void add_primitive(struct buf *b, int tag, const void *bytes, size_t len)
{
	int all = ASN1_object_size(0, (int)len, tag);
	unsigned char *to = (unsigned char *)buf_reserve(b, (size_t)all);

	ASN1_put_object(&to, 0, (int)len, tag, V_ASN1_UNIVERSAL);
	memcpy(to, bytes, len);
	to[len] = '\0';
	b->len += (size_t)all;
}

/* What was added from start on becomes the content of a constructed value. */
static void wrap(struct buf *b, size_t start, int tag, int class)
{
	size_t len = b->len - start;
	size_t head = (size_t)ASN1_object_size(1, (int)len, tag) - len;
	unsigned char *to;

	buf_reserve(b, head);
	to = (unsigned char *)b->data + start;
	memmove(to + head, to, len + 1);
	ASN1_put_object(&to, 1, (int)len, tag, class);
	b->len += head;
}

void der_wrap_sequence(struct buf *b, size_t start)
{
	wrap(b, start, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
}

/* A positive INTEGER in the fewest bytes: a zero stands in front where the highest bit would be a sign. */
static bool add_serial(struct buf *b, const struct id128 *serial)
{
	uint8_t bytes[1 + SERIAL_BYTES] = { 0 }, *from = bytes;
	size_t len = sizeof(bytes);

	if (!digest_unhex(serial->hex, bytes + 1, SERIAL_BYTES))
		return false;
	while (len > 1 && !from[0] && !(from[1] & 0x80)) {
		from++;
		len--;
	}
	add_primitive(b, V_ASN1_INTEGER, from, len);
	return true;
}

static char *put_digits(char *to, int two)
{
	*to++ = (char)('0' + two / 10);
	*to++ = (char)('0' + two % 10);
	return to;
}

/* UTCTime through 2049, from then on GeneralizedTime, which has the century too (5.1.2.4 to 5.1.2.6). */
static void add_time(struct buf *b, int64_t at)
{
	char text[sizeof("yyyymmddhhmmssZ")], *to = text;
	struct tm tm = { 0 };
	bool is_short;

	gmtime_r(&(time_t){ at }, &tm);
	is_short = tm.tm_year >= 50 && tm.tm_year < 150;
	to = is_short ? to : put_digits(to, (tm.tm_year + 1900) / 100);
	to = put_digits(to, tm.tm_year % 100);
	to = put_digits(to, tm.tm_mon + 1);
	to = put_digits(to, tm.tm_mday);
	to = put_digits(to, tm.tm_hour);
	to = put_digits(to, tm.tm_min);
	to = put_digits(to, tm.tm_sec);
	*to++ = 'Z';
	add_primitive(b, is_short ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME, text, (size_t)(to - text));
}

static bool add_entry(struct buf *b, const struct revocation *r)
{
	size_t start = b->len;

	if (!add_serial(b, &r->serial))
		return false;
	add_time(b, r->at);
	if (r->reason != REASON_UNSPECIFIED) { /* 5.3.1: absent instead */
		buf_add(b, crl_reason_head, sizeof(crl_reason_head));
		buf_putc(b, (char)r->reason);
	}
	der_wrap_sequence(b, start);
	return true;
}

/* An empty list is absent (5.1.2.6). */
static bool add_entries(struct buf *b, const struct revocation *const *entries)
{
	size_t start = b->len;
	bool ok = true;

	if (!*entries)
		return true;
	for (; ok && *entries; entries++)
		ok = add_entry(b, *entries);
	der_wrap_sequence(b, start);
	return ok;
}

static bool add_issuer(struct buf *b, X509 *issuer)
{
	const unsigned char *der;
	size_t len;

	if (!X509_NAME_get0_der(X509_get_subject_name(issuer), &der, &len))
		return false;
	buf_add(b, der, len);
	return true;
}

static X509_EXTENSION *number_extension(uint64_t number)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509_EXTENSION *e = NULL;

	if (n && ASN1_INTEGER_set_uint64(n, number))
		e = X509V3_EXT_i2d(NID_crl_number, 0, n);
	ASN1_INTEGER_free(n);
	return e;
}

static bool add_extension(struct buf *b, X509_EXTENSION *e)
{
	int len = i2d_X509_EXTENSION(e, NULL);
	unsigned char *to;

	if (len <= 0)
		return false;
	to = (unsigned char *)buf_reserve(b, (size_t)len);
	if (i2d_X509_EXTENSION(e, &to) != len)
		return false;
	*to = '\0';
	b->len += (size_t)len;
	return true;
}

static bool add_extensions(struct buf *b, X509 *issuer, uint64_t number)
{
	X509_EXTENSION *aki = pki_extension(issuer, NULL, NID_authority_key_identifier, "keyid:always");
	X509_EXTENSION *count = number_extension(number);
	size_t start = b->len;
	bool ok = aki && count && add_extension(b, aki) && add_extension(b, count);

	der_wrap_sequence(b, start);
	wrap(b, start, 0, V_ASN1_CONTEXT_SPECIFIC);
	X509_EXTENSION_free(aki);
	X509_EXTENSION_free(count);
	return ok;
}

/* The TBSCertList. */
static bool add_body(
    struct buf *b, X509 *issuer, const struct pki_crl *figures, const struct revocation *const *entries)
{
	const uint8_t version = CRL_V2;
	size_t start = b->len;
	bool ok;

	add_primitive(b, V_ASN1_INTEGER, &version, sizeof(version));
	buf_add(b, crl_algorithm, sizeof(crl_algorithm));
	ok = add_issuer(b, issuer);
	add_time(b, figures->this_update);
	add_time(b, figures->next_update);
	ok = ok && add_entries(b, entries) && add_extensions(b, issuer, figures->number);
	der_wrap_sequence(b, start);
	return ok;
}

/* The signature over all that is there so far, as a BIT STRING without unused bits. */
static bool add_signature(struct buf *b, size_t start, EVP_PKEY *key)
{
	uint8_t bits[1 + SIGNATURE_MAX] = { 0 };
	size_t len = SIGNATURE_MAX;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, bits + 1, &len, (unsigned char *)b->data + start, b->len - start) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return false;
	buf_add(b, crl_algorithm, sizeof(crl_algorithm));
	add_primitive(b, V_ASN1_BIT_STRING, bits, 1 + len);
	return true;
}

int crl_write(struct job *j, const struct pki_issuer *ca, const struct pki_crl *figures,
    const struct revocation *const *entries, struct buf *der)
{
	size_t start = der->len;

	if (!add_body(der, ca->certificate, figures, entries) || !add_signature(der, start, ca->key))
		return pki_fail(j, "build the CRL");
	der_wrap_sequence(der, start);
	return 0;
}
