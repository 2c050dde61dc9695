/*
 * Goal: the CRL's bytes, which no library writes for us, are the very ones that OpenSSL would write, whatever
 * the serials, dates, reasons and lengths.
 */
#include "pki_fixture.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/pem.h"
#include "pki/pki_int.h"

struct entry {
	const char *serial;
	int64_t at;
	enum revocation_reason reason;
	bool is_adopted; /* such a serial is anybody's: of any length, and its highest bit may be set */
};

/* In the order that they are to have: the ledger's by its paths, adopted ones, what is on hold. */
static const struct entry entries[] = {
	{ "40000000000000000000000000000001", 1796000000, REASON_KEY_COMPROMISE, false },
	{ "40000000000000000000000000000002", 1796000000, REASON_SUPERSEDED, false },
	{ "40000000000000000000000000000003", 2524607999, REASON_CESSATION_OF_OPERATION, false },
	{ "4000000000000000000000000000000f", 4107542400, REASON_UNSPECIFIED, false }, /* 1 March 2100 */
	{ "7fffffffffffffffffffffffffffffff", 253402300799, REASON_KEY_COMPROMISE,
	    false }, /* the end of 9999 */
	{ "00000000000000000000000000000000", 0, REASON_UNSPECIFIED, true },
	{ "00000000000000000000000000000001", 1796000000, REASON_UNSPECIFIED, true },
	{ "0000000000000000000000000000007f", 1, REASON_UNSPECIFIED, true },
	{ "00000000000000000000000000000080", 951782400, REASON_UNSPECIFIED, true }, /* 29 February 2000 */
	{ "000000000000000000000000deadbeef", 1796000000, REASON_UNSPECIFIED, true },
	{ "007fffffffffffffffffffffffffffff", 2524607999, REASON_UNSPECIFIED, true }, /* the last UTCTime */
	{ "0080ffffffffffffffffffffffffffff", 2524608000, REASON_UNSPECIFIED, true },
	{ "80000000000000000000000000000000", 1796000000, REASON_UNSPECIFIED, true },
	{ "ffffffffffffffffffffffffffffffff", 4107542399, REASON_UNSPECIFIED, true },
	{ "40000000000000000000000000000004", 2524608000, REASON_CERTIFICATE_HOLD, false },
};

enum { ENTRIES = sizeof(entries) / sizeof(*entries) };

static void adopt(struct fixture *f, const struct entry *e)
{
	const char *path = arena_printf(f->job.arena, "ledger/adopted/%s.json", e->serial);
	struct adoption v = { .at = e->at, .by = "tester" };
	struct buf b;

	buf_open(&b, f->job.arena);
	model_encode_adoption(&b, &v);
	assert_int_equal(model_put(&f->job, f->model, path, b.data, b.len), 0);
}

/* There is one pending change at a time, so one such entry. */
static void hold(struct fixture *f, const struct entry *e)
{
	struct hold of = { .serial = fixture_pretend(f, e->serial)->serial, .reason = REASON_SUPERSEDED };
	struct pending v = { .at = e->at, .deadline = e->at + 1, .holds = &of, .holds_n = 1 };
	struct buf b;

	buf_open(&b, f->job.arena);
	model_encode_pending(&b, &v);
	assert_int_equal(model_put(&f->job, f->model, "pending.json", b.data, b.len), 0);
}

/* Backwards, so that the order is not the one that they came in. */
static void revoke_all(struct fixture *f)
{
	for (const struct entry *e = entries + ENTRIES; e-- != entries;)
		if (e->is_adopted)
			adopt(f, e);
		else if (e->reason == REASON_CERTIFICATE_HOLD)
			hold(f, e);
		else
			fixture_revoke(f, fixture_pretend(f, e->serial), e->at, e->reason);
}

static struct buf build(struct fixture *f)
{
	struct pki_crl crl = { 0 };
	struct buf pem;

	buf_open(&pem, f->job.arena);
	assert_int_equal(pki_crl_build(&f->job, f->pki, f->model, &crl, &pem), 0);
	return pem;
}

static X509_CRL *parse(const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

	assert_non_null(crl);
	BIO_free(bio);
	return crl;
}

/* Made of what OpenSSL understood alone, the bytes that it has read forgotten. */
static void assert_encoded_alike(X509_CRL *crl)
{
	unsigned char *read = NULL, *again = NULL;
	int read_len = i2d_X509_CRL(crl, &read), again_len;

	assert_true(i2d_re_X509_CRL_tbs(crl, NULL) > 0);
	again_len = i2d_X509_CRL(crl, &again);
	assert_true(read_len > 0);
	assert_int_equal(again_len, read_len);
	assert_memory_equal(again, read, (size_t)read_len);
	OPENSSL_free(read);
	OPENSSL_free(again);
}

