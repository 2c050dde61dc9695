/* Goal: a CRL lists exactly what is revoked, only ever moves forward, and stays quick when it is long. */
#include "pki_fixture.h"

#include <time.h>

static struct pki_crl build(struct fixture *f, const struct pki_crl *last, int64_t now, struct buf *pem)
{
	struct pki_crl built = last ? *last : (struct pki_crl){ 0 }, out;

	buf_open(pem, f->job.arena);
	f->job.now = now;
	assert_int_equal(pki_crl_build(&f->job, f->pki, f->model, &built, pem), 0);
	assert_int_equal(pki_crl_read(&f->job, f->model, pem, &out, NULL), 0);
	assert_memory_equal(&built, &out, sizeof(out));
	return out;
}

static void test_an_empty_crl(void **state)
{
	struct fixture f;
	struct pki_crl crl;
	const char *said;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	crl = build(&f, NULL, f.job.now, &pem);
	assert_int_equal(crl.entries, 0);
	assert_int_equal(crl.number, f.job.now * 1000);
	assert_int_equal(crl.this_update, f.job.now - 3600);
	assert_int_equal(crl.next_update, f.job.now + 30 * FIXTURE_DAY);
	fixture_write(&f, "crl", pem.data);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	assert_int_equal(fixture_shell(&f, "openssl crl -in crl -noout -text -CAfile ca", &said), 0);
	assert_says(said, "verify OK");
	assert_says(said, "Version 2 (0x1)");
	assert_says(said, "No Revoked Certificates.");
	assert_says(said, "X509v3 Authority Key Identifier");
	assert_says(said, "X509v3 CRL Number");
	fixture_close(&f);
}

static void test_openssl_agrees_about_each_certificate(void **state)
{
	struct fixture f;
	const struct certificate *lost, *gone;
	struct pki_crl crl;
	const char *said;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	lost = fixture_gateway(&f, "lost.example.org");
	gone = fixture_gateway(&f, "gone.example.org");
	fixture_write(
	    &f, "good", model_certificate_pem(f.job.arena, fixture_gateway(&f, "good.example.org")));
	fixture_write(&f, "lost", model_certificate_pem(f.job.arena, lost));
	fixture_write(&f, "gone", model_certificate_pem(f.job.arena, gone));
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	fixture_revoke(&f, lost, f.job.now - 60, REASON_KEY_COMPROMISE);
	fixture_revoke(&f, gone, f.job.now, REASON_UNSPECIFIED);
	crl = build(&f, NULL, f.job.now, &pem);
	assert_int_equal(crl.entries, 2);
	fixture_write(&f, "crl", pem.data);
	assert_int_equal(
	    fixture_shell(&f, "openssl verify -x509_strict -crl_check -CAfile ca -CRLfile crl good", &said),
	    0);
	assert_int_not_equal(
	    fixture_shell(&f, "openssl verify -crl_check -CAfile ca -CRLfile crl lost", &said), 0);
	assert_says(said, "certificate revoked");
	assert_int_not_equal(
	    fixture_shell(&f, "openssl verify -crl_check -CAfile ca -CRLfile crl gone", &said), 0);
	assert_says(said, "certificate revoked");
	assert_int_equal(fixture_shell(&f, "openssl crl -in crl -noout -text", &said), 0);
	assert_says(said, "Key Compromise");
	assert_null(strstr(said, "Unspecified"));
	fixture_close(&f);
}

static void test_entries_in_the_order_of_the_ledger(void **state)
{
	enum { N = 20 };
	struct fixture f;
	const struct entity **ledger;
	char **serials;
	struct pki_crl crl;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < N; i++)
		fixture_revoke(&f, fixture_gateway(&f, "laptop.example.org"), f.job.now, REASON_SUPERSEDED);
	build(&f, NULL, f.job.now, &pem);
	assert_int_equal(pki_crl_read(&f.job, f.model, &pem, &crl, &serials), 0);
	assert_int_equal(crl.entries, N);
	ledger = model_all(f.job.arena, f.model, ENTITY_REVOCATION);
	for (int i = 0; i < N; i++)
		assert_string_equal(serials[i], ((const struct revocation *)ledger[i])->serial.hex);
	assert_null(serials[N]);
	fixture_close(&f);
}

/* The clock was ahead when it was revoked, and isn't any more. */
static void test_a_revocation_dated_ahead_counts(void **state)
{
	const struct certificate *c;
	struct fixture f;
	const char *said;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	c = fixture_gateway(&f, "lost.example.org");
	fixture_revoke(&f, c, f.job.now + FIXTURE_DAY, REASON_KEY_COMPROMISE);
	build(&f, NULL, f.job.now, &pem);
	fixture_write(&f, "crl", pem.data);
	fixture_write(&f, "lost", model_certificate_pem(f.job.arena, c));
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	assert_int_not_equal(
	    fixture_shell(&f, "openssl verify -crl_check -CAfile ca -CRLfile crl lost", &said), 0);
	assert_says(said, "certificate revoked");
	fixture_close(&f);
}

