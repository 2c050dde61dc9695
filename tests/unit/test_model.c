/* Goal: entities go in by their files alone, forks lie over a base and move it, and nothing broken gets in. */
#include <stdlib.h>

#include "model_fixture.h"

static const char USER[] = "{\"created\":\"2026-01-01T00:00:00Z\",\"enabled\":true,\"name\":\"%s\"}";
static const char ID[] = "{\"given\":\"2026-01-01T00:00:00Z\"}";

static struct job j;
static struct model *m;

static int set_up(void **state)
{
	(void)state;
	job_open(&j);
	m = fixture_model(&j);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	model_close(m);
	job_close(&j);
	return 0;
}

static void put_user(struct model *to, const char *path, const char *id_path, const char *name)
{
	put(&j, to, id_path, ID);
	put(&j, to, path, arena_printf(j.arena, USER, name));
}

static void refused(const char *path, const char *text, const char *why)
{
	assert_int_equal(model_put(&j, m, path, text, strlen(text)), E_CORRUPT);
	if (!strstr(j.message, why) || !strstr(j.message, path))
		fail_msg("\"%s\" does not say \"%s\" and \"%s\"", j.message, path, why);
	job_clear(&j);
}

static void test_paths_are_addresses(void **state)
{
	const struct network *n = model_network(m);
	char path[MODEL_PATH_MAX], text[IP_TEXT];
	struct ip_prefix p = model_gateway_prefix(n, 0x1f, 3);
	struct in6_addr a = model_gateway_address(n, 0x1f, 3);

	(void)state;
	model_user_path(n, 0x1f, path);
	assert_string_equal(path, "users/1/f/user.json");
	model_gateway_path(n, 0x1f, 3, path);
	assert_string_equal(path, "users/1/f/gateways/3.json");
	model_id_path(n, 0x1f, -1, path);
	assert_string_equal(path, "ledger/ids/1/f.json");
	model_release_path(n, 0x1f, 3, 12, path);
	assert_string_equal(path, "ledger/ids/1/f/3/released/12.json");
	model_ledger_path(ENTITY_CERTIFICATE, "4a3fb2c1d0e9f8a7b6c5d4e3f2a1b0c9", 1795395870, path);
	assert_string_equal(path, "ledger/certificates/2026-11/3/f/b/4a3fb2c1d0e9f8a7b6c5d4e3f2a1b0c9.json");
	assert_string_equal(ip_print_prefix(&p, text), "2001:db8:0:1f30::/60");
	assert_string_equal(ip_print_addr(&a, text), "2001:db8:0:1f30::1");
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "a.b", "laptop.johndoe.example.org", "1.2",
		"xn--bcher-kva.example" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A", "a_b", "a/b",
		"../x", "a b", "b\303\274cher.example", "a\n", "a%0a", "a;b", "a'b" };
	char label[70];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(model_is_gateway_name(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(model_is_gateway_name(bad[i]));
	memset(label, 'a', sizeof(label));
	label[65] = '\0';
	label[32] = '.';
	assert_false(model_is_gateway_name(label));
	label[64] = '\0';
	assert_true(model_is_gateway_name(label));
	label[32] = 'a';
	assert_false(model_is_gateway_name(label)); /* a label of 64 */
	assert_true(model_is_user_name("joe.doe_1-x"));
	assert_false(model_is_user_name("-joe"));
	assert_false(model_is_user_name("Joe"));
	assert_false(model_is_user_name("abcdefghijklmnopqrstuvwxyz0123456"));
}

static void test_broken_files_are_named(void **state)
{
	(void)state;
	refused("users/1/f/user.json",
	    "{\"created\":\"2026-01-01T00:00:00Z\",\"enabled\":1,\"name\":\"joe\"}", "enabled");
	refused("users/1/f/user.json", "{\"created\":\"yesterday\",\"enabled\":true,\"name\":\"joe\"}",
	    "created");
	refused("users/1/f/user.json", "{\n\n\"created\": x}", "line 3");
	refused("users/1/f/user.json",
	    "{\"created\":\"2026-01-01T00:00:00Z\",\"enabled\":true,\"name\":\"joe\",\"x\":1}", "x");
	refused("users/1f/user.json", "{}", "no file of this name");
	refused("users/1/f/gateways/g.json", "{}", "no file of this name");
	refused("users/1/f/gateways/33.json", "{}", "no file of this name");
	refused("users/1/f/../f/user.json", "{}", "no file of this name");
	refused("evil", "{}", "no file of this name");
	refused("format", "2\n", "layout 2");
	refused("ledger/certificates/2026-11/4/f/a/00112233445566778899aabbccddeeff.json", "{}", "kind");
	refused("ledger/revocations/2026-11/1/2/2/00112233445566778899aabbccddeeff.json",
	    "{\"at\":\"2026-01-01T00:00:00Z\",\"by\":\"x\",\"reason\":\"superseded\"}", "no certificate");
	assert_int_equal(model_count(m, ENTITY_USER), 0);
}

/* What is behind the bytes is nobody's: a line end there makes no number of them. */
static void test_a_format_ends_with_its_bytes(void **state)
{
	static const char *const bad[] = { "1", "\n", "\n\n\n", " 1\n", "+1\n", "1\n\n", "1 \n", "0\n", "" };
	const char bytes[] = { '1', '\n' };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused("format", bad[i], "not a layout version");
	assert_int_equal(model_put(&j, m, "format", bytes, 1), E_CORRUPT);
	job_clear(&j);
	assert_int_equal(model_put(&j, m, "format", bytes, 2), 0);
}

static void test_the_ledger_never_changes(void **state)
{
	(void)state;
	put(&j, m, "ledger/ids/1/f.json", ID);
	put(&j, m, "ledger/ids/1/f.json", ID);
	refused("ledger/ids/1/f.json", "{\"given\":\"2026-01-02T00:00:00Z\"}", "never change");
}

static void test_a_fork_hides_and_shows(void **state)
{
	struct model *fork;

	(void)state;
	put_user(m, "users/1/0/user.json", "ledger/ids/1/0.json", "joe");
	put_user(m, "users/1/1/user.json", "ledger/ids/1/1.json", "ann");
	fork = model_fork(m);
	put_user(fork, "users/1/0/user.json", "ledger/ids/1/0.json", "john"); /* renamed */
	assert_int_equal(model_remove(&j, fork, "users/1/1/user.json"), 0);
	put_user(
	    fork, "users/1/2/user.json", "ledger/ids/1/2.json", "ann"); /* another of the name that went */
	assert_null(model_user_by_name(fork, "joe"));
	assert_int_equal(model_user_by_name(fork, "john")->id, 0x10);
	assert_int_equal(model_user_by_name(fork, "ann")->id, 0x12);
	assert_null(model_user(fork, 0x11));
	assert_int_equal(model_count(fork, ENTITY_USER), 2);
	assert_int_equal(model_check(&j, fork), 0);
	assert_int_equal(model_user_by_name(m, "joe")->id, 0x10);
	assert_int_equal(model_count(m, ENTITY_USER), 2);
	model_absorb(m, fork);
	assert_null(model_user_by_name(m, "joe"));
	assert_int_equal(model_user_by_name(m, "john")->id, 0x10);
	assert_int_equal(model_user_by_name(m, "ann")->id, 0x12);
	assert_null(model_user(m, 0x11));
	assert_int_equal(model_count(m, ENTITY_USER), 2);
}

static void test_forks_of_forks(void **state)
{
	struct model *batch = model_fork(m), *own;
	const struct entity **touched;

	(void)state;
	put_user(batch, "users/1/0/user.json", "ledger/ids/1/0.json", "joe");
	own = model_fork(batch);
	assert_int_equal(model_user_by_name(own, "joe")->id, 0x10);
	assert_int_equal(model_remove(&j, own, "users/1/0/user.json"), 0);
	assert_null(model_user_by_name(own, "joe"));
	model_absorb(batch, own);
	assert_null(model_user(batch, 0x10));
	touched = model_touched(j.arena, batch, ENTITY_USER);
	assert_null(touched[0]); /* made and gone within the batch: nothing to do */
	model_absorb(m, batch);
	assert_int_equal(model_count(m, ENTITY_USER), 0);
	assert_non_null(model_id(m, 0x10, -1)); /* the ledger remembers */
}

/* Beside the same ids of two neighbours, whatever is missing among them. */
static void test_the_first_gateway_id_that_is_unused(void **state)
{
	unsigned seed = 1789, round, i, expected;

	(void)state;
	for (round = 0; round < 60; round++) {
		bool is_given[16];
		struct model *some = fixture_model(&j), *fork;
		unsigned end = 0;

		for (i = 0, expected = 16; i < 16; i++) {
			is_given[i] = rand_r(&seed) % 20 != 0;
			if (!is_given[i] && expected == 16)
				expected = i;
			if (is_given[i])
				put(&j, some, arena_printf(j.arena, "ledger/ids/1/f/%x.json", i), ID);
			end = is_given[i] ? i + 1 : end;
			put(&j, some, arena_printf(j.arena, "ledger/ids/1/e/%x.json", i), ID);
			put(&j, some, arena_printf(j.arena, "ledger/ids/2/0/%x.json", i), ID);
		}
		put(&j, some, "ledger/ids/1/f.json", ID);
		assert_int_equal(model_unused_gateway_id(some, 0x1f), expected);
		assert_int_equal(model_unused_gateway_id(some, 0x1e), 16);
		assert_int_equal(model_unused_gateway_id(some, 0x21), 0);
		assert_int_equal(model_given_gateway_ids(some, 0x1f), end);
		assert_int_equal(model_given_gateway_ids(some, 0x1e), 16);
		assert_int_equal(model_given_gateway_ids(some, 0x21), 0);
		fork = model_fork(some);
		assert_int_equal(model_unused_gateway_id(fork, 0x1f), expected);
		assert_int_equal(model_given_gateway_ids(fork, 0x1f), end);
		put(&j, fork, "ledger/ids/2/1/5.json", ID);
		assert_int_equal(model_given_gateway_ids(fork, 0x21), 6);
		model_close(fork);
		model_close(some);
	}
}

static void expect_in_order(enum entity_kind kind)
{
	const struct entity **e = model_all(j.arena, m, kind);
	size_t n;

	for (n = 0; e[n]; n++)
		if (n && strcmp(e[n - 1]->path, e[n]->path) >= 0)
			fail_msg("%s before %s", e[n - 1]->path, e[n]->path);
	assert_int_equal(n, model_count(m, kind));
}

static void test_what_is_absorbed_is_in_order(void **state)
{
	unsigned seed = 1848, round, i;

	(void)state;
	for (round = 0; round < 40; round++) {
		struct model *fork = model_fork(m);

		for (i = 0; i < 20; i++) {
			unsigned id = 0x10 + rand_r(&seed) % 0xe0;
			char path[MODEL_PATH_MAX], id_path[MODEL_PATH_MAX];

			model_user_path(model_network(m), id, path);
			model_id_path(model_network(m), id, -1, id_path);
			if (model_user(fork, id) && rand_r(&seed) % 2)
				assert_int_equal(model_remove(&j, fork, path), 0);
			else
				put_user(fork, path, id_path, arena_printf(j.arena, "u%u", id));
		}
		model_absorb(m, fork);
		expect_in_order(ENTITY_USER);
		expect_in_order(ENTITY_ID);
	}
}

static void expect_broken(struct model *fork, const char *why)
{
	assert_int_equal(model_check(&j, fork), E_CORRUPT);
	if (!strstr(j.message, why))
		fail_msg("\"%s\" does not say \"%s\"", j.message, why);
	job_clear(&j);
	model_close(fork);
}

static void test_invariants(void **state)
{
	static const char
	    gateway[] = "{\"allow\":%s,\"created\":\"2026-01-01T00:00:00Z\",\"device\":"
			"\"00112233445566778899aabbccddeeff\",\"enabled\":true,\"inbound\":\"deny\","
			"\"name\":\"%s\",\"routes\":\"prefix\"}";
	struct model *fork;

	(void)state;
	put_user(m, "users/1/0/user.json", "ledger/ids/1/0.json", "joe");
	fork = model_fork(m);
	put_user(fork, "users/1/1/user.json", "ledger/ids/1/1.json", "joe");
	expect_broken(fork, "another user");
	fork = model_fork(m);
	put_user(fork, "users/0/0/user.json", "ledger/ids/0/0.json", "root");
	expect_broken(fork, "reserved");
	fork = model_fork(m);
	put(&j, fork, "users/1/1/user.json", arena_printf(j.arena, USER, "ann"));
	expect_broken(fork, "ledger does not know");
	fork = model_fork(m);
	put(&j, fork, "ledger/ids/1/5/0.json", ID);
	put(&j, fork, "users/1/5/gateways/0.json", arena_printf(j.arena, gateway, "[]", "a.example.org"));
	expect_broken(fork, "its user does not exist");
	fork = model_fork(m);
	put(&j, fork, "ledger/ids/1/0/0.json", ID);
	put(&j, fork, "users/1/0/gateways/0.json", arena_printf(j.arena, gateway, "[]", "vpn.example.org"));
	expect_broken(fork, "server's name");
	fork = model_fork(m);
	put(&j, fork, "ledger/ids/1/0/0.json", ID);
	put(&j, fork, "users/1/0/gateways/0.json",
	    arena_printf(j.arena, gateway, "[{\"from\":\"user:nobody\",\"ports\":\"1\",\"proto\":\"tcp\"}]",
		"a.example.org"));
	expect_broken(fork, "user:nobody");
	put(&j, m, "ledger/ids/1/0/0.json", ID);
	put(&j, m, "users/1/0/gateways/0.json", arena_printf(j.arena, gateway, "[]", "a.example.org"));
	fork = model_fork(m);
	assert_int_equal(model_remove(&j, fork, "users/1/0/user.json"), 0);
	expect_broken(fork, "has gateways");
}

static void test_which_certificate_counts(void **state)
{
	static const char device[] = "00112233445566778899aabbccddeeff";
	static const char a[] = "40000000000000000000000000000001", b[] = "40000000000000000000000000000002";
	char path[MODEL_PATH_MAX];
	struct model *fork;

	(void)state;
	put_certificate(&j, m, a, device, "gateway", 1000, 9000);
	fork = model_fork(m);
	put_certificate(&j, fork, b, device, "gateway", 2000, 9000);
	model_ledger_path(ENTITY_SUPERSESSION, a, 1000, path);
	put(&j, fork, path, "{\"until\":\"1970-01-01T01:00:00Z\"}");
	assert_string_equal(model_current_certificate(fork, device)->serial.hex, b);
	assert_string_equal(model_current_certificate(m, device)->serial.hex, a);
	assert_true(model_is_live(fork, model_certificate(fork, a), 3599));
	assert_false(model_is_live(fork, model_certificate(fork, a), 3600));
	assert_true(model_is_live(m, model_certificate(m, a), 3600));
	assert_false(model_is_live(m, model_certificate(m, a), 9000));
	model_absorb(m, fork);
	assert_string_equal(model_certificates(j.arena, m, device)[0]->serial.hex, b);
	assert_string_equal(model_certificates(j.arena, m, device)[1]->serial.hex, a);
	assert_null(model_certificates(j.arena, m, device)[2]);
	model_ledger_path(ENTITY_REVOCATION, b, 2000, path);
	put(&j, m, path, "{\"at\":\"1970-01-01T00:50:00Z\",\"by\":\"x\",\"reason\":\"superseded\"}");
	assert_string_equal(model_current_certificate(m, device)->serial.hex, a);
	assert_false(model_is_live(m, model_certificate(m, b), 3000));
}

static const char *allow_text(const char *in)
{
	struct json *o;
	struct allow *list;
	struct buf b;
	size_t n;

	if (json_parse(&j, in, strlen(in), &o) || model_parse_allow(&j, model_network(m), o, &list, &n))
		return NULL;
	buf_open(&b, j.arena);
	json_print_compact(&b, model_allow_json(j.arena, list, n));
	return b.data;
}

static void test_allow(void **state)
{
	static const char *const bad[] = { "[\"tcp\"]", "[\"icmp/1\"]", "[\"tcp/0\"]", "[\"tcp/65536\"]",
		"[\"tcp/9-8\"]", "[\"tcp/022\"]", "[\"tcp/22-\"]", "[\"tcp/ 22\"]", "[1]",
		"[{\"proto\":\"tcp\"}]", "[{\"proto\":\"tcp\",\"ports\":22}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"x\":1}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"to\":\"10::1\"}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"to\":\"1:1::1\"}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"to\":\"1::/63\"}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"from\":\"user:\"}]",
		"[{\"proto\":\"tcp\",\"ports\":\"22\",\"from\":\"2001:db8::1/32\"}]" };
	size_t i;

	(void)state;
	assert_string_equal(allow_text("[\"tcp/22\",\"udp/5000-5010\"]"), "[\"tcp/22\",\"udp/5000-5010\"]");
	assert_string_equal(
	    allow_text("[{\"proto\":\"tcp\",\"ports\":\"80-80\",\"from\":\"any\"}]"), "[\"tcp/80\"]");
	assert_string_equal(
	    allow_text("[{\"proto\":\"udp\",\"ports\":\"53\",\"to\":\"1::80\",\"from\":\"vpn\"}]"),
	    "[{\"from\":\"vpn\",\"ports\":\"53\",\"proto\":\"udp\",\"to\":\"1::80\"}]");
	assert_string_equal(
	    allow_text("[{\"proto\":\"udp\",\"ports\":\"53\",\"to\":\"f::/64\",\"from\":\"2001:db8::/32\"}]"),
	    "[{\"from\":\"2001:db8::/32\",\"ports\":\"53\",\"proto\":\"udp\",\"to\":\"f::/64\"}]");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (allow_text(bad[i]))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(j.error, E_INVALID);
		job_clear(&j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths_are_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_files_are_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_format_ends_with_its_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_ledger_never_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_fork_hides_and_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forks_of_forks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_first_gateway_id_that_is_unused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_absorbed_is_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_invariants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_which_certificate_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_allow, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