static bool is_plain(const uint8_t *der, size_t len, X509 *ca, size_t *count)
{
	struct arena *a = arena_open(1024);
	struct crl_plain crl = { .rest = NULL };
	bool ok = crl_read_plain(a, der, len, &crl) && crl_verify_plain(&crl, ca);

	*count = crl.entries;
	X509_CRL_free(crl.rest);
	arena_close(a);
	return ok;
}

/* Without an object for each entry. */
static void assert_read_plain(struct fixture *f, const struct buf *pem, size_t wanted)
{
	size_t len, count;
	const uint8_t *der = pem_parse(f->job.arena, "X509 CRL", pem->data, &len);
	X509 *ca;

	assert_int_equal(pki_certificate_parse(&f->job, model_ca(f->model), &ca), 0);
	assert_true(is_plain(der, len, ca, &count));
	assert_int_equal(count, wanted);
	X509_free(ca);
}

static void assert_string(const ASN1_STRING *got, const ASN1_STRING *wanted)
{
	assert_non_null(wanted);
	assert_int_equal(ASN1_STRING_type(got), ASN1_STRING_type(wanted));
	assert_int_equal(ASN1_STRING_cmp(got, wanted), 0);
}

static void assert_entry(X509_REVOKED *got, const struct entry *wanted)
{
	int is_critical;
	ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(got, NID_crl_reason, &is_critical, NULL);
	ASN1_TIME *at = ASN1_TIME_set(NULL, wanted->at);
	ASN1_INTEGER *serial = NULL;
	BIGNUM *n = NULL;

	assert_int_equal(BN_hex2bn(&n, wanted->serial), ID128_HEX - 1);
	serial = BN_to_ASN1_INTEGER(n, NULL);
	assert_string(X509_REVOKED_get0_serialNumber(got), serial);
	assert_string(X509_REVOKED_get0_revocationDate(got), at);
	if (wanted->reason == REASON_UNSPECIFIED) {
		assert_int_equal(is_critical, -1); /* absent */
		assert_null(X509_REVOKED_get0_extensions(got));
	} else {
		assert_int_equal(is_critical, 0);
		assert_int_equal(ASN1_ENUMERATED_get(reason), wanted->reason);
		assert_int_equal(X509_REVOKED_get_ext_count(got), 1);
	}
	ASN1_ENUMERATED_free(reason);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(at);
	BN_free(n);
}

static void test_each_entry_is_what_openssl_makes_of_it(void **state)
{
	STACK_OF(X509_REVOKED) * got;
	struct fixture f;
	struct buf pem;
	X509_CRL *crl;

	(void)state;
	fixture_open(&f);
	revoke_all(&f);
	pem = build(&f);
	crl = parse(&pem);
	got = X509_CRL_get_REVOKED(crl);
	assert_int_equal(sk_X509_REVOKED_num(got), ENTRIES);
	for (int i = 0; i < ENTRIES; i++)
		assert_entry(sk_X509_REVOKED_value(got, i), &entries[i]);
	assert_encoded_alike(crl);
	assert_read_plain(&f, &pem, ENTRIES);
	X509_CRL_free(crl);
	fixture_close(&f);
}

