/*
 * A CRL whose entries have the one shape that crl_write gives them, decoded
 * without an object for each: OpenSSL reads all that is around the list, and
 * the list is read here, byte by byte.  Of thousands of entries that takes a
 * twentieth of the time.  Any other shape is OpenSSL's to judge.
 */
#include <openssl/err.h>
#include <string.h>

#include "pki/pki_int.h"

enum { SERIAL_MAX = 20, REASON_MAX = 10, UTC_LEN = 13, GENERALIZED_LEN = 15, UNUSED_BITS = 7 };

struct place { /* what is left to read */
	const uint8_t *at, *end;
};

/* One value of that tag, of definite length; its content. */
static bool take(struct place *p, int tag, struct place *content)
{
	const unsigned char *at = p->at;
	int got, class, how, form = tag == V_ASN1_SEQUENCE ? V_ASN1_CONSTRUCTED : 0;
	long len;

	if (p->at >= p->end)
		return false;
	how = ASN1_get_object(&at, &len, &got, &class, p->end - p->at);
	if (how != form || got != tag || class != V_ASN1_UNIVERSAL)
		return false; /* of another form, of no definite length, or nothing that can be read at all */
	*content = (struct place){ at, at + len };
	p->at = at + len;
	return true;
}

static bool take_time(struct place *p)
{
	struct place time;
	size_t len;

	if (take(p, V_ASN1_UTCTIME, &time))
		len = UTC_LEN;
	else if (take(p, V_ASN1_GENERALIZEDTIME, &time))
		len = GENERALIZED_LEN;
	else
		return false;
	return (size_t)(time.end - time.at) == len && time.end[-1] == 'Z' &&
	    strspn((const char *)time.at, "0123456789") == len - 1;
}

/* No negative INTEGER, in the fewest bytes; an adopted one may be zero. */
static bool take_serial(struct place *p)
{
	struct place serial;
	size_t len;

	if (!take(p, V_ASN1_INTEGER, &serial))
		return false;
	len = (size_t)(serial.end - serial.at);
	if (len == 0 || len > SERIAL_MAX || serial.at[0] & 0x80)
		return false;
	return serial.at[0] || len == 1 || serial.at[1] & 0x80;
}

static bool take_entry(struct place *p)
{
	struct place entry;
	size_t left;

	if (!take(p, V_ASN1_SEQUENCE, &entry) || !take_serial(&entry) || !take_time(&entry))
		return false;
	left = (size_t)(entry.end - entry.at);
	return left == 0 ||
	    (left == sizeof(crl_reason_head) + 1 &&
		memcmp(entry.at, crl_reason_head, sizeof(crl_reason_head)) == 0 && entry.end[-1] > 0 &&
		entry.end[-1] <= REASON_MAX);
}

static bool take_algorithm(struct place *p)
{
	if ((size_t)(p->end - p->at) < sizeof(crl_algorithm) ||
	    memcmp(p->at, crl_algorithm, sizeof(crl_algorithm)) != 0)
		return false;
	p->at += sizeof(crl_algorithm);
	return true;
}

/* The TBSCertList up to its entries. */
static bool take_head(struct place *body)
{
	struct place version, issuer;

	return take(body, V_ASN1_INTEGER, &version) && take_algorithm(body) &&
	    take(body, V_ASN1_SEQUENCE, &issuer) && take_time(body) && take_time(body);
}

static void add_place(struct buf *b, const struct place *p)
{
	buf_add(b, p->at, (size_t)(p->end - p->at));
}

/* What is left of the whole when its body lacks what lies between head and tail. */
static X509_CRL *decode_rest(
    struct arena *a, const struct place *head, const struct place *tail, const struct place *signature)
{
	const unsigned char *end;
	struct buf der;
	X509_CRL *crl;

	buf_open(&der, a);
	add_place(&der, head);
	add_place(&der, tail);
	der_wrap_sequence(&der, 0);
	add_place(&der, signature);
	der_wrap_sequence(&der, 0);
	end = (const unsigned char *)der.data;
	crl = d2i_X509_CRL(NULL, &end, (long)der.len);
	if (crl && (end != (const unsigned char *)der.data + der.len || X509_CRL_get_REVOKED(crl))) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	return crl;
}

static bool read_plain(struct arena *a, const uint8_t *der, size_t len, struct crl_plain *out)
{
	struct place file = { der, der + len }, whole, signature, body, head, tail, entries, rest;

	if (!take(&file, V_ASN1_SEQUENCE, &whole) || file.at != file.end)
		return false;
	signature = whole;
	if (!take(&signature, V_ASN1_SEQUENCE, &body))
		return false;
	out->body = whole.at;
	out->body_len = (size_t)(signature.at - whole.at);
	rest = signature;
	tail = body;
	if (!take_algorithm(&rest) || !take_head(&tail))
		return false;
	head = (struct place){ body.at, tail.at };
	if (!take(&tail, V_ASN1_SEQUENCE, &entries))
		return false;
	for (out->entries = 0; entries.at < entries.end; out->entries++)
		if (!take_entry(&entries))
			return false;
	out->rest = decode_rest(a, &head, &tail, &signature);
	return out->rest;
}

bool crl_read_plain(struct arena *a, const uint8_t *der, size_t len, struct crl_plain *out)
{
	bool is_plain = read_plain(a, der, len, out);

	ERR_clear_error();
	return is_plain;
}

bool crl_verify_plain(const struct crl_plain *crl, X509 *ca)
{
	EVP_PKEY *key = X509_get0_pubkey(ca);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const ASN1_BIT_STRING *signature;
	bool ok;

	X509_CRL_get0_signature(crl->rest, &signature, NULL);
	ok = ctx && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && !(signature->flags & UNUSED_BITS) &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature),
		crl->body, crl->body_len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}
