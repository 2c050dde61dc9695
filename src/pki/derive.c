/*
 * Every private key comes from here: HKDF-SHA256 of the master key, and for
 * P-256 the scalar by extra random bits.  What this file computes must never
 * change: keys that were given out are not stored anywhere.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <string.h>

#include "pki/pki_int.h"

enum {
	SCALAR = 32, /* bytes of a P-256 scalar */
	SEED = SCALAR + 8, /* 64 bits more than the order has: the bias is below 2^-64 */
};

int pki_fail(struct job *j, const char *step)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return job_fail(
	    j, E_IO, "crypto_failed", "OpenSSL could not %s: %s", step, reason ? reason : "it says no more");
}

static const struct pki_generation *find_generation(const struct pki *p, unsigned number)
{
	for (size_t i = 0; i < p->generations_n; i++)
		if (p->generations[i].number == number)
			return &p->generations[i];
	return NULL;
}

int pki_derive(
    struct job *j, const struct pki *p, const struct pki_purpose *purpose, uint8_t *out, size_t len)
{
	const struct pki_generation *g = find_generation(p, purpose->generation);
	char *info = arena_printf(j->arena, "%u/%s/%s", purpose->generation, purpose->label, purpose->id);
	EVP_KDF *kdf = NULL;
	EVP_KDF_CTX *ctx = NULL;
	OSSL_PARAM params[4];
	int error = 0;

	if (!g)
		return job_fail(j, E_CORRUPT, "no_generation",
		    "the master key has no generation %u, which a certificate of the state needs",
		    purpose->generation);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)g->key, sizeof(g->key));
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info));
	params[3] = OSSL_PARAM_construct_end();
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	ctx = EVP_KDF_CTX_new(kdf);
	if (!ctx || EVP_KDF_derive(ctx, out, len, params) <= 0)
		error = pki_fail(j, "derive a key");
	EVP_KDF_CTX_free(ctx); /* cleanses its copy of the key */
	EVP_KDF_free(kdf);
	return error;
}

/* FIPS 186-5 A.2.1, steps 4 to 8: d = (c mod (n - 1)) + 1. */
static bool scalar_of_seed(const uint8_t seed[SEED], const EC_GROUP *group, BIGNUM *d, BN_CTX *ctx)
{
	BIGNUM *order = BN_dup(EC_GROUP_get0_order(group));
	BIGNUM *c = BN_bin2bn(seed, SEED, NULL);
	bool ok = false;

	if (order && c) {
		BN_set_flags(c, BN_FLG_CONSTTIME);
		BN_set_flags(d, BN_FLG_CONSTTIME);
		ok = BN_sub_word(order, 1) && BN_mod(d, c, order, ctx) && BN_add_word(d, 1);
	}
	BN_clear_free(c);
	BN_free(order);
	return ok;
}

/* The private scalar (in the host's byte order, as OSSL_PARAM wants it) and the public point of a seed. */
static bool pair_of_seed(
    const EC_GROUP *group, const uint8_t seed[SEED], uint8_t scalar[SCALAR], uint8_t point[PKI_POINT])
{
	EC_POINT *q = EC_POINT_new(group);
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *d = BN_new();
	bool ok = q && ctx && d && scalar_of_seed(seed, group, d, ctx) &&
	    EC_POINT_mul(group, q, d, NULL, NULL, ctx) &&
	    EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, PKI_POINT, ctx) == PKI_POINT &&
	    BN_bn2nativepad(d, scalar, SCALAR) == SCALAR;

	BN_clear_free(d);
	BN_CTX_free(ctx);
	EC_POINT_free(q);
	return ok;
}

/* Without the public point OpenSSL takes the scalar and makes a key that cannot be used. */
static int make_key(struct job *j, uint8_t scalar[SCALAR], uint8_t point[PKI_POINT], EVP_PKEY **out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)SN_X9_62_prime256v1, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, PKI_POINT),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar, SCALAR),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL; /* a key that is there already would be filled instead of made */
	int error = 0;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		error = pki_fail(j, "make a key of its scalar");
	else
		*out = key;
	EVP_PKEY_CTX_free(ctx);
	return error;
}

int pki_derive_key(struct job *j, const struct pki *p, const struct pki_purpose *purpose,
    uint8_t point[PKI_POINT], EVP_PKEY **key)
{
	uint8_t seed[SEED], scalar[SCALAR], own[PKI_POINT];
	int error = pki_derive(j, p, purpose, seed, sizeof(seed));

	if (!point)
		point = own;
	if (!error && !pair_of_seed(p->group, seed, scalar, point))
		error = pki_fail(j, "derive a P-256 key");
	if (!error && key)
		error = make_key(j, scalar, point, key);
	digest_cleanse(seed, sizeof(seed));
	digest_cleanse(scalar, sizeof(scalar));
	return error;
}
