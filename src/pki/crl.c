/*
 * Builds the CRL (RFC 5280, section 5) of all revocations, in time O(n log n):
 * entries are appended and sorted once.  A CRL that OpenVPN cannot use locks
 * everybody out, so what was built is read back before it leaves this file.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki/pki_int.h"

enum { CRL_V2 = 1, BACKDATE = 3600, MS = 1000 };

/* What the new CRL is to say of itself; entries stays 0. */
static struct pki_crl plan_figures(const struct pki_crl *last, int64_t now, int64_t period)
{
	struct pki_crl out = { now - BACKDATE, now + period, (uint64_t)now * MS, 0 };

	/* Never before the last one, nor in the future: a clock that went back gives `now` again. */
	if (out.this_update <= last->this_update)
		out.this_update = last->this_update + 1;
	if (out.this_update > now)
		out.this_update = now;
	if (out.number <= last->number)
		out.number = last->number + 1;
	return out;
}

static bool add_reason(X509_REVOKED *entry, enum revocation_reason reason)
{
	ASN1_ENUMERATED *code;
	bool ok;

	if (reason == REASON_UNSPECIFIED) /* RFC 5280, 5.3.1: absent instead */
		return true;
	code = ASN1_ENUMERATED_new();
	ok = code && ASN1_ENUMERATED_set(code, (long)reason) &&
	    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) == 1;
	ASN1_ENUMERATED_free(code);
	return ok;
}

static bool add_entry(X509_CRL *crl, const struct revocation *r)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = pki_serial_number(&r->serial);
	ASN1_TIME *at = ASN1_TIME_set(NULL, r->at);
	bool ok = entry && serial && at && X509_REVOKED_set_serialNumber(entry, serial) &&
	    X509_REVOKED_set_revocationDate(entry, at) && add_reason(entry, r->reason) &&
	    X509_CRL_add0_revoked(crl, entry);

	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(at);
	return ok;
}

/*
 * An entry stays as long as its certificate is in the ledger, which outlives the certificate by one CRL.
 * Of an adopted one nobody knows the end.  One whose date lies ahead, since a clock went back, counts: it is a fact already, and OpenSSL agrees.
 */
static bool add_entries(X509_CRL *crl, struct job *j, const struct model *m)
{
	const struct revocation **all = model_withdrawn(j->arena, m);
	bool ok = true;

	for (; ok && *all; all++)
		if (model_certificate(m, (*all)->serial.hex) || model_adoption(m, (*all)->serial.hex))
			ok = add_entry(crl, *all);
	return ok && X509_CRL_sort(crl);
}

static bool set_dates(X509_CRL *crl, const struct pki_crl *figures)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, figures->this_update);
	ASN1_TIME *to = ASN1_TIME_set(NULL, figures->next_update);
	bool ok = from && to && X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to);

	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return ok;
}

static bool add_extensions(X509_CRL *crl, X509 *issuer, uint64_t number)
{
	X509_EXTENSION *aki = pki_extension(issuer, NULL, NID_authority_key_identifier, "keyid:always");
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	bool ok = aki && n && ASN1_INTEGER_set_uint64(n, number) && X509_CRL_add_ext(crl, aki, -1) &&
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1;

	X509_EXTENSION_free(aki);
	ASN1_INTEGER_free(n);
	return ok;
}

static bool sign(X509_CRL *crl, const struct pki_issuer *ca, const struct pki_crl *figures)
{
	return X509_CRL_set_version(crl, CRL_V2) &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate)) &&
	    set_dates(crl, figures) && add_extensions(crl, ca->certificate, figures->number) &&
	    X509_CRL_sign(crl, ca->key, EVP_sha256());
}

static int write_pem(struct job *j, X509_CRL *crl, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int error = 0;

	if (!bio || !PEM_write_bio_X509_CRL(bio, crl))
		error = pki_fail(j, "write a CRL");
	else
		pki_add_bio(pem, bio);
	BIO_free(bio);
	return error;
}

int pki_crl_build(
    struct job *j, const struct pki *p, const struct model *m, const struct pki_crl *last, struct buf *pem)
{
	const struct certificate *ca = model_ca(m);
	struct pki_issuer *issuer;
	struct pki_crl want, got;
	X509_CRL *crl = NULL;
	struct buf text;
	int error;

	if (!ca || !model_network(m))
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (pki_issuer_open(j, p, ca, &issuer))
		return j->error;
	want = plan_figures(last, j->now, model_network(m)->policy.crl);
	buf_open(&text, j->arena);
	crl = X509_CRL_new();
	if (!crl || !add_entries(crl, j, m) || !sign(crl, issuer, &want))
		error = pki_fail(j, "build the CRL");
	else
		error = write_pem(j, crl, &text);
	if (!error)
		error = pki_crl_read(j, m, &text, &got, NULL);
	if (!error &&
	    (got.number != want.number || got.this_update != want.this_update ||
		got.next_update != want.next_update))
		error = job_fail(j, E_CORRUPT, "bad_crl", "the new CRL doesn't read back as it was built");
	if (!error)
		buf_add(pem, text.data, text.len);
	X509_CRL_free(crl);
	pki_issuer_close(issuer);
	return error;
}
