/* Goal: a master key survives paper, and a slip in copying it is found and named. */
#include "pki_fixture.h"

#define PAPER_TEXT \
	"00010203 04050607 08090a0b 0c0d0e0f\n" \
	"10111213 14151617 18191a1b 1c1d1e1f\n" \
	"630d\n"

static void test_paper_is_eight_groups_and_a_checksum(void **state)
{
	struct fixture f;
	struct buf b;

	(void)state;
	fixture_open(&f);
	buf_open(&b, f.job.arena);
	pki_print_paper(f.pki, &b);
	assert_string_equal(b.data, PAPER_TEXT);
	fixture_close(&f);
}

static void test_paper_is_read_back_however_it_is_spaced(void **state)
{
	static const char *const forms[] = {
		PAPER_TEXT,
		"000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f630D",
		"  0001 0203 04050607\r\n\t08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 63 0d  ",
	};
	uint8_t key[PKI_MASTER_BYTES];
	struct job j;

	(void)state;
	job_open(&j);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memset(key, 0xee, sizeof(key));
		assert_int_equal(pki_parse_paper(&j, forms[i], key), 0);
		for (unsigned n = 0; n < PKI_MASTER_BYTES; n++)
			assert_int_equal(key[n], n);
	}
	job_close(&j);
}

static void test_slips_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "0 digits instead of 68" },
		{ "00010203 0405O607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 630d",
		    "digit 5 of group 2" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 630l",
		    "digit 4 of the checksum" },
		{ "00010203 04050607 08090a0 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 630d",
		    "look at group 3" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 141516177 18191a1b 1c1d1e1f 630d",
		    "look at group 6" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f",
		    "64 digits instead of 68" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 630d 00",
		    "70 digits instead of 68" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1e 630d",
		    "the checksum is wrong" },
		{ "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 631d",
		    "the checksum is wrong" },
	};
	uint8_t key[PKI_MASTER_BYTES];
	struct job j;

	(void)state;
	job_open(&j);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(pki_parse_paper(&j, cases[i].text, key), E_INVALID);
		assert_says(j.message, cases[i].says);
		job_clear(&j);
	}
	job_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paper_is_eight_groups_and_a_checksum),
		cmocka_unit_test(test_paper_is_read_back_however_it_is_spaced),
		cmocka_unit_test(test_slips_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
