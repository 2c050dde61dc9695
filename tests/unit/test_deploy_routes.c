/* What deploy checks before it uses it: lines of ip/routes, the firewall's text. */
#include <arpa/inet.h>

#include "deploy_fixture.h"

static struct target target(void)
{
	struct target t = { .device = "tun-vpn" };

	assert_true(ip_parse_prefix("2001:db8::/48", &t.prefix));
	return t;
}

static void test_routes(void **state)
{
	struct target t = target();
	char out[ROUTE_TEXT];

	(void)state;
	assert_true(route_parse(&t, "2001:db8:0:1f30::/60 dev tun-vpn metric 1024", out));
	assert_string_equal(out, "2001:db8:0:1f30::/60 dev tun-vpn metric 1024");
	assert_true(route_parse(&t, "2001:DB8:0000::/60  dev tun-vpn  metric 1", out));
	assert_string_equal(out, "2001:db8::/60 dev tun-vpn metric 1");
	assert_true(route_parse(&t, "unreachable 2001:db8::/48 metric 4096", out));
	assert_string_equal(out, "unreachable 2001:db8::/48 metric 4096");
}

static void test_no_routes(void **state)
{
	static const char *const lines[] = { "", " ", "2001:db8:0:1f30::/60",
		"2001:db8:0:1f30::/60 dev tun-vpn", "2001:db8:0:1f30::/60 dev eth0 metric 1",
		"2001:db8:0:1f30::/60 metric 1 dev tun-vpn", "2001:db8:0:1f30::/60 dev tun-vpn metric 0",
		"2001:db8:0:1f30::/60 dev tun-vpn metric 1x",
		"2001:db8:0:1f30::/60 dev tun-vpn metric 99999999999",
		"2001:db8:0:1f30::1 dev tun-vpn metric 1", "2001:db8:0:1f31::/60 dev tun-vpn metric 1",
		"2001:db8::/47 dev tun-vpn metric 1", "2001:db9::/60 dev tun-vpn metric 1",
		"2001:db8:0:1f30::/60 dev tun-vpn metric 1 proto 2",
		"2001:db8:0:1f30::/60\tdev\ttun-vpn\tmetric\t1", "unreachable 2001:db8::/48 metric",
		"unreachable 2001:db8::/48 metric 1 table 2", "blackhole 2001:db8::/48 metric 1",
		"unreachable ::/0 metric 1", "a b c d e f g h i j k",
		"2001:db8:0:1f30::/60 dev tun-vpn metric +1" };
	struct target t = target();
	char out[ROUTE_TEXT], *big = calloc(1, 10001);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (route_parse(&t, lines[i], out))
			fail_msg("taken: %s", lines[i]);
	memset(big, ' ', 10000);
	assert_false(route_parse(&t, big, out));
	free(big);
}

static int check(struct place *p, const char *text)
{
	int error = ruleset_check(&p->job, text, strlen(text));

	job_clear(&p->job);
	return error;
}

#define BEGIN "table inet vpnunit {}\ndelete table inet vpnunit\ntable inet vpnunit {\n"

static void test_rules(void **state)
{
	struct place *p = *state;

	assert_int_equal(check(p, ""), 0);
	assert_int_equal(check(p, "# flush ruleset\n\n" BEGIN "}\n"), 0);
	assert_int_equal(
	    check(
		p, BEGIN "\tset s {\n\t\ttype ipv6_addr\n\t\telements = {\n\t\t\t2001:db8::,\n\t\t}\n\t}\n}"),
	    0);
	assert_int_equal(
	    check(p,
		BEGIN "\tchain c {\n\t\ttype filter hook forward priority filter; policy accept;\n"
		      "\t\ticmpv6 type { echo-request, echo-reply } accept\n\t}\n}\n"),
	    0);
}

static void test_no_rules(void **state)
{
	static const char *const texts[] = { "flush ruleset\n", "table ip vpnunit {}\n",
		"table inet other {\n}\n", "add table inet x\n", "table inet vpnunit {} flush ruleset\n",
		"table inet vpnunit {}; flush ruleset\n", BEGIN, BEGIN "}}\n", "}\n",
		BEGIN "} flush ruleset\n", BEGIN "};flush ruleset\n", BEGIN "include \"/etc/shadow\"\n}\n",
		BEGIN "iifname \"#\" } } flush ruleset\n}\n", BEGIN "iifname \"{\"\n}\n}\nflush ruleset\n",
		BEGIN "iifname \"a\nb\"\n}\n", BEGIN "a # b\n}\n", BEGIN "\\\n}\n", BEGIN "\xc3\xa4\n}\n",
		BEGIN "chain c {\ntype filter hook input priority 0; policy drop;\n}\n}\n",
		BEGIN "chain c {\ntype filter hook forward priority filter; policy drop;\n}\n}\n",
		BEGIN "a\rb\n}\n" };
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (check(p, texts[i]) != E_CORRUPT)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(ruleset_check(&p->job, BEGIN "\0}\n", sizeof(BEGIN "\0}\n") - 1), E_CORRUPT);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_no_routes),
		PLACED(test_rules),
		PLACED(test_no_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
