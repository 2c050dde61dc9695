/*
 * Shared inside pki: the locked master key, derivation from it, and the few
 * steps with OpenSSL's types that more than one file takes.
 */
#ifndef PKI_PKI_INT_H
#define PKI_PKI_INT_H

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/pki.h"

enum { PKI_GENERATIONS_MAX = 16, PKI_FILE_MAX = 2048 };

struct pki_generation {
	unsigned number; /* 1 or more, ascending through the file */
	uint8_t key[PKI_MASTER_BYTES];
};

struct pki { /* lies in memory pages of its own; nothing writes it after pki_open */
	size_t generations_n; /* one at least */
	struct pki_generation generations[PKI_GENERATIONS_MAX];
	char fingerprint[PKI_FINGERPRINT];
	EC_GROUP *group; /* P-256, whose making costs more than a signature */
	char text[PKI_FILE_MAX]; /* the file while it is parsed; cleansed after */
};

/* The generation that new keys are derived from. */
const struct pki_generation *pki_newest(const struct pki *p);

/*
 * What a key is derived for.  Labels keep the uses apart: no two uses share
 * one, and none ever changes its meaning, or keys already given out change.
 */
struct pki_purpose {
	unsigned generation;
	const char *label; /* without "/" */
	const char *id;
};

/*
 * HKDF-SHA256 (RFC 5869, no salt), info "generation/label/id".  E_CORRUPT where the master key has
 * no such generation.
 */
int pki_derive(struct job *j, const struct pki *p, const struct pki_purpose *purpose, uint8_t *out,
    size_t len);

enum { PKI_POINT = 65 }; /* bytes of a P-256 public key: an uncompressed point */

/*
 * A P-256 key pair, the scalar by FIPS 186-5 A.2.1: its public half, or as a key that the caller
 * frees; the other one of the two may be NULL.
 */
int pki_derive_key(struct job *j, const struct pki *p, const struct pki_purpose *purpose,
    uint8_t point[PKI_POINT], EVP_PKEY **key);

/* That for a certificate's kind, serial and generation, whether it has been signed or not. */
int pki_subject_key(struct job *j, const struct pki *p, const struct certificate *c,
    uint8_t point[PKI_POINT], EVP_PKEY **key);

struct pki_issuer {
	struct id128 serial;
	X509 *certificate; /* NULL: the one that is being signed by itself */
	EVP_PKEY *key; /* NULL: at rest */
	int64_t not_after;
};

/* E_CORRUPT where the key derived for the CA isn't that of its certificate. */
int pki_issuer_open(struct job *j, const struct pki *p, const struct certificate *ca, struct pki_issuer **out);

/*
 * Sign a certificate for the kind, name, serial and dates in c and the subject's public key, and verify it;
 * sets c->der, in the arena.
 */
int pki_certificate_sign(
    struct job *j, const struct pki_issuer *ca, const uint8_t point[PKI_POINT], struct certificate *c);

/* The certificate of a ledger entry. The caller frees *out. */
int pki_certificate_parse(struct job *j, const struct certificate *c, X509 **out);

/* An extension, its value as in x509v3_config(5); NULL on failure. subject is NULL for a CRL's. */
X509_EXTENSION *pki_extension(X509 *issuer, X509 *subject, int nid, const char *value);

/* A serial as ASN.1 and back (lower-case hex, in the arena); NULL on failure. */
ASN1_INTEGER *pki_serial_number(const struct id128 *serial);
char *pki_serial_hex(struct arena *a, const ASN1_INTEGER *serial);

/* Append what was written into a memory BIO, in one piece, so that no grown buffer leaves a copy behind. */
void pki_add_bio(struct buf *b, BIO *bio);

/* --- crl_write.c --- */
/*
 * Append the DER of a CRL that the CA signs: entries in the order given, NULL-terminated; of the
 * figures the dates and the number.  Nothing has been read back yet.
 */
int crl_write(struct job *j, const struct pki_issuer *ca, const struct pki_crl *figures,
    const struct revocation *const *entries, struct buf *der);

/* AlgorithmIdentifier of its signature, and how an entry's extensions begin: a reasonCode, one byte to follow. */
enum { CRL_ALGORITHM = 12, CRL_REASON_HEAD = 13 };
extern const uint8_t crl_algorithm[CRL_ALGORITHM], crl_reason_head[CRL_REASON_HEAD];

/* What was appended from start on becomes the content of a SEQUENCE. */
void der_wrap_sequence(struct buf *b, size_t start);

/* --- crl_plain.c --- */
struct crl_plain {
	X509_CRL *rest;      /* all but the entries; its signature is of body */
	const uint8_t *body; /* the TBSCertList, borrowed */
	size_t body_len, entries;
};
/* False: of a shape that crl_write doesn't write. Else the caller frees out->rest. */
bool crl_read_plain(struct arena *a, const uint8_t *der, size_t len, struct crl_plain *out);
/* Did the CA sign it? */
bool crl_verify_plain(const struct crl_plain *crl, X509 *ca);

/* --- sshsig.c: OpenSSH's PROTOCOL.sshsig; by Ed25519, with namespace "git" and hash sha512, and nothing else --- */
enum { SSHSIG_SIGNATURE = 64 };
/* What is signed in place of the message: it carries the message's SHA-512. Appended. */
int sshsig_claim(struct job *j, const char *message, size_t len, struct buf *out);
/* The file that ssh-keygen -Y verify reads, without its last line's end, as git keeps it. Appended. */
void sshsig_armour(const uint8_t key[PKI_SSH_KEY], const uint8_t signature[SSHSIG_SIGNATURE], struct buf *out);
/* Fill in a public key's line and fingerprint. */
int sshsig_describe_key(struct job *j, const uint8_t key[PKI_SSH_KEY], struct pki_ssh_key *out);

/* Record OpenSSL's words for a step that should not fail ("sign a certificate"), and empty its queue. */
int pki_fail(struct job *j, const char *step);

#endif
