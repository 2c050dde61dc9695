/* Goal: the master key file is made once, read strictly, and known by its fingerprint. */
#include "pki_fixture.h"

#include <sys/stat.h>

#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void test_create_makes_a_private_file_once(void **state)
{
	struct fixture f;
	const char *path;
	char first[PKI_FINGERPRINT], second[PKI_FINGERPRINT];
	struct stat st;
	struct pki *p;
	char **names;

	(void)state;
	fixture_open(&f);
	path = fixture_path(&f, "new.key");
	assert_int_equal(pki_create_master(&f.job, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pki_open(&f.job, path, &p), 0);
	pki_fingerprint(p, first);
	pki_close(p);
	assert_string_not_equal(first, FIXTURE_FINGERPRINT);

	assert_int_equal(pki_create_master(&f.job, path), E_CONFLICT);
	assert_says(f.job.message, path);
	job_clear(&f.job);
	assert_int_equal(pki_open(&f.job, path, &p), 0);
	pki_fingerprint(p, second);
	pki_close(p);
	assert_string_equal(first, second);
	assert_int_equal(fs_list(&f.job, f.dir, &names), 0);
	assert_string_equal(names[0], "master.key");
	assert_string_equal(names[1], "new.key");
	assert_null(names[2]); /* no temporary file is left */
	fixture_close(&f);
}

static void test_create_in_a_missing_folder_fails(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(pki_create_master(&f.job, fixture_path(&f, "no/such/key")), E_IO);
	fixture_close(&f);
}

static void test_fingerprint_never_changes(void **state)
{
	char fingerprint[PKI_FINGERPRINT];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	pki_fingerprint(f.pki, fingerprint);
	assert_string_equal(fingerprint, FIXTURE_FINGERPRINT);
	fixture_close(&f);
}

static void test_fingerprint_is_the_newest_generations(void **state)
{
	char fingerprint[PKI_FINGERPRINT];
	struct fixture f;
	struct pki *p;

	(void)state;
	fixture_open(&f);
	fixture_write(
	    &f, "two.key", "1 " OTHER_KEY "\n2 " FIXTURE_KEY); /* the last line end may be missing */
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "two.key"), &p), 0);
	pki_fingerprint(p, fingerprint);
	assert_string_not_equal(fingerprint, FIXTURE_FINGERPRINT); /* the generation is part of it */
	pki_close(p);
	fixture_close(&f);
}

static void test_broken_files_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "empty" },
		{ FIXTURE_KEY "\n", "line 1: no generation" },
		{ "1\n", "line 1: no generation" },
		{ "0 " FIXTURE_KEY "\n", "line 1: no generation" },
		{ "-1 " FIXTURE_KEY "\n", "line 1: no generation" },
		{ "10000 " FIXTURE_KEY "\n", "line 1: no generation" },
		{ "99999999999999999999 " FIXTURE_KEY "\n", "line 1: no generation" },
		{ "1 " FIXTURE_KEY "0\n", "line 1: the key is not 64 digits" },
		{ "1  " FIXTURE_KEY "\n", "line 1: the key is not 64 digits" },
		{ "1 000102\n", "line 1: the key is not 64 digits" },
		{ "1 " FIXTURE_KEY "\n2 g" OTHER_KEY "\n", "line 2: the key is not 64 digits" },
		{ "1 " FIXTURE_KEY "\r\n", "line 1: the key is not 64 digits" },
		{ "2 " FIXTURE_KEY "\n1 " OTHER_KEY "\n", "line 2: generations must ascend" },
		{ "1 " FIXTURE_KEY "\n1 " OTHER_KEY "\n", "line 2: generations must ascend" },
		{ "1 " FIXTURE_KEY "\n\n", "line 2: no generation" },
	};
	struct fixture f;
	struct pki *p = NULL;

	(void)state;
	fixture_open(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *path = fixture_write(&f, "bad.key", cases[i].text);

		assert_int_equal(pki_open(&f.job, path, &p), E_CORRUPT);
		assert_says(f.job.message, cases[i].says);
		assert_says(f.job.message, path);
		assert_null(strstr(f.job.message, "000102"));
		assert_null(p);
		job_clear(&f.job);
	}
	fixture_close(&f);
}

