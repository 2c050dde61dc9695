/*
 * Keys of certificates: which purpose a certificate's key is derived for, its
 * PEM, and whether a master key is the one of a state.
 */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki_int.h"

static const char *const key_labels[] = {
	[CERTIFICATE_CA] = "ca-key",
	[CERTIFICATE_SERVER] = "server-key",
	[CERTIFICATE_API] = "api-key",
	[CERTIFICATE_GATEWAY] = "gateway-key",
};

int pki_subject_key(
    struct job *j, const struct pki *p, const struct certificate *c, uint8_t point[PKI_POINT], EVP_PKEY **key)
{
	struct pki_purpose purpose = { c->generation, key_labels[c->kind], c->serial.hex };

	return pki_derive_key(j, p, &purpose, point, key);
}

/* The derived key of a signed certificate, whose public key it must be. The caller frees both. */
static int open_pair(
    struct job *j, const struct pki *p, const struct certificate *c, X509 **x, EVP_PKEY **key)
{
	if (pki_certificate_parse(j, c, x) || pki_subject_key(j, p, c, NULL, key))
		return j->error;
	if (EVP_PKEY_eq(*key, X509_get0_pubkey(*x)) == 1)
		return 0;
	return job_fail(j, E_CORRUPT, "wrong_master_key",
	    "the master key (%s) doesn't derive the key of the certificate %s (serial %s)", p->fingerprint,
	    c->name, c->serial.hex);
}

int pki_issuer_open(struct job *j, const struct pki *p, const struct certificate *ca, struct pki_issuer **out)
{
	struct pki_issuer *issuer = mem_zalloc(sizeof(*issuer));

	issuer->serial = ca->serial;
	issuer->not_after = ca->not_after;
	if (open_pair(j, p, ca, &issuer->certificate, &issuer->key)) {
		pki_issuer_close(issuer);
		return j->error;
	}
	*out = issuer;
	return 0;
}

void pki_issuer_rest(struct pki_issuer *issuer)
{
	if (!issuer)
		return;
	EVP_PKEY_free(issuer->key); /* cleanses it */
	issuer->key = NULL;
}

void pki_issuer_close(struct pki_issuer *issuer)
{
	if (!issuer)
		return;
	X509_free(issuer->certificate);
	EVP_PKEY_free(issuer->key);
	free(issuer);
}

int pki_check(struct job *j, const struct pki *p, const struct model *m)
{
	const struct certificate *ca = model_ca(m);
	const struct network *n = model_network(m);
	struct pki_issuer *issuer = NULL;

	if (!ca || !n)
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (strcmp(n->master_key, p->fingerprint))
		return job_fail(j, E_CORRUPT, "wrong_master_key",
		    "this is the wrong master key: its fingerprint is %s, the state needs %s", p->fingerprint,
		    n->master_key);
	if (pki_issuer_open(j, p, ca, &issuer))
		return j->error;
	pki_issuer_close(issuer);
	return 0;
}

void pki_add_bio(struct buf *b, BIO *bio)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	buf_add(b, text, len > 0 ? (size_t)len : 0);
}

int pki_private_key(struct job *j, const struct pki *p, const struct certificate *c, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem()); /* cleanses its bytes when freed */
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int error = open_pair(j, p, c, &x, &key);

	if (!error && (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)))
		error = pki_fail(j, "write a private key");
	if (!error)
		pki_add_bio(pem, bio);
	EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(bio);
	return error;
}
