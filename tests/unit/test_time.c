/* Times have one spelling; durations are bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/time.h"

static const struct {
	int64_t t;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00Z" },
	{ 951782400, "2000-02-29T00:00:00Z" },
	{ 1795395870, "2026-11-23T01:04:30Z" },
	{ 2147483648, "2038-01-19T03:14:08Z" },
	{ 253402300799, "9999-12-31T23:59:59Z" },
};

static void test_both_ways(void **state)
{
	char text[TIME_TEXT];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		assert_string_equal(time_print(times[i].t, text), times[i].text);
		assert_true(time_parse(times[i].text, &t));
		assert_int_equal(t, times[i].t);
	}
}

static void test_printing_takes_the_nearest(void **state)
{
	char text[TIME_TEXT];

	(void)state;
	assert_string_equal(time_print(-1, text), "1970-01-01T00:00:00Z");
	assert_string_equal(time_print(INT64_MAX, text), "9999-12-31T23:59:59Z");
}

static void test_other_spellings_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-23",
		"2026-11-23T01:04:30",
		"2026-11-23t01:04:30z",
		"2026-11-23 01:04:30Z",
		"2026-11-23T01:04:30+00:00",
		"2026-11-23T01:04:30.5Z",
		"2026-11-23T01:04:30Z ",
		" 026-11-23T01:04:30Z",
		"-026-11-23T01:04:30Z",
		"2026-02-29T00:00:00Z",
		"2026-02-30T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2016-12-31T23:59:60Z",
		"1969-12-31T23:59:59Z",
	};
	int64_t t = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (time_parse(bad[i], &t))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(t, 42);
}

static void test_durations(void **state)
{
	static const char *const bad[] = {
		"",
		"0d",
		"00s",
		"01d",
		"d",
		"1",
		"1w",
		"1dd",
		"1 d",
		"-1d",
		"+1d",
		"1.5d",
		" 1d",
		"1D",
		"36526d",
		"876601h",
		"99999999999999999999s",
	};
	int64_t v = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (time_parse_duration(bad[i], &v))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(v, 42);
	assert_true(time_parse_duration("90s", &v) && v == 90);
	assert_true(time_parse_duration("15m", &v) && v == 900);
	assert_true(time_parse_duration("12h", &v) && v == 43200);
	assert_true(time_parse_duration("825d", &v) && v == 71280000);
	assert_true(time_parse_duration("36525d", &v) && v == 36525LL * 86400);
}

static void test_clocks(void **state)
{
	int64_t before = time_monotonic_ms(), wall = time_now_ms();

	(void)state;
	assert_in_range(time_now(), time(NULL) - 1, time(NULL) + 1);
	assert_in_range(time_now() - wall / 1000, 0, 2);
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	assert_in_range(time_monotonic_ms() - before, 5, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_printing_takes_the_nearest),
		cmocka_unit_test(test_other_spellings_are_refused),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
