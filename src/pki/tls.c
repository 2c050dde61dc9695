/*
 * TLS for the API: one context for as long as the service lives, whose
 * certificate is looked up at each handshake and so can be replaced without
 * anybody noticing.  TLS 1.3 alone (RFC 8446).
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pki/pki_int.h"

struct identity { /* what is shown, and the key that proves it */
	X509 *leaf;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* behind the leaf */
};

struct pki_tls {
	SSL_CTX *context;
	pthread_mutex_t lock;
	struct identity identity; /* zeroed: none yet */
};

static void identity_close(struct identity *v)
{
	X509_free(v->leaf);
	EVP_PKEY_free(v->key);
	sk_X509_pop_free(v->chain, X509_free);
	memset(v, 0, sizeof(*v));
}

/* SSL_CTX_set_cert_cb(3): 0 ends the handshake. The connection takes references of its own. */
static int on_handshake(SSL *ssl, void *context)
{
	struct pki_tls *t = context;
	int ok;

	pthread_mutex_lock(&t->lock);
	ok = t->identity.leaf &&
	    SSL_use_cert_and_key(ssl, t->identity.leaf, t->identity.key, t->identity.chain, 1) == 1;
	pthread_mutex_unlock(&t->lock);
	return ok;
}

int pki_tls_open(struct job *j, struct pki_tls **out)
{
	struct pki_tls *t = mem_zalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->context = SSL_CTX_new(TLS_server_method());
	/* No tickets: nothing to resume by, and no key of them to keep. */
	if (!t->context || SSL_CTX_set_min_proto_version(t->context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(t->context, 0) != 1) {
		pki_tls_close(t);
		return pki_fail(j, "make a TLS context");
	}
	SSL_CTX_set_session_cache_mode(t->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_cert_cb(t->context, on_handshake, t);
	*out = t;
	return 0;
}

void pki_tls_close(struct pki_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->context);
	identity_close(&t->identity);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void *pki_tls_context(struct pki_tls *t)
{
	return t->context;
}

static int invalid(struct job *j, const char *what)
{
	ERR_clear_error();
	return job_fail(j, E_INVALID, "bad_tls_certificate", "%s", what);
}

/* The leaf, then what stands behind it up to a root, as servers keep them in one file. */
static int read_chain(struct job *j, const struct buf *pem, struct identity *v)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x;

	v->leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	v->chain = sk_X509_new_null();
	while (v->leaf && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(v->chain, x);
	ERR_clear_error(); /* the end of the file is one */
	BIO_free(bio);
	return v->leaf ? 0 : invalid(j, "the TLS certificate's file has no certificate in PEM");
}

/* A key with a passphrase would ask for it: there is nobody to answer. */
static int no_passphrase(char *buf, int size, int is_writing, void *context)
{
	(void)buf, (void)size, (void)is_writing, (void)context;
	return -1;
}

static int read_key(struct job *j, const struct buf *pem, struct identity *v)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);

	v->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (!v->key)
		return invalid(j, "the TLS key's file has no private key in PEM, or one with a passphrase");
	if (X509_check_private_key(v->leaf, v->key) != 1)
		return invalid(j, "the TLS key is not that of the certificate (the first one of its file)");
	return 0;
}

int pki_tls_load(struct job *j, struct pki_tls *t, const struct buf *chain, const struct buf *key)
{
	struct identity v = { .leaf = NULL }, old;

	if (read_chain(j, chain, &v) || read_key(j, key, &v)) {
		identity_close(&v);
		return j->error;
	}
	pthread_mutex_lock(&t->lock);
	old = t->identity;
	t->identity = v;
	pthread_mutex_unlock(&t->lock);
	identity_close(&old);
	return 0;
}

int pki_fingerprint_certificate(struct job *j, const char *pem, const char **out)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0, i;
	struct buf b;

	BIO_free(bio);
	if (!x || X509_digest(x, EVP_sha256(), bytes, &n) != 1) {
		X509_free(x);
		return invalid(j, "this is no certificate in PEM");
	}
	X509_free(x);
	buf_open(&b, j->arena);
	for (i = 0; i < n; i++)
		buf_printf(&b, "%s%02X", i ? ":" : "", bytes[i]);
	*out = b.data;
	return 0;
}