static void test_endless_and_binary_files_are_refused(void **state)
{
	struct fixture f;
	struct pki *p;
	char nul[] = "1 " FIXTURE_KEY "\n\0x";
	const char *path;

	(void)state;
	fixture_open(&f);
	path = fixture_path(&f, "nul.key");
	assert_int_equal(fs_write(&f.job, path, nul, sizeof(nul), 0600), 0);
	assert_int_equal(pki_open(&f.job, path, &p), E_CORRUPT);
	assert_says(f.job.message, "NUL");
	job_clear(&f.job);
	assert_int_equal(pki_open(&f.job, "/dev/zero", &p), E_CORRUPT);
	assert_says(f.job.message, "too long");
	job_clear(&f.job);
	assert_int_equal(pki_open(&f.job, f.dir, &p), E_IO);
	job_clear(&f.job);
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "none"), &p), E_NOT_FOUND);
	assert_says(f.job.message, "none");
	fixture_close(&f);
}

static void test_a_file_open_to_others_is_warned_about(void **state)
{
	struct fixture f;
	struct pki *p;
	const char *path;

	(void)state;
	fixture_open(&f);
	path = fixture_write(&f, "open.key", "1 " FIXTURE_KEY "\n");
	assert_int_equal(chmod(path, 0644), 0);
	f.job.warnings = NULL;
	assert_int_equal(pki_open(&f.job, path, &p), 0);
	pki_close(p);
	assert_non_null(f.job.warnings);
	assert_says(f.job.warnings->text, "open to others");
	fixture_close(&f);
}

static void test_check_names_both_fingerprints(void **state)
{
	struct fixture f;
	struct pki *p;
	char fingerprint[PKI_FINGERPRINT];

	(void)state;
	fixture_open(&f);
	assert_int_equal(pki_check(&f.job, f.pki, f.model), 0);
	assert_int_equal(pki_open(&f.job, fixture_write(&f, "other.key", "1 " OTHER_KEY "\n"), &p), 0);
	pki_fingerprint(p, fingerprint);
	assert_int_equal(pki_check(&f.job, p, f.model), E_CORRUPT);
	assert_says(f.job.message, fingerprint);
	assert_says(f.job.message, FIXTURE_FINGERPRINT);
	job_clear(&f.job);

	/* A network.json that was made to fit doesn't help: the CA's key is another one. */
	fixture_put_network(&f, 30 * FIXTURE_DAY, fingerprint);
	assert_int_equal(pki_check(&f.job, p, f.model), E_CORRUPT);
	assert_says(f.job.message, "doesn't derive the key");
	assert_says(f.job.message, fingerprint);
	job_clear(&f.job);
	assert_int_equal(
	    pki_check(&f.job, f.pki, f.model), E_CORRUPT); /* nor does it leave the right key unquestioned */
	pki_close(p);
	fixture_close(&f);
}

static void test_check_of_an_empty_state_fails(void **state)
{
	struct fixture f;
	struct model *empty = model_open();

	(void)state;
	fixture_open(&f);
	assert_int_equal(pki_check(&f.job, f.pki, empty), E_CORRUPT);
	model_close(empty);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_makes_a_private_file_once),
		cmocka_unit_test(test_create_in_a_missing_folder_fails),
		cmocka_unit_test(test_fingerprint_never_changes),
		cmocka_unit_test(test_fingerprint_is_the_newest_generations),
		cmocka_unit_test(test_broken_files_are_refused_with_their_line),
		cmocka_unit_test(test_endless_and_binary_files_are_refused),
		cmocka_unit_test(test_a_file_open_to_others_is_warned_about),
		cmocka_unit_test(test_check_names_both_fingerprints),
		cmocka_unit_test(test_check_of_an_empty_state_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
