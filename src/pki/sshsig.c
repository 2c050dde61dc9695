/*
 * SSH signatures (OpenSSH's PROTOCOL.sshsig) over commits, as git makes and
 * reads them.  What comes in is hostile: one key type, one namespace, one hash
 * and nothing behind the end are taken, whatever else the format would permit.
 */
#include <stdio.h>
#include <string.h>

#include "pki/pki_int.h"

#define MAGIC "SSHSIG"
#define KEY_TYPE "ssh-ed25519"
#define NAMESPACE "git"
#define HASH "sha512"
#define BEGIN_LINE "-----BEGIN SSH SIGNATURE-----\n"
#define END_LINE "-----END SSH SIGNATURE-----"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

enum {
	VERSION = 1,
	HASH_BYTES = 64,
	LINE = 70, /* of base64, as ssh-keygen breaks it */
	SHA256_BYTES = 32,
	ARMOUR_MAX = 1024, /* several times what a signature by Ed25519 takes */
};

static void add_number(struct buf *b, size_t n)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	buf_add(b, bytes, sizeof(bytes));
}

/* RFC 4251, section 5: a length and so many bytes. */
static void add_string(struct buf *b, const void *bytes, size_t len)
{
	add_number(b, len);
	buf_add(b, bytes, len);
}

static void add_text(struct buf *b, const char *text)
{
	add_string(b, text, strlen(text));
}

/* A key or a signature: its type and its bytes. */
static void add_typed(struct buf *b, const uint8_t *bytes, size_t len)
{
	add_number(b, 4 + strlen(KEY_TYPE) + 4 + len);
	add_text(b, KEY_TYPE);
	add_string(b, bytes, len);
}

static void add_base64(struct buf *b, const void *bytes, size_t len)
{
	char *to = buf_reserve(b, 4 * ((len + 2) / 3));

	b->len += (size_t)EVP_EncodeBlock((unsigned char *)to, bytes, (int)len);
}

int sshsig_claim(struct job *j, const char *message, size_t len, struct buf *out)
{
	uint8_t hash[HASH_BYTES];

	if (!EVP_Digest(message, len, hash, NULL, EVP_sha512(), NULL))
		return pki_fail(j, "digest a commit");
	buf_puts(out, MAGIC);
	add_text(out, NAMESPACE);
	add_text(out, "");
	add_text(out, HASH);
	add_string(out, hash, sizeof(hash));
	return 0;
}

void sshsig_armour(const uint8_t key[PKI_SSH_KEY], const uint8_t signature[SSHSIG_SIGNATURE], struct buf *out)
{
	struct buf blob, text;
	size_t at;

	buf_open(&blob, out->arena);
	buf_open(&text, out->arena);
	buf_puts(&blob, MAGIC);
	add_number(&blob, VERSION);
	add_typed(&blob, key, PKI_SSH_KEY);
	add_text(&blob, NAMESPACE);
	add_text(&blob, "");
	add_text(&blob, HASH);
	add_typed(&blob, signature, SSHSIG_SIGNATURE);
	add_base64(&text, blob.data, blob.len);
	buf_puts(out, BEGIN_LINE);
	for (at = 0; at < text.len; at += LINE)
		buf_printf(out, "%.*s\n", LINE, text.data + at);
	buf_puts(out, END_LINE);
}

int sshsig_describe_key(struct job *j, const uint8_t key[PKI_SSH_KEY], struct pki_ssh_key *out)
{
	uint8_t hash[SHA256_BYTES];
	struct buf blob, line, print;

	buf_open(&blob, j->arena);
	buf_open(&line, j->arena);
	buf_open(&print, j->arena);
	add_text(&blob, KEY_TYPE);
	add_string(&blob, key, PKI_SSH_KEY);
	if (!EVP_Digest(blob.data, blob.len, hash, NULL, EVP_sha256(), NULL))
		return pki_fail(j, "digest a key");
	buf_puts(&line, KEY_TYPE " ");
	add_base64(&line, blob.data, blob.len);
	buf_puts(&print, "SHA256:");
	add_base64(&print, hash, sizeof(hash));
	memcpy(out->bytes, key, PKI_SSH_KEY);
	snprintf(out->line, sizeof(out->line), "%s", line.data);
	snprintf(
	    out->fingerprint, sizeof(out->fingerprint), "%.*s", (int)strcspn(print.data, "="), print.data);
	return 0;
}

static int refuse(struct job *j, const char *what)
{
	return job_fail(j, E_CORRUPT, "bad_signature", "the signature is none of ours: %s", what);
}

