/* Goal: what is issued is what was asked for, by the profile of its kind, and stock openssl agrees. */
#include "pki_fixture.h"

#include <time.h>

static void test_a_gateways_profile(void **state)
{
	struct fixture f;
	const struct certificate *c;
	const char *said;

	(void)state;
	fixture_open(&f);
	c = fixture_gateway(&f, "laptop.example.org");
	fixture_write(&f, "crt", model_certificate_pem(f.job.arena, c));
	assert_int_equal(fixture_shell(&f, "openssl x509 -in crt -noout -text", &said), 0);
	assert_says(said, "Version: 3 (0x2)");
	assert_says(said, "Signature Algorithm: ecdsa-with-SHA256");
	assert_says(said, "Subject: CN = laptop.example.org\n");
	assert_says(said, "NIST CURVE: P-256");
	assert_says(said, "X509v3 Basic Constraints: critical\n                CA:FALSE\n");
	assert_says(said, "X509v3 Key Usage: critical\n                Digital Signature\n");
	assert_says(said, "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n");
	assert_says(said, "X509v3 Subject Alternative Name: \n                DNS:laptop.example.org\n");
	assert_says(said, "X509v3 Subject Key Identifier");
	assert_says(said, "X509v3 Authority Key Identifier");
	fixture_close(&f);
}

static void test_the_servers_and_the_cas_profiles(void **state)
{
	struct fixture f;
	const struct certificate *c;
	const char *said;

	(void)state;
	fixture_open(&f);
	c = fixture_issue(
	    &f, CERTIFICATE_SERVER, "vpn.example.org", f.job.now - 3600, f.job.now + FIXTURE_DAY);
	fixture_write(&f, "crt", model_certificate_pem(f.job.arena, c));
	assert_int_equal(fixture_shell(&f, "openssl x509 -in crt -noout -text", &said), 0);
	assert_says(said, "Subject: CN = vpn.example.org\n");
	assert_says(said, "X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n");
	assert_says(said, "DNS:vpn.example.org\n");
	assert_says(said, "CA:FALSE\n");

	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	assert_int_equal(fixture_shell(&f, "openssl x509 -in ca -noout -text -nameopt utf8", &said), 0);
	assert_says(said, "Subject: CN=Testnetz Köln CA G1\n");
	assert_says(said, "Issuer: CN=Testnetz Köln CA G1\n");
	assert_says(said, "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n");
	assert_says(said, "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n");
	assert_says(said, "X509v3 Subject Key Identifier");
	assert_null(strstr(said, "Extended Key Usage"));
	assert_null(strstr(said, "Alternative Name"));
	fixture_close(&f);
}

static void test_openssl_verifies_each_for_its_purpose_alone(void **state)
{
	struct fixture f;
	const char *said;

	(void)state;
	fixture_open(&f);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	fixture_write(
	    &f, "client", model_certificate_pem(f.job.arena, fixture_gateway(&f, "laptop.example.org")));
	fixture_write(&f, "server",
	    model_certificate_pem(f.job.arena,
		fixture_issue(
		    &f, CERTIFICATE_SERVER, "vpn.example.org", f.job.now - 3600, f.job.now + FIXTURE_DAY)));
	assert_int_equal(fixture_shell(&f,
			     "openssl verify -x509_strict -CAfile ca -purpose sslclient client && "
			     "openssl verify -x509_strict -CAfile ca -purpose sslserver server",
			     &said),
	    0);
	assert_says(said, "client: OK");
	assert_says(said, "server: OK");
	assert_int_not_equal(
	    fixture_shell(&f, "openssl verify -CAfile ca -purpose sslserver client", &said), 0);
	assert_int_not_equal(
	    fixture_shell(&f, "openssl verify -CAfile ca -purpose sslclient server", &said), 0);
	fixture_close(&f);
}

