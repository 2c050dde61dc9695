/*
 * The audit key, by which the service signs every commit: Ed25519, one a
 * generation of the master key.  As every private key it is derived when it is
 * used and cleansed after, as the CA's behind the last of a batch; on disk there
 * is its public half alone.
 */
#include <stdlib.h>

#include "pki/pki_int.h"

struct pki_signer {
	const struct pki *pki;
	EVP_PKEY *key; /* NULL: at rest */
	uint8_t public[PKI_SSH_KEY];
};

/* What the newest generation's key signs is verified by all: a new generation must not spoil the history. */
static int derive_audit(struct job *j, const struct pki *p, unsigned generation, EVP_PKEY **out)
{
	const struct pki_purpose purpose = { generation, "audit-key", "commits" };
	uint8_t seed[PKI_SSH_KEY];
	int error = pki_derive(j, p, &purpose, seed, sizeof(seed));

	if (!error) {
		*out = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
		error = *out ? 0 : pki_fail(j, "make the audit key");
	}
	digest_cleanse(seed, sizeof(seed));
	return error;
}

static int public_half(struct job *j, const EVP_PKEY *key, uint8_t out[PKI_SSH_KEY])
{
	size_t len = PKI_SSH_KEY;

	if (EVP_PKEY_get_raw_public_key(key, out, &len) <= 0 || len != PKI_SSH_KEY)
		return pki_fail(j, "read the audit key's public half");
	return 0;
}

int pki_audit_keys(struct job *j, const struct pki *p, struct pki_ssh_key **out, size_t *n)
{
	struct pki_ssh_key *keys = arena_alloc(j->arena, p->generations_n * sizeof(*keys));
	size_t i;

	for (i = 0; i < p->generations_n && !j->error; i++) {
		uint8_t public[PKI_SSH_KEY];
		EVP_PKEY *key = NULL;

		if (derive_audit(j, p, p->generations[p->generations_n - 1 - i].number, &key) == 0 &&
		    public_half(j, key, public) == 0)
			sshsig_describe_key(j, public, &keys[i]);
		EVP_PKEY_free(key);
	}
	*out = keys;
	*n = p->generations_n;
	return j->error;
}

struct pki_signer *pki_signer_open(const struct pki *p)
{
	struct pki_signer *s = mem_zalloc(sizeof(*s));

	s->pki = p;
	return s;
}

void pki_signer_rest(struct pki_signer *s)
{
	EVP_PKEY_free(s->key); /* cleanses it */
	s->key = NULL;
}

void pki_signer_close(struct pki_signer *s)
{
	if (!s)
		return;
	pki_signer_rest(s);
	free(s);
}

/* Deriving its public half costs as much as a signature. */
static int wake(struct job *j, struct pki_signer *s)
{
	if (s->key)
		return 0;
	if (derive_audit(j, s->pki, pki_newest(s->pki)->number, &s->key) == 0 &&
	    public_half(j, s->key, s->public))
		pki_signer_rest(s);
	return j->error;
}

int pki_sign_commit(struct job *j, struct pki_signer *s, const char *bytes, size_t len, struct buf *armour)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[SSHSIG_SIGNATURE];
	size_t n = sizeof(signature);
	struct buf claim;

	buf_open(&claim, j->arena);
	if (wake(j, s) || sshsig_claim(j, bytes, len, &claim))
		goto out;
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) <= 0 ||
	    EVP_DigestSign(ctx, signature, &n, (const uint8_t *)claim.data, claim.len) <= 0 ||
	    n != sizeof(signature))
		pki_fail(j, "sign a commit");
	else
		sshsig_armour(s->public, signature, armour);
out:
	EVP_MD_CTX_free(ctx);
	return j->error;
}