/* The base64 between the two lines, without its line ends. */
static int strip_armour(struct job *j, const char *armour, struct buf *out)
{
	size_t begin = strlen(BEGIN_LINE), end = strlen(END_LINE), len = strlen(armour), n;

	if (len && armour[len - 1] == '\n')
		len--;
	if (len > ARMOUR_MAX || len < begin + end || strncmp(armour, BEGIN_LINE, begin) != 0 ||
	    strncmp(armour + len - end, END_LINE, end) != 0)
		return refuse(j, "it does not stand between the two lines of an SSH signature");
	for (armour += begin, len -= begin + end; len; armour += n + 1, len -= n + 1) {
		n = strcspn(armour, "\n");
		if (n == 0 || n >= len)
			return refuse(j, "its lines are broken");
		buf_add(out, armour, n);
	}
	return 0;
}

static int decode_armour(struct job *j, const char *armour, struct buf *out)
{
	size_t digits, padding;
	struct buf text;
	int n;

	buf_open(&text, j->arena);
	if (strip_armour(j, armour, &text))
		return j->error;
	digits = strspn(text.data, BASE64);
	padding = strspn(text.data + digits, "=");
	if (!digits || padding > 2 || digits + padding != text.len || text.len % 4)
		return refuse(j, "it is not base64");
	n = EVP_DecodeBlock(
	    (unsigned char *)buf_reserve(out, text.len), (const uint8_t *)text.data, (int)text.len);
	if (n < 0)
		return pki_fail(j, "decode base64");
	out->len = (size_t)n - padding;
	out->data[out->len] = '\0';
	return 0;
}

struct cursor {
	const uint8_t *at;
	size_t left;
};

/* Take exactly these bytes. */
static bool take(struct cursor *c, const void *bytes, size_t len)
{
	if (c->left < len || memcmp(c->at, bytes, len) != 0)
		return false;
	c->at += len;
	c->left -= len;
	return true;
}

static bool take_number(struct cursor *c, size_t n)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return take(c, bytes, sizeof(bytes));
}

static bool take_text(struct cursor *c, const char *text)
{
	return take_number(c, strlen(text)) && take(c, text, strlen(text));
}

/* Of this type, so that its length is known. */
static bool take_typed(struct cursor *c, uint8_t *out, size_t len)
{
	if (!take_number(c, 4 + strlen(KEY_TYPE) + 4 + len) || !take_text(c, KEY_TYPE) ||
	    !take_number(c, len) || c->left < len)
		return false;
	memcpy(out, c->at, len);
	c->at += len;
	c->left -= len;
	return true;
}

static int parse_blob(struct job *j, const struct buf *blob, uint8_t *key, uint8_t *signature)
{
	struct cursor c = { (const uint8_t *)blob->data, blob->len };

	if (!take(&c, MAGIC, strlen(MAGIC)))
		return refuse(j, "it does not begin with " MAGIC);
	if (!take_number(&c, VERSION))
		return refuse(j, "its version is not 1");
	if (!take_typed(&c, key, PKI_SSH_KEY))
		return refuse(j, "its key is not " KEY_TYPE);
	if (!take_text(&c, NAMESPACE))
		return refuse(j, "its namespace is not \"" NAMESPACE "\"");
	if (!take_text(&c, ""))
		return refuse(j, "its reserved field is not empty");
	if (!take_text(&c, HASH))
		return refuse(j, "its hash is not " HASH);
	if (!take_typed(&c, signature, SSHSIG_SIGNATURE))
		return refuse(j, "it is not by " KEY_TYPE);
	return c.left ? refuse(j, "there is something behind its end") : 0;
}

static int verify_claim(struct job *j, const uint8_t *key, const uint8_t *signature, const struct buf *claim)
{
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, PKI_SSH_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int error = 0;

	if (!public || !ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) <= 0)
		error = pki_fail(j, "verify a commit");
	else if (EVP_DigestVerify(
		     ctx, signature, SSHSIG_SIGNATURE, (const uint8_t *)claim->data, claim->len) != 1)
		error = job_fail(j, E_CORRUPT, "bad_signature",
		    "the signature is of something else: the commit was changed after it was signed");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public);
	return error;
}

int pki_verify_commit(
    struct job *j, const char *bytes, size_t len, const char *armour, struct pki_ssh_key *by)
{
	uint8_t key[PKI_SSH_KEY], signature[SSHSIG_SIGNATURE];
	struct buf blob, claim;

	buf_open(&blob, j->arena);
	buf_open(&claim, j->arena);
	if (decode_armour(j, armour, &blob) || parse_blob(j, &blob, key, signature) ||
	    sshsig_claim(j, bytes, len, &claim) || verify_claim(j, key, signature, &claim))
		return j->error;
	return sshsig_describe_key(j, key, by);
}