static void test_serials_are_128_bits_that_start_with_01(void **state)
{
	struct fixture f;
	struct plan plan = { 0 };
	size_t n = 0;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < 32; i++) {
		struct plan_issue *issue = plan_issue(f.job.arena, &plan, CERTIFICATE_GATEWAY);

		memset(issue->device.hex, '7', ID128_HEX - 1);
		issue->name = "laptop.example.org";
		issue->not_before = f.job.now;
		issue->not_after = f.job.now + FIXTURE_DAY;
	}
	assert_int_equal(pki_issue(&f.job, f.pki, f.model, &plan, NULL), 0);
	for (const struct plan_issue *i = plan.issues; i; i = i->next) {
		assert_true(model_is_id128(i->serial.hex));
		assert_in_range(i->serial.hex[0], '4', '7');
		for (const struct plan_issue *k = plan.issues; k != i; k = k->next)
			assert_string_not_equal(i->serial.hex, k->serial.hex);
	}
	for (const struct plan_file *file = plan.files; file; file = file->next, n++)
		assert_int_equal(model_put(&f.job, f.model, file->path, file->data, file->len), 0);
	assert_int_equal(n, 32);
	fixture_close(&f);
}

static void test_a_plan_may_bring_its_own_ca(void **state)
{
	struct fixture f;
	struct plan plan = { 0 };
	struct plan_issue *ca, *server;
	struct model *m = model_open();
	const char *said;

	(void)state;
	fixture_open(&f);
	ca = plan_issue(f.job.arena, &plan, CERTIFICATE_CA);
	server = plan_issue(f.job.arena, &plan, CERTIFICATE_SERVER);
	memset(ca->device.hex, '0', ID128_HEX - 1);
	memset(server->device.hex, '1', ID128_HEX - 1);
	ca->name = "New CA G1";
	server->name = "vpn.example.org";
	ca->not_before = server->not_before = f.job.now - 3600;
	ca->not_after = server->not_after = f.job.now + FIXTURE_DAY;
	assert_int_equal(pki_issue(&f.job, f.pki, m, &plan, NULL), 0);
	for (const struct plan_file *file = plan.files; file; file = file->next)
		assert_int_equal(model_put(&f.job, m, file->path, file->data, file->len), 0);
	assert_string_equal(model_ca(m)->serial.hex, ca->serial.hex);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(m)));
	fixture_write(
	    &f, "server", model_certificate_pem(f.job.arena, model_certificate(m, server->serial.hex)));
	assert_int_equal(fixture_shell(&f, "openssl verify -CAfile ca server", &said), 0);
	model_close(m);
	fixture_close(&f);
}

static void test_without_a_ca_nothing_is_issued(void **state)
{
	struct fixture f;
	struct plan plan = { 0 };
	struct model *m = model_open();
	struct plan_issue *i;

	(void)state;
	fixture_open(&f);
	i = plan_issue(f.job.arena, &plan, CERTIFICATE_GATEWAY);
	i->name = "laptop.example.org";
	i->not_after = f.job.now;
	assert_int_equal(pki_issue(&f.job, f.pki, m, &plan, NULL), E_CORRUPT);
	assert_null(plan.files);
	model_close(m);
	fixture_close(&f);
}

static void test_another_master_key_cannot_issue(void **state)
{
	struct fixture f;
	struct pki *right;

	(void)state;
	fixture_open(&f);
	right = f.pki;
	assert_int_equal(pki_create_master(&f.job, fixture_path(&f, "other.key")), 0);
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "other.key"), &f.pki), 0);
	assert_null(fixture_gateway(&f, "laptop.example.org"));
	assert_int_equal(f.job.error, E_CORRUPT);
	pki_close(f.pki);
	f.pki = right;
	fixture_close(&f);
}

