/* Known answers (FIPS 180-4, git hash-object), hex both ways, randomness that differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/digest.h"

static void test_sha256(void **state)
{
	char hex[DIGEST_HEX];

	(void)state;
	digest_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_git_blob(void **state)
{
	char hex[OID_HEX];

	(void)state;
	digest_git_blob("", 0, hex);
	assert_string_equal(hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
	digest_git_blob("hello\n", 6, hex);
	assert_string_equal(hex, "ce013625030ba8dba906f756967f9e9ca394464a");
}

static void test_hex(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x0f, 0xa5, 0xff };
	static const char *const bad[] = { "", "000fa5f", "000fa5ff0", "000FA5FF", "000fa5fg", "0x0fa5ff",
		"000fa5f\xff" };
	uint8_t back[4];
	char hex[9];

	(void)state;
	digest_hex(bytes, 4, hex);
	assert_string_equal(hex, "000fa5ff");
	assert_true(digest_unhex(hex, back, 4));
	assert_memory_equal(back, bytes, 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (digest_unhex(bad[i], back, 4))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_random_differs(void **state)
{
	uint8_t a[600], b[600], zero[16] = { 0 };

	(void)state;
	memset(a, 0, sizeof(a));
	digest_random(a, sizeof(a));
	digest_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + sizeof(a) - sizeof(zero), zero, sizeof(zero)); /* to the very end */
}

static void test_equal_and_cleanse(void **state)
{
	uint8_t a[32], b[32], zero[32] = { 0 };

	(void)state;
	digest_random(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(digest_equal(a, b, sizeof(a)));
	assert_true(digest_equal(a, zero, 0));
	b[31] ^= 1;
	assert_false(digest_equal(a, b, sizeof(a)));
	digest_cleanse(b, sizeof(b));
	assert_memory_equal(b, zero, sizeof(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_git_blob),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_random_differs),
		cmocka_unit_test(test_equal_and_cleanse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
