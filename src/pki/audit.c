/*
 * The audit key, by which the service signs every commit: Ed25519, one a
 * generation of the master key.  As every private key it is derived when it is
 * used and cleansed after; on disk there is its public half alone.
 */
#include "pki/pki_int.h"

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

int pki_sign_commit(struct job *j, const struct pki *p, const char *bytes, size_t len, struct buf *armour)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[SSHSIG_SIGNATURE], public[PKI_SSH_KEY];
	size_t n = sizeof(signature);
	EVP_PKEY *key = NULL;
	struct buf claim;

	buf_open(&claim, j->arena);
	if (derive_audit(j, p, pki_newest(p)->number, &key) || public_half(j, key, public) ||
	    sshsig_claim(j, bytes, len, &claim))
		goto out;
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) <= 0 ||
	    EVP_DigestSign(ctx, signature, &n, (const uint8_t *)claim.data, claim.len) <= 0 ||
	    n != sizeof(signature))
		pki_fail(j, "sign a commit");
	else
		sshsig_armour(public, signature, armour);
out:
	EVP_PKEY_free(key); /* cleanses it */
	EVP_MD_CTX_free(ctx);
	return j->error;
}