static void test_nothing_outlives_the_ca(void **state)
{
	struct fixture f;
	const struct certificate *c;
	const char *said;

	(void)state;
	fixture_open(&f);
	c = fixture_issue(
	    &f, CERTIFICATE_GATEWAY, "laptop.example.org", f.job.now, f.job.now + 5000LL * FIXTURE_DAY);
	assert_int_equal(c->not_after, model_ca(f.model)->not_after);
	fixture_write(&f, "crt", model_certificate_pem(f.job.arena, c));
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	assert_int_equal(fixture_shell(&f,
			     "test \"$(openssl x509 -in crt -noout -enddate)\" = "
			     "\"$(openssl x509 -in ca -noout -enddate)\"",
			     &said),
	    0);
	assert_null(fixture_issue(&f, CERTIFICATE_GATEWAY, "late.example.org", model_ca(f.model)->not_after,
	    model_ca(f.model)->not_after + FIXTURE_DAY));
	assert_string_equal(f.job.code, "ca_expired");
	fixture_close(&f);
}

static void test_dates_beyond_2049(void **state)
{
	const int64_t y2055 = 2682374400; /* 2055-01-01: GeneralizedTime from 2050 on */
	struct fixture f;
	const struct certificate *ca;
	const char *said;

	(void)state;
	fixture_open(&f);
	ca = fixture_issue(&f, CERTIFICATE_CA, "Late CA G2", f.job.now, y2055);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, ca));
	assert_int_equal(
	    fixture_shell(&f, "openssl x509 -in ca -noout -enddate && openssl asn1parse -in ca", &said), 0);
	assert_says(said, "Jan  1 00:00:00 2055 GMT");
	assert_says(said, "GENERALIZEDTIME");
	fixture_close(&f);
}

static void test_names_are_data(void **state)
{
	static const char *const name = "a.org,DNS:b.org,email:copy,IP:1.1.1.1";
	struct fixture f;
	const struct certificate *c;
	const char *said;

	(void)state;
	fixture_open(&f);
	c = fixture_issue(&f, CERTIFICATE_API, name, f.job.now, f.job.now + FIXTURE_DAY);
	fixture_write(&f, "crt", model_certificate_pem(f.job.arena, c));
	assert_int_equal(fixture_shell(&f, "openssl x509 -in crt -noout -checkhost b.org", &said), 0);
	assert_says(said, "does NOT match");
	assert_null(fixture_issue(&f, CERTIFICATE_API, /* 65 characters: RFC 5280's bound of a CN is 64 */
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", f.job.now,
	    f.job.now + FIXTURE_DAY));
	fixture_close(&f);
}

/* A bound with room for slow machines and sanitizers; the figure itself is in the line it prints. */
static void test_issuing_takes_about_a_millisecond(void **state)
{
	enum { TIMES = 100 };
	struct fixture f;
	struct plan plan = { 0 };
	double ms;
	clock_t start;

	(void)state;
	fixture_open(&f);
	for (int i = 0; i < TIMES; i++) {
		struct plan_issue *issue = plan_issue(f.job.arena, &plan, CERTIFICATE_GATEWAY);

		issue->name = "laptop.example.org";
		issue->not_after = f.job.now + FIXTURE_DAY;
	}
	start = clock();
	assert_int_equal(pki_issue(&f.job, f.pki, f.model, &plan, NULL), 0);
	ms = (double)(clock() - start) * 1000 / CLOCKS_PER_SEC / TIMES;
	print_message("a certificate takes %.2f ms of CPU\n", ms);
	assert_true(ms < 20);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_gateways_profile),
		cmocka_unit_test(test_the_servers_and_the_cas_profiles),
		cmocka_unit_test(test_openssl_verifies_each_for_its_purpose_alone),
		cmocka_unit_test(test_serials_are_128_bits_that_start_with_01),
		cmocka_unit_test(test_a_plan_may_bring_its_own_ca),
		cmocka_unit_test(test_without_a_ca_nothing_is_issued),
		cmocka_unit_test(test_another_master_key_cannot_issue),
		cmocka_unit_test(test_nothing_outlives_the_ca),
		cmocka_unit_test(test_dates_beyond_2049),
		cmocka_unit_test(test_names_are_data),
		cmocka_unit_test(test_issuing_takes_about_a_millisecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