/* Not to be read plain may also mean that it is OpenSSL's to read: nothing but what was signed may pass. */
static void test_no_changed_bit_is_read_plain(void **state)
{
	struct fixture f;
	size_t len, n;
	uint8_t *der;
	struct buf pem;
	X509 *ca;

	(void)state;
	fixture_open(&f);
	revoke_all(&f);
	pem = build(&f);
	assert_int_equal(pki_certificate_parse(&f.job, model_ca(f.model), &ca), 0);
	der = (uint8_t *)(uintptr_t)pem_parse(f.job.arena, "X509 CRL", pem.data, &len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(is_plain(der, len, ca, &n));
		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (n = 0; n < len; n++) {
		uint8_t *cut = mem_alloc(n); /* its end is watched by the sanitizer */
		size_t count;

		memcpy(cut, der, n);
		assert_false(is_plain(cut, n, ca, &count));
		free(cut);
	}
	assert_true(is_plain(der, len, ca, &n));
	X509_free(ca);
	fixture_close(&f);
}

static void test_the_rest_is_what_openssl_makes_of_it(void **state)
{
	const X509_ALGOR *algorithm;
	const ASN1_BIT_STRING *signature;
	ASN1_TIME *from, *to;
	struct fixture f;
	struct buf pem;
	X509_CRL *crl;
	X509 *ca;

	(void)state;
	fixture_open(&f);
	f.job.now = 2524608000 - 1; /* one date in each form */
	pem = build(&f);
	crl = parse(&pem);
	assert_int_equal(pki_certificate_parse(&f.job, model_ca(f.model), &ca), 0);
	from = ASN1_TIME_set(NULL, f.job.now - 3600);
	to = ASN1_TIME_set(NULL, f.job.now + 30 * FIXTURE_DAY);
	assert_string(X509_CRL_get0_lastUpdate(crl), from);
	assert_string(X509_CRL_get0_nextUpdate(crl), to);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)), 0);
	assert_null(X509_CRL_get_REVOKED(crl));
	assert_int_equal(X509_CRL_get_ext_count(crl), 2);
	assert_int_equal(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1), 0);
	assert_int_equal(X509_CRL_get_ext_by_NID(crl, NID_crl_number, -1), 1);
	X509_CRL_get0_signature(crl, &signature, &algorithm);
	assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_ecdsa_with_SHA256);
	assert_null(algorithm->parameter);
	assert_encoded_alike(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_free(ca);
	X509_CRL_free(crl);
	fixture_close(&f);
}

/* A length of 127, 255 or 65535 bytes is the last that its own length's length can tell. */
static void test_every_length(void **state)
{
	enum { FEW = 16, MANY = 1500 };
	char serial[ID128_HEX];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (unsigned i = 1; i <= MANY; i++) {
		struct buf pem;
		X509_CRL *crl;

		snprintf(serial, sizeof(serial), "4%031x", i * 2654435761u);
		fixture_revoke(&f, fixture_pretend(&f, serial), f.job.now, REASON_SUPERSEDED);
		if (i > FEW && i < MANY - FEW && (i < 1300 || i > 1350)) /* about 64 KiB */
			continue;
		pem = build(&f);
		crl = parse(&pem);
		assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), i);
		assert_encoded_alike(crl);
		assert_read_plain(&f, &pem, i);
		X509_CRL_free(crl);
	}
	fixture_close(&f);
}

/* A certificate of our CA with a serial that we would not give. */
static void sign_as(struct fixture *f, const char *serial)
{
	const char *said;

	assert_int_equal(fixture_shell(f,
			     arena_printf(f->job.arena,
				 "openssl x509 -req -in request -CA ca -CAkey key -set_serial 0x%s -out c%s",
				 serial, serial),
			     &said),
	    0);
}

static const char *verify(struct fixture *f, const char *serial)
{
	const char *said;

	fixture_shell(f,
	    arena_printf(f->job.arena, "openssl verify -crl_check -CAfile ca -CRLfile crl c%s", serial),
	    &said);
	return said;
}

static void test_openssl_refuses_each_of_them(void **state)
{
	static const char *const neighbours[] = { "02", "ff", "deadbeee", "7ffffffffffffffffffffffffffffe",
		"40000000000000000000000000000005", "80000000000000000000000000000001" };
	struct fixture f;
	const char *said;
	struct buf key;

	(void)state;
	fixture_open(&f);
	revoke_all(&f);
	buf_open(&key, f.job.arena);
	assert_int_equal(pki_private_key(&f.job, f.pki, model_ca(f.model), &key), 0);
	fixture_write(&f, "key", key.data);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	fixture_write(&f, "crl", build(&f).data);
	assert_int_equal(fixture_shell(&f,
			     "openssl req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
			     "-keyout other -subj /CN=a.org -out request",
			     &said),
	    0);
	for (int i = 0; i < ENTRIES; i++) {
		sign_as(&f, entries[i].serial);
		assert_says(verify(&f, entries[i].serial), "certificate revoked");
	}
	for (size_t i = 0; i < sizeof(neighbours) / sizeof(*neighbours); i++) {
		sign_as(&f, neighbours[i]);
		assert_says(verify(&f, neighbours[i]), ": OK");
	}
	assert_int_equal(fixture_shell(&f, "openssl crl -in crl -noout -text -CAfile ca", &said), 0);
	assert_says(said, "verify OK");
	assert_says(said, "Dec 31 23:59:59 9999 GMT");
	assert_says(said, "Serial Number: FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF");
	assert_says(said, "Certificate Hold");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_entry_is_what_openssl_makes_of_it),
		cmocka_unit_test(test_no_changed_bit_is_read_plain),
		cmocka_unit_test(test_the_rest_is_what_openssl_makes_of_it),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_openssl_refuses_each_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
