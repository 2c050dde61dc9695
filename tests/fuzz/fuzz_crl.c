/* The CRL that lies in DATA/pki, inside its PEM: what is read without an object for each entry, OpenSSL reads alike. */
#include <openssl/err.h>

#include "fuzz.h"
#include "pki/pki_int.h"

static void compare(const struct crl_plain *plain, X509_CRL *whole)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(whole);
	const ASN1_BIT_STRING *of_plain, *of_whole;

	X509_CRL_get0_signature(plain->rest, &of_plain, NULL);
	X509_CRL_get0_signature(whole, &of_whole, NULL);
	fuzz_require(
	    plain->entries == (size_t)(entries ? sk_X509_REVOKED_num(entries) : 0), "as many entries");
	fuzz_require(
	    X509_CRL_get_ext_count(plain->rest) == X509_CRL_get_ext_count(whole), "the same extensions");
	fuzz_require(!ASN1_STRING_cmp(of_plain, of_whole), "the same signature");
	fuzz_require(!ASN1_STRING_cmp(X509_CRL_get0_nextUpdate(plain->rest), X509_CRL_get0_nextUpdate(whole)),
	    "the same end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl_plain plain = { .rest = NULL };
	const uint8_t *end = data;
	X509_CRL *whole;
	struct job j;

	fuzz_open(&j);
	if (crl_read_plain(j.arena, data, size, &plain)) {
		whole = d2i_X509_CRL(NULL, &end, (long)size);
		fuzz_require(whole && end == data + size, "OpenSSL reads it, to its end");
		compare(&plain, whole);
		X509_CRL_free(whole);
	}
	X509_CRL_free(plain.rest);
	ERR_clear_error();
	job_close(&j);
	return 0;
}
