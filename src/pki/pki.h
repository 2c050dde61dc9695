/*
 * The PKI: a master key from which every private key is derived, certificates,
 * the CRL, OpenVPN's tls-crypt-v2 keys.  The only room that knows OpenSSL
 * (and base/digest).  Issues what a plan asks for and decides nothing.
 *
 * Sources: RFC 5280 (certificates, CRLs), RFC 5869 (HKDF), FIPS 186-5 A.2.1
 * (P-256 scalars from extra random bits), OpenVPN's doc/tls-crypt-v2.txt,
 * OpenSSH's PROTOCOL.sshsig (signatures of commits).
 * Every buffer that a function fills with a private key is the caller's to
 * digest_cleanse.
 */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include "base/buf.h"
#include "base/job.h"
#include "model/plan.h"

struct pki;

enum { PKI_MASTER_BYTES = 32, PKI_FINGERPRINT = 64 };

/*
 * The master key file: one line a generation, "GENERATION HEX64"; numbers
 * ascend, and the last is the one that new keys are derived from.  pki_create_master makes one at path
 * (0600, durable; E_CONFLICT where the file exists).  pki_open: E_NOT_FOUND,
 * E_CORRUPT with the line.  The bytes are locked in memory, kept from core
 * files, and cleansed by pki_close.  A pki may be used by several threads at once.
 */
int pki_create_master(struct job *j, const char *path);
int pki_open(struct job *j, const char *path, struct pki **out);
void pki_close(struct pki *p);

/* "sha256:" and 32 hex digits, derived from the newest generation; tells nothing about the key. */
void pki_fingerprint(const struct pki *p, char out[PKI_FINGERPRINT]);
/* For paper: the newest generation as eight groups of eight digits and a checksum of four. */
void pki_print_paper(const struct pki *p, struct buf *b);
/*
 * Read such a paper back; spaces, line ends and case are free.  E_INVALID says which group's
 * digits are wrong, or that the checksum is.
 */
int pki_parse_paper(struct job *j, const char *text, uint8_t key[PKI_MASTER_BYTES]);

/*
 * Is this the master key of this state: does it have the fingerprint in network.json, and derive
 * the key of the ledger's newest CA?  E_CORRUPT with both fingerprints.
 */
int pki_check(struct job *j, const struct pki *p, const struct model *m);

/* Who signs: the CA's certificate and, through a batch of changes and no longer, its key. NULL is fine. */
struct pki_issuer;
void pki_issuer_rest(struct pki_issuer *issuer); /* forget the key until it is needed again */
void pki_issuer_close(struct pki_issuer *issuer);

/*
 * Issue every certificate of the plan, in order, by the newest CA of the plan or
 * the model: draws a serial that m does not know, derives the key, signs, verifies
 * what was signed, adds the ledger file.  Profiles: shared openvpn.md.
 * not_after is cut to the CA's.  *issuer is what the last call left or NULL, and the caller's to close;
 * issuer is NULL where no other call follows.
 */
int pki_issue(struct job *j, const struct pki *p, const struct model *m, struct plan *plan,
    struct pki_issuer **issuer);

/* The private key of a certificate, PKCS#8 PEM. E_CORRUPT where the derived key isn't the certificate's. */
int pki_private_key(struct job *j, const struct pki *p, const struct certificate *c, struct buf *pem);

/*
 * tls-crypt-v2 PEM files: the server's (by its device, from the oldest generation), a client's (by
 * its certificate; its metadata, for tls-crypt-v2-verify, is the serial in hex).
 */
int pki_tls_crypt_server_key(struct job *j, const struct pki *p, const struct server *s, struct buf *pem);
int pki_tls_crypt_client_key(struct job *j, const struct pki *p, const struct server *s,
    const struct certificate *c, struct buf *pem);

enum { PKI_SSH_KEY = 32, PKI_SSH_LINE = 96, PKI_SSH_FINGERPRINT = 64 };

struct pki_ssh_key { /* the public half of an Ed25519 key */
	uint8_t bytes[PKI_SSH_KEY];
	char line[PKI_SSH_LINE];               /* "ssh-ed25519 AAAA...", as in authorized_keys */
	char fingerprint[PKI_SSH_FINGERPRINT]; /* "SHA256:...", as `ssh-keygen -l` prints it */
};

/* The audit keys: one a generation of the master key, newest first; the first one signs. In the arena. */
int pki_audit_keys(struct job *j, const struct pki *p, struct pki_ssh_key **out, size_t *n);
/* Who signs commits: by the newest audit key, which it has through a batch of them and no longer. p is borrowed. */
struct pki_signer;
struct pki_signer *pki_signer_open(const struct pki *p);
void pki_signer_rest(struct pki_signer *s); /* forget the key until it is needed again */
void pki_signer_close(struct pki_signer *s); /* NULL is fine */
/*
 * Sign a commit's bytes by the audit key: appends what goes into its header gpgsig, an armoured
 * SSHSIG of namespace "git".  The same bytes have the same signature.
 */
int pki_sign_commit(struct job *j, struct pki_signer *s, const char *bytes, size_t len, struct buf *armour);
/*
 * Is armour a signature over these bytes, and by whom: whether that key may sign is the caller's to
 * judge.  E_CORRUPT (code bad_signature) says what is wrong; anything but Ed25519, SHA-512 and
 * namespace "git" is.
 */
int pki_verify_commit(struct job *j, const char *bytes, size_t len, const char *armour,
    struct pki_ssh_key *by);

/*
 * TLS 1.3 for whoever listens: a context whose certificate can be replaced while connections go on.
 * Any thread.  Until the first pki_tls_load handshakes fail.
 */
struct pki_tls;
int pki_tls_open(struct job *j, struct pki_tls **out);
/*
 * From PEM: the certificate with those behind it, and its private key.  E_INVALID says what is wrong with
 * them; then what was shown before still is.
 */
int pki_tls_load(struct job *j, struct pki_tls *t, const struct buf *chain, const struct buf *key);
void *pki_tls_context(struct pki_tls *t); /* OpenSSL's SSL_CTX *, until pki_tls_close */
void pki_tls_close(struct pki_tls *t);
/* SHA-256 of the first certificate of a PEM text, as `openssl x509 -fingerprint -sha256` has it; in the arena. */
int pki_fingerprint_certificate(struct job *j, const char *pem, const char **out);

/* What can be read off a CRL. */
struct pki_crl {
	int64_t this_update, next_update;
	uint64_t number;
	size_t entries;
};

/*
 * Build the CRL of m's revocations as of j->now, in the ledger's order, those that a clock dated
 * ahead too.  thisUpdate is min(now, max(last + 1 s, now - 1 h)), nextUpdate now plus the policy's
 * period, the number max(last + 1, now in ms); crl is the one before (zeroed: none), and then this
 * one.  On failure crl and pem are as they were.  O(n).  Its bytes are not OpenSSL's: a CRL that
 * OpenVPN can't use locks everybody out, so pki_crl_read comes before anybody relies on it.
 */
int pki_crl_build(
    struct job *j, const struct pki *p, const struct model *m, struct pki_crl *crl, struct buf *pem);

/*
 * Parse and verify against m's CA.  serials (may be NULL): lower-case hex in the CRL's order,
 * NULL-terminated, in the arena.  E_CORRUPT (code bad_crl) says what is wrong.
 */
int pki_crl_read(struct job *j, const struct model *m, const struct buf *pem, struct pki_crl *out,
    char ***serials);

#endif
