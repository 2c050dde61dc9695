/*
 * OpenVPN's tls-crypt-v2 keys (doc/tls-crypt-v2.txt of OpenVPN 2.6): the
 * server's, and the clients', each wrapped for the server by the server's.
 * Nothing here is random: the same certificate has the same key for ever.
 */
#include <arpa/inet.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <string.h>

#include "pki/pki_int.h"

enum {
	HALF = 64, /* a key's cipher half and its HMAC half; the first 32 bytes of each are used */
	USED = 32,
	SERVER_KEY = 2 * HALF,
	CLIENT_KEY = 4 * HALF, /* Kc: both directions */
	TAG = 32, /* T */
	METADATA = 1 + ID128_HEX -
	    1, /* a type and the certificate's serial in hex, for --tls-crypt-v2-verify */
	WRAPPED = TAG + CLIENT_KEY + METADATA + 2, /* WKc: the length stands at its end, over all of it */
};

static const uint8_t metadata_user = 0;

/* Wrap Kc and its metadata (plain) with the server's key: WKc = T || AES-256-CTR(Ke, T, plain) || length. */
static bool wrap(
    const uint8_t server[SERVER_KEY], const uint8_t plain[CLIENT_KEY + METADATA], uint8_t out[WRAPPED])
{
	const uint8_t *ke = server, *ka = server + HALF;
	const uint16_t length = htons(WRAPPED);
	uint8_t input[2 + CLIENT_KEY + METADATA];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned tag_len = 0;
	int n = 0;
	bool ok;

	memcpy(input, &length, 2);
	memcpy(input + 2, plain, CLIENT_KEY + METADATA);
	ok = ctx && HMAC(EVP_sha256(), ka, USED, input, sizeof(input), out, &tag_len) && tag_len == TAG &&
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, ke, out) &&
	    EVP_EncryptUpdate(ctx, out + TAG, &n, plain, CLIENT_KEY + METADATA) && n == CLIENT_KEY + METADATA;
	memcpy(out + TAG + CLIENT_KEY + METADATA, &length, 2);
	EVP_CIPHER_CTX_free(ctx);
	digest_cleanse(input, sizeof(input));
	return ok;
}

static int write_pem(struct job *j, const char *name, const uint8_t *bytes, long len, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int error = 0;

	if (!bio || !PEM_write_bio(bio, name, "", bytes, len))
		error = pki_fail(j, "write a tls-crypt-v2 key");
	else
		pki_add_bio(pem, bio);
	BIO_free(bio);
	return error;
}

/* By the oldest generation: a newer one must not cut off the clients whose keys were wrapped before. */
static int derive_server(struct job *j, const struct pki *p, const struct server *s, uint8_t key[SERVER_KEY])
{
	struct pki_purpose purpose = { p->generations[0].number, "tls-crypt-v2-server", s->device.hex };

	return pki_derive(j, p, &purpose, key, SERVER_KEY);
}

int pki_tls_crypt_server_key(struct job *j, const struct pki *p, const struct server *s, struct buf *pem)
{
	uint8_t key[SERVER_KEY];
	int error = derive_server(j, p, s, key);

	if (!error)
		error = write_pem(j, "OpenVPN tls-crypt-v2 server key", key, sizeof(key), pem);
	digest_cleanse(key, sizeof(key));
	return error;
}

int pki_tls_crypt_client_key(
    struct job *j, const struct pki *p, const struct server *s, const struct certificate *c, struct buf *pem)
{
	struct pki_purpose purpose = { c->generation, "tls-crypt-v2-client", c->serial.hex };
	uint8_t server[SERVER_KEY], plain[CLIENT_KEY + METADATA], file[CLIENT_KEY + WRAPPED];
	int error = derive_server(j, p, s, server);

	if (!error)
		error = pki_derive(j, p, &purpose, plain, CLIENT_KEY);
	plain[CLIENT_KEY] = metadata_user;
	memcpy(plain + CLIENT_KEY + 1, c->serial.hex, METADATA - 1);
	if (!error) {
		memcpy(file, plain, CLIENT_KEY);
		error = wrap(server, plain, file + CLIENT_KEY)
		    ? write_pem(j, "OpenVPN tls-crypt-v2 client key", file, sizeof(file), pem)
		    : pki_fail(j, "wrap a tls-crypt-v2 key");
	}
	digest_cleanse(server, sizeof(server));
	digest_cleanse(plain, sizeof(plain));
	digest_cleanse(file, sizeof(file));
	return error;
}
