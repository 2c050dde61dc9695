/*
 * Certificates: the profile of each kind (RFC 5280), built, signed and
 * verified.  Extensions are a table: nothing of a name ever passes
 * through OpenSSL's configuration syntax.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/pki_int.h"

enum { SERIAL_BYTES = 16, X509_V3 = 2 };

struct extension {
	int nid;
	const char *value; /* as in x509v3_config(5); NULL: no more */
};

static const struct extension ca_profile[] = {
	{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0, NULL },
};

static const struct extension server_profile[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

static const struct extension client_profile[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "clientAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid:always" },
	{ 0, NULL },
};

static const struct extension *const profiles[] = {
	[CERTIFICATE_CA] = ca_profile,
	[CERTIFICATE_SERVER] = server_profile,
	[CERTIFICATE_API] = server_profile,
	[CERTIFICATE_GATEWAY] = client_profile,
};

X509_EXTENSION *pki_extension(X509 *issuer, X509 *subject, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, subject, NULL, NULL, 0);
	return X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
}

static bool add_extensions(X509 *x, X509 *issuer, const struct extension *list)
{
	bool ok = true;

	for (; ok && list->value; list++) {
		X509_EXTENSION *e = pki_extension(issuer, x, list->nid, list->value);

		ok = e && X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	return ok;
}

/* The SAN is built, not parsed: a name is data. */
static bool add_dns_name(X509 *x, const char *dns)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	bool ok = false;

	if (!names || !name || !text || !ASN1_STRING_set(text, dns, -1))
		goto out;
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	text = NULL; /* now the name's */
	if (!sk_GENERAL_NAME_push(names, name))
		goto out;
	name = NULL; /* now the list's */
	ok = X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) == 1;
out:
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	GENERAL_NAMES_free(names);
	return ok;
}

ASN1_INTEGER *pki_serial_number(const struct id128 *serial)
{
	uint8_t bytes[SERIAL_BYTES];
	ASN1_INTEGER *n = NULL;
	BIGNUM *big;

	if (!digest_unhex(serial->hex, bytes, sizeof(bytes)))
		return NULL;
	big = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (big)
		n = BN_to_ASN1_INTEGER(big, NULL);
	BN_free(big);
	return n;
}

char *pki_serial_hex(struct arena *a, const ASN1_INTEGER *serial)
{
	int len = ASN1_STRING_length(serial);
	char *hex;

	if (len <= 0 || ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		return NULL;
	hex = arena_alloc(a, (size_t)len * 2 + 1);
	digest_hex(ASN1_STRING_get0_data(serial), (size_t)len, hex);
	return hex;
}

static bool set_name(X509 *x, const char *cn)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_NID(
	    name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
}

/* X509_set_pubkey would write a key in order to read it again, which takes longer than to sign. */
static bool set_point(X509 *x, const uint8_t point[PKI_POINT])
{
	unsigned char *own = OPENSSL_memdup(point, PKI_POINT);
	bool ok = own &&
	    X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
		V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), own, PKI_POINT);

	if (!ok)
		OPENSSL_free(own);
	return ok;
}

/* All but the extensions and the signature. */
static bool fill_body(X509 *x, const struct certificate *c, const uint8_t point[PKI_POINT], X509 *issuer)
{
	ASN1_INTEGER *serial = pki_serial_number(&c->serial);
	bool ok = serial && X509_set_version(x, X509_V3) && X509_set_serialNumber(x, serial) &&
	    set_name(x, c->name) && X509_set_issuer_name(x, X509_get_subject_name(issuer)) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), c->not_before) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), c->not_after) && set_point(x, point);

	ASN1_INTEGER_free(serial);
	return ok;
}

static int write_der(struct job *j, X509 *x, struct certificate *c)
{
	int len = i2d_X509(x, NULL);
	unsigned char *der, *end;

	if (len <= 0)
		return pki_fail(j, "write a certificate");
	der = end = arena_alloc(j->arena, (size_t)len);
	if (i2d_X509(x, &end) != len)
		return pki_fail(j, "write a certificate");
	c->der = der;
	c->der_len = (size_t)len;
	return 0;
}

int pki_certificate_parse(struct job *j, const struct certificate *c, X509 **out)
{
	const unsigned char *end = c->der;
	X509 *x = d2i_X509(NULL, &end, (long)c->der_len);

	if (x && end != c->der + c->der_len) {
		X509_free(x);
		x = NULL;
	}
	if (!x) {
		ERR_clear_error();
		return job_fail(j, E_CORRUPT, "bad_certificate",
		    "the ledger's certificate %s (%s) cannot be read", c->serial.hex, c->name);
	}
	*out = x;
	return 0;
}

int pki_certificate_sign(
    struct job *j, const struct pki_issuer *ca, const uint8_t point[PKI_POINT], struct certificate *c)
{
	X509 *x = X509_new();
	X509 *issuer = ca->certificate ? ca->certificate : x;
	int error;

	if (!x || !fill_body(x, c, point, issuer) || !add_extensions(x, issuer, profiles[c->kind]) ||
	    (ca->certificate && !add_dns_name(x, c->name)) || !X509_sign(x, ca->key, EVP_sha256()))
		error = pki_fail(j, "sign a certificate");
	else if (X509_verify(x, ca->key) != 1) /* a signature that a fault has spoilt may tell the key */
		error = pki_fail(j, "verify a new certificate");
	else
		error = write_der(j, x, c);
	X509_free(x);
	return error;
}