/* A state that was pushed or restored may lack the certificate: closed when in doubt. */
static void test_a_revocation_without_its_certificate_counts(void **state)
{
	const struct certificate *c;
	struct fixture f;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	c = fixture_gateway(&f, "old.example.org");
	fixture_revoke(&f, c, f.job.now, REASON_SUPERSEDED);
	assert_int_equal(model_remove(&f.job, f.model, c->entity.path), 0);
	assert_int_equal(build(&f, NULL, f.job.now, &pem).entries, 1);
	fixture_close(&f);
}

static void test_dates_and_numbers_only_grow(void **state)
{
	struct fixture f;
	struct pki_crl first, second;
	int64_t now;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	now = f.job.now;
	first = build(&f, NULL, now, &pem);
	second = build(&f, &first, now, &pem); /* within one second */
	assert_int_equal(second.this_update, first.this_update + 1);
	assert_int_equal(second.number, first.number + 1);
	first = build(&f, &second, now + 7200, &pem);
	assert_int_equal(first.this_update, now + 3600);
	assert_int_equal(first.number, (now + 7200) * 1000);
	fixture_close(&f);
}

static void test_a_clock_that_goes_back(void **state)
{
	struct fixture f;
	struct pki_crl first, second;
	int64_t now;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	now = f.job.now;
	first = build(&f, NULL, now + 365 * FIXTURE_DAY, &pem); /* made while the clock was a year ahead */
	second = build(&f, &first, now, &pem);
	assert_int_equal(second.this_update, now); /* or nobody could connect for a year */
	assert_int_equal(second.number, first.number + 1);
	assert_int_equal(second.next_update, now + 30 * FIXTURE_DAY);
	fixture_close(&f);
}

static void test_a_policy_of_seconds(void **state)
{
	struct fixture f;
	struct pki_crl crl;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	fixture_put_network(&f, 5, FIXTURE_FINGERPRINT);
	crl = build(&f, NULL, f.job.now, &pem);
	assert_int_equal(crl.next_update, f.job.now + 5);
	fixture_close(&f);
}

static void test_the_wrong_master_key_builds_none(void **state)
{
	struct pki_crl none = { 0 };
	struct fixture f;
	struct pki *other;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	assert_int_equal(pki_create_master(&f.job, fixture_path(&f, "other.key")), 0);
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "other.key"), &other), 0);
	buf_open(&pem, f.job.arena);
	assert_int_equal(pki_crl_build(&f.job, other, f.model, &none, &pem), E_CORRUPT);
	assert_int_equal(pem.len, 0);
	pki_close(other);
	fixture_close(&f);
}

/* Sixteen times as many entries may take about sixteen times as long; a square would take 256 times. */
static void test_time_grows_with_the_entries_alone(void **state)
{
	static const unsigned sizes[] = { 2000, 32000 };
	char serial[ID128_HEX];
	double seconds[2];
	struct fixture f;
	struct buf pem;
	unsigned n = 0;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < 2; i++) {
		struct pki_crl none = { 0 };
		clock_t start;

		for (; n < sizes[i]; n++) {
			snprintf(serial, sizeof(serial), "4%07x%024x", n * 2654435761u >> 4, n);
			fixture_revoke(
			    &f, fixture_pretend(&f, serial), f.job.now, REASON_CESSATION_OF_OPERATION);
		}
		buf_open(&pem, f.job.arena);
		start = clock();
		assert_int_equal(pki_crl_build(&f.job, f.pki, f.model, &none, &pem), 0);
		seconds[i] = (double)(clock() - start) / CLOCKS_PER_SEC;
		print_message("a CRL of %u takes %.0f ms of CPU\n", n, seconds[i] * 1000);
	}
	assert_true(seconds[1] < seconds[0] * 64);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_crl),
		cmocka_unit_test(test_openssl_agrees_about_each_certificate),
		cmocka_unit_test(test_entries_in_the_order_of_the_ledger),
		cmocka_unit_test(test_a_revocation_dated_ahead_counts),
		cmocka_unit_test(test_a_revocation_without_its_certificate_counts),
		cmocka_unit_test(test_dates_and_numbers_only_grow),
		cmocka_unit_test(test_a_clock_that_goes_back),
		cmocka_unit_test(test_a_policy_of_seconds),
		cmocka_unit_test(test_the_wrong_master_key_builds_none),
		cmocka_unit_test(test_time_grows_with_the_entries_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
