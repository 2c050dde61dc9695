/* Prefixes: RFC 5952 out, nothing but plain IPv6 in, and the arithmetic of the address plan. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/ip.h"

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	if (!ip_parse_prefix(text, &p))
		fail_msg("\"%s\" was refused", text);
	return p;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	if (!ip_parse_addr(text, &a))
		fail_msg("\"%s\" was refused", text);
	return a;
}

static void test_print_is_canonical(void **state)
{
	static const char *const cases[][2] = {
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* a single zero stays */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" }, /* the longest run */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, /* the first of two */
		{ "0:0:0:0:0:0:102:304", "::102:304" }, /* no dots: what is printed can be read */
		{ "::ffff:0:102:304", "::ffff:0:102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "fe80:0001::0", "fe80:1::" },
	};
	char text[IP_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct in6_addr a = addr(cases[i][0]);

		assert_string_equal(ip_print_addr(&a, text), cases[i][1]);
	}
}

/* The C library prints the same, but for the forms with dots. */
static void test_print_agrees_with_the_library(void **state)
{
	char text[IP_TEXT], want[INET6_ADDRSTRLEN];
	struct in6_addr a = { 0 };
	uint32_t r = 7;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		for (int i = 0; i < 8; i++) {
			r = r * 1664525u + 1013904223u;
			a.s6_addr[2 * i] = r >> 30 ? 0 : (uint8_t)(r >> 20);
			a.s6_addr[2 * i + 1] = r >> 28 & 1 ? 0 : (uint8_t)(r >> 12);
		}
		inet_ntop(AF_INET6, &a, want, sizeof(want));
		if (!strchr(want, '.'))
			assert_string_equal(ip_print_addr(&a, text), want);
	}
}

static void test_bad_addresses(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"1",
		"::1%lo",
		"::1.2.3.4",
		"::ffff:1.2.3.4",
		"::ffff:102:304",
		"1.2.3.4",
		"::1/64",
		" ::1",
		"::1 ",
		"::g",
		"1::2::3",
		"12345::",
		"1:2:3:4:5:6:7:8:9",
		"[::1]",
	};
	struct in6_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ip_parse_addr(bad[i], &a))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_prefixes(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"::",
		"2001:db8::",
		"2001:db8::/",
		"/48",
		"2001:db8::/129",
		"2001:db8::/-1",
		"2001:db8::/+48",
		"2001:db8::/048",
		"2001:db8::/48 ",
		"2001:db8::/48/48",
		"2001:db8::1/48",
		"2001:db8::/28",
		"2001:db8::%0/48",
		"::ffff:0:0/96",
		"::1.2.3.4/128",
		"2001:db8::/0x30",
		"2001:db8::/4294967344",
		"0000000000000000000000000000000000000000000000000000000::/48",
	};
	static const char *const good[] = { "::/0", "2001:470:c844::/48", "2001:db8::/29", "8000::/1",
		"::1/128" };
	struct ip_prefix p;
	char text[IP_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ip_parse_prefix(bad[i], &p))
			fail_msg("\"%s\" was taken", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		p = prefix(good[i]);
		assert_string_equal(ip_print_prefix(&p, text), good[i]);
	}
	p = prefix("fff0:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
	assert_string_equal(ip_print_prefix(&p, text), "fff0:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void test_address_plan(void **state)
{
	struct ip_prefix net = prefix("2001:470:c844::/48"), user = ip_extend(&net, 8, 0x1f);
	struct ip_prefix gateway = ip_extend(&user, 4, 3);
	struct in6_addr own = ip_host(&gateway, 1);
	char text[IP_TEXT];

	(void)state;
	assert_string_equal(ip_print_prefix(&user, text), "2001:470:c844:1f00::/56");
	assert_string_equal(ip_print_prefix(&gateway, text), "2001:470:c844:1f30::/60");
	assert_string_equal(ip_print_addr(&own, text), "2001:470:c844:1f30::1");
	assert_int_equal(ip_slice(&own, 48, 8), 0x1f);
	assert_int_equal(ip_slice(&own, 56, 4), 3);
	assert_int_equal(ip_slice(&own, 64, 64), 1);
	assert_true(ip_contains(&user, &own));
	assert_true(ip_contains(&net, &gateway.addr));
	own = addr("2001:470:c844:1f40::1");
	assert_false(ip_contains(&gateway, &own));
}

/* Bits that lie across bytes, and the ends of the ranges. */
static void test_bits(void **state)
{
	struct ip_prefix p = prefix("2001:db8::/33"), all = prefix("::/0");
	struct ip_prefix half = ip_extend(&all, 64, UINT64_MAX),
			 full = ip_extend(&half, 64, 0x0123456789abcdef);
	char text[IP_TEXT];
	struct in6_addr a;

	(void)state;
	p = ip_extend(&p, 5, 0xfff15); /* the low five bits alone: 10101 */
	assert_string_equal(ip_print_prefix(&p, text), "2001:db8:5400::/38");
	assert_int_equal(ip_slice(&p.addr, 33, 5), 0x15);
	assert_string_equal(ip_print_prefix(&full, text), "ffff:ffff:ffff:ffff:123:4567:89ab:cdef/128");
	assert_true(ip_slice(&full.addr, 0, 64) == UINT64_MAX);
	assert_true(ip_slice(&full.addr, 64, 64) == 0x0123456789abcdef);
	p = ip_extend(&full, 0, 0);
	assert_memory_equal(&p, &full, sizeof(p));
	a = ip_host(&half, UINT64_MAX);
	assert_string_equal(ip_print_addr(&a, text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_true(ip_contains(&all, &a));
	a.s6_addr[15] ^= 1;
	assert_false(ip_contains(
	    &(struct ip_prefix){ .addr = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), .len = 128 }, &a));
}

static void test_mask(void **state)
{
	static const struct {
		unsigned len;
		const char *text;
	} cases[] = {
		{ 0, "::" },
		{ 1, "8000::" },
		{ 60, "ffff:ffff:ffff:fff0::" },
		{ 64, "ffff:ffff:ffff:ffff::" },
		{ 128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[IP_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct in6_addr mask = ip_mask(cases[i].len);

		assert_string_equal(ip_print_addr(&mask, text), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_is_canonical),
		cmocka_unit_test(test_print_agrees_with_the_library),
		cmocka_unit_test(test_bad_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_address_plan),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
