/*
 * Reads a CRL file as strictly as what depends on it: OpenVPN refuses everybody
 * on a bad one, and lets the revoked in on one of another CA.  Whatever is
 * wrong is said in words.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/pem.h"
#include "pki/pki_int.h"

enum { CRL_V2 = 1, CRL_BYTES_MAX = 256 << 20, DER_SEQUENCE = 0x30 };

static const char begin_line[] = "-----BEGIN X509 CRL-----\n";

static int refuse(struct job *j, const char *what)
{
	ERR_clear_error();
	return job_fail(j, E_CORRUPT, "bad_crl", "the CRL %s", what);
}

/* Whatever is wrong with a file's outside; NULL: nothing so far. */
static const char *judge_text(const char *pem, size_t len)
{
	if (!len)
		return "is empty";
	if ((unsigned char)pem[0] == DER_SEQUENCE)
		return "is DER, but OpenVPN reads PEM";
	if (len > CRL_BYTES_MAX)
		return "is too large";
	if (len < sizeof(begin_line) - 1 || memcmp(pem, begin_line, sizeof(begin_line) - 1))
		return "doesn't start with "
		       "-----BEGIN X509 CRL-----";
	if (!memmem(pem, len, "-----END X509 CRL-----", sizeof("-----END X509 CRL-----") - 1))
		return "is cut off: its END line is missing";
	return NULL;
}

static X509_CRL *decode_der(const uint8_t *der, long len)
{
	const uint8_t *end = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &end, len);

	if (crl && end != der + len) {
		X509_CRL_free(crl);
		crl = NULL;
	}
	return crl;
}

static int decode(struct job *j, const struct buf *pem, X509_CRL **out)
{
	const char *wrong = judge_text(pem->data, pem->len);
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	BIO *bio = NULL;
	long der_len = 0;

	if (wrong)
		return refuse(j, wrong);
	bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	if (!bio || !PEM_read_bio(bio, &name, &header, &der, &der_len) || *header)
		wrong = "isn't valid PEM";
	else if (BIO_pending(bio))
		wrong = "has something behind its END line";
	else if (!(*out = decode_der(der, der_len)))
		wrong = "isn't valid DER inside its PEM";
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return wrong ? refuse(j, wrong) : 0;
}

static bool read_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

static int read_figures(struct job *j, X509_CRL *crl, struct pki_crl *out)
{
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	bool has_number = number && ASN1_INTEGER_get_uint64(&out->number, number);

	ASN1_INTEGER_free(number);
	if (X509_CRL_get_version(crl) != CRL_V2)
		return refuse(j, "isn't version 2");
	if (!has_number)
		return refuse(j, "has no usable number");
	if (!read_time(X509_CRL_get0_lastUpdate(crl), &out->this_update) ||
	    !read_time(X509_CRL_get0_nextUpdate(crl), &out->next_update))
		return refuse(j, "has no usable dates");
	return 0;
}

static int read_serials(struct job *j, X509_CRL *crl, char ***out)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	int n = entries ? sk_X509_REVOKED_num(entries) : 0;
	char **list = arena_alloc(j->arena, ((size_t)n + 1) * sizeof(*list));

	for (int i = 0; i < n; i++) {
		list[i] = pki_serial_hex(
		    j->arena, X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i)));
		if (!list[i])
			return refuse(j, "lists a serial that is no positive number");
	}
	*out = list;
	return 0;
}

static bool is_issuer(X509_CRL *crl, X509 *ca)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) == 0;
}

static int verify(struct job *j, X509_CRL *crl, X509 *ca)
{
	if (!is_issuer(crl, ca))
		return refuse(j, "is another CA's: its issuer isn't the subject of the state's");
	if (X509_CRL_verify(crl, X509_get0_pubkey(ca)) != 1)
		return refuse(j, "isn't signed by the key of the state's CA");
	return 0;
}

/* Most CRLs are ours. False: for OpenSSL to read as a whole, and to say what is wrong, if anything is. */
static bool read_plain(X509 *ca, const struct buf *pem, struct pki_crl *out)
{
	struct crl_plain crl = { .rest = NULL };
	struct pki_crl figures = { 0 };
	const uint8_t *der;
	struct job j;
	size_t len;
	bool ok;

	if (pem->data[pem->len] || strlen(pem->data) != pem->len)
		return false;
	job_open(&j);
	der = pem_parse(j.arena, "X509 CRL", pem->data, &len);
	ok = der && crl_read_plain(j.arena, der, len, &crl) && is_issuer(crl.rest, ca) &&
	    crl_verify_plain(&crl, ca) && !read_figures(&j, crl.rest, &figures);
	if (ok) {
		figures.entries = crl.entries;
		*out = figures;
	}
	X509_CRL_free(crl.rest);
	job_close(&j);
	return ok;
}

static int read_all(struct job *j, X509 *ca, const struct buf *pem, struct pki_crl *out, char ***serials)
{
	STACK_OF(X509_REVOKED) * entries;
	struct pki_crl figures = { 0 };
	X509_CRL *crl = NULL;
	int error;

	if (!serials && read_plain(ca, pem, out))
		return 0;
	if (decode(j, pem, &crl))
		return j->error;
	error = verify(j, crl, ca);
	if (!error)
		error = read_figures(j, crl, &figures);
	if (!error && serials)
		error = read_serials(j, crl, serials);
	if (!error) {
		entries = X509_CRL_get_REVOKED(crl);
		figures.entries = entries ? (size_t)sk_X509_REVOKED_num(entries) : 0;
		*out = figures;
	}
	X509_CRL_free(crl);
	return error;
}

int pki_crl_read(
    struct job *j, const struct model *m, const struct buf *pem, struct pki_crl *out, char ***serials)
{
	const struct certificate *ca = model_ca(m);
	X509 *x;
	int error;

	if (!ca)
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (pki_certificate_parse(j, ca, &x))
		return j->error;
	error = read_all(j, x, pem, out, serials);
	X509_free(x);
	return error;
}
