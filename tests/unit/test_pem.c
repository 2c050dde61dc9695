/* Goal: PEM as OpenSSL prints it, and nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/pem.h"

static void test_round_trip(void **state)
{
	struct arena *a = arena_open(4096);
	uint8_t bytes[200];
	const uint8_t *again;
	size_t len, n;
	struct buf b;

	(void)state;
	for (n = 0; n < sizeof(bytes); n++)
		bytes[n] = (uint8_t)(n * 37);
	for (n = 1; n < sizeof(bytes); n++) {
		buf_open(&b, a);
		pem_print(&b, "X", bytes, n);
		again = pem_parse(a, "X", b.data, &len);
		assert_non_null(again);
		assert_int_equal(len, n);
		assert_memory_equal(again, bytes, n);
	}
	buf_open(&b, a);
	pem_print(&b, "CERTIFICATE", (const uint8_t *)"Hello", 5);
	assert_string_equal(b.data, "-----BEGIN CERTIFICATE-----\nSGVsbG8=\n-----END CERTIFICATE-----\n");
	arena_close(a);
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "\n", "X", "-----BEGIN X-----\n-----END X-----\n",
		"-----BEGIN X-----\nSGVsbG8=\n-----END X-----",
		"-----BEGIN X-----\nSGVsbG8=\n-----END Y-----\n",
		"-----BEGIN Y-----\nSGVsbG8=\n-----END X-----\n",
		"-----BEGIN X-----\nSGVsbG8=\n-----END X-----\n\n",
		" -----BEGIN X-----\nSGVsbG8=\n-----END X-----\n",
		"-----BEGIN X-----\nSGVs\nbG8=\n-----END X-----\n",
		"-----BEGIN X-----\nSGVsbG8\n-----END X-----\n",
		"-----BEGIN X-----\nSGVsbG9=\n-----END X-----\n",
		"-----BEGIN X-----\nSG!sbG8=\n-----END X-----\n",
		"-----BEGIN X-----\n====\n-----END X-----\n",
		"-----BEGIN X-----\nSGVs bG8=\n-----END X-----\n", "\n-----END X-----\n-----BEGIN X-----\n" };
	struct arena *a = arena_open(4096);
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (pem_parse(a, "X", texts[i], &len))
			fail_msg("taken: %s", texts[i]);
	assert_non_null(pem_parse(a, "X", "-----BEGIN X-----\nSGVsbG8=\n-----END X-----\n", &len));
	arena_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
