/* Goal: a CRL that OpenVPN would choke on, or wrongly believe, is refused, and the reason is said. */
#include "pki_fixture.h"

static struct buf build(struct fixture *f)
{
	struct pki_crl none = { 0 };
	struct buf pem;

	buf_open(&pem, f->job.arena);
	assert_int_equal(pki_crl_build(&f->job, f->pki, f->model, &none, &pem), 0);
	return pem;
}

static void assert_refused(struct fixture *f, const char *pem, size_t len, const char *says)
{
	struct buf b = { .arena = f->job.arena, .data = (char *)(uintptr_t)pem, .len = len };
	struct pki_crl crl = { 1, 2, 3, 4 };

	assert_int_equal(pki_crl_read(&f->job, f->model, &b, &crl, NULL), E_CORRUPT);
	assert_string_equal(f->job.code, "bad_crl");
	assert_says(f->job.message, says);
	assert_int_equal(crl.number, 3); /* untouched */
	job_clear(&f->job);
}

static void refuse_text(struct fixture *f, const char *text, const char *says)
{
	assert_refused(f, text, strlen(text), says);
}

static void test_broken_files(void **state)
{
	struct fixture f;
	struct buf pem;
	const char *said;

	(void)state;
	fixture_open(&f);
	pem = build(&f);
	refuse_text(&f, "", "is empty");
	refuse_text(&f, "hello\n", "doesn't start with");
	refuse_text(&f, model_certificate_pem(f.job.arena, model_ca(f.model)), "doesn't start with");
	refuse_text(&f, arena_printf(f.job.arena, "\n%s", pem.data), "doesn't start with");
	refuse_text(&f, arena_printf(f.job.arena, "%sx", pem.data), "behind its END line");
	refuse_text(&f, arena_printf(f.job.arena, "%s%s", pem.data, pem.data), "behind its END line");
	assert_refused(&f, pem.data, pem.len + 1, "behind its END line"); /* a NUL */
	fixture_write(&f, "crl", pem.data);
	assert_int_equal(fixture_shell(&f, "openssl crl -in crl -outform DER", &said), 0);
	refuse_text(&f, said, "is DER");
	assert_int_equal(fixture_shell(&f,
			     "echo '-----BEGIN X509 CRL-----' && { openssl crl -in crl -outform DER; "
			     "printf x; } | base64 -w 64 && echo '-----END X509 CRL-----'",
			     &said),
	    0);
	refuse_text(&f, said, "isn't valid DER");
	refuse_text(&f, "-----BEGIN X509 CRL-----\nMAMC\n-----END X509 CRL-----\n", "isn't valid DER");
	refuse_text(&f, "-----BEGIN X509 CRL-----\n?\n-----END X509 CRL-----\n", "isn't valid PEM");
	refuse_text(&f, "-----BEGIN X509 CRL-----\nProc-Type: 4,ENCRYPTED\n\nMAMC\n-----END X509 CRL-----\n",
	    "isn't valid PEM");
	fixture_close(&f);
}

static void test_every_cut_is_refused(void **state)
{
	struct fixture f;
	struct pki_crl crl;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	pem = build(&f);
	for (size_t len = 1; len < pem.len - 1; len++)
		assert_refused(&f, pem.data, len, "CRL");
	pem.len--; /* but for the line end */
	assert_int_equal(pki_crl_read(&f.job, f.model, &pem, &crl, NULL), 0);
	fixture_close(&f);
}

static void test_every_changed_byte_is_refused(void **state)
{
	const size_t from = strlen("-----BEGIN X509 CRL-----\n");
	struct fixture f;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	pem = build(&f);
	for (size_t at = from; at < pem.len - from - 4; at++) { /* the last group's spare bits are nobody's */
		char was = pem.data[at];

		if (was == '\n')
			continue;
		pem.data[at] = was == 'A' ? 'B' : 'A';
		assert_refused(&f, pem.data, pem.len, "CRL");
		pem.data[at] = was;
	}
	fixture_close(&f);
}

static void test_another_cas_is_refused(void **state)
{
	struct fixture f;
	struct buf pem;

	(void)state;
	fixture_open(&f);
	pem = build(&f);
	assert_non_null(fixture_issue(&f, CERTIFICATE_CA, "Other CA G1", f.job.now, f.job.now + FIXTURE_DAY));
	refuse_text(&f, pem.data, "another CA's");
	pem = build(&f);
	/* The same name and another key: what OpenVPN itself doesn't notice. */
	assert_non_null(
	    fixture_issue(&f, CERTIFICATE_CA, "Other CA G1", f.job.now + 1, f.job.now + FIXTURE_DAY));
	refuse_text(&f, pem.data, "isn't signed by the key");
	fixture_close(&f);
}

/* What the openssl program signs with our CA's key, but not as we would. */
static void test_version_1_and_missing_numbers(void **state)
{
	static const char *const
	    setup = "touch index && printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\ndefault_md=sha256\\n"
		    "default_crl_days=1\\n[v2]\\nauthorityKeyIdentifier=keyid\\n' > cnf";
	struct fixture f;
	struct buf key;
	const char *said;

	(void)state;
	fixture_open(&f);
	buf_open(&key, f.job.arena);
	assert_int_equal(pki_private_key(&f.job, f.pki, model_ca(f.model), &key), 0);
	fixture_write(&f, "key", key.data);
	fixture_write(&f, "ca", model_certificate_pem(f.job.arena, model_ca(f.model)));
	assert_int_equal(fixture_shell(&f, setup, &said), 0);
	assert_int_equal(
	    fixture_shell(
		&f, "openssl ca -config cnf -gencrl -keyfile key -cert ca -out crl && cat crl", &said),
	    0);
	said = strstr(said, "-----BEGIN");
	refuse_text(&f, said, "isn't version 2");
	assert_int_equal(fixture_shell(&f,
			     "openssl ca -config cnf -gencrl -crlexts v2 -keyfile key -cert ca -out crl && "
			     "cat crl",
			     &said),
	    0);
	refuse_text(&f, strstr(said, "-----BEGIN"), "has no usable number");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_every_changed_byte_is_refused),
		cmocka_unit_test(test_another_cas_is_refused),
		cmocka_unit_test(test_version_1_and_missing_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
