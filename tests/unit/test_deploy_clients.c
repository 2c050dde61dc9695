/* The lines of OpenVPN's management socket, as 2.6.14 prints them, and what nobody should print. */
#include "deploy_fixture.h"

static const char
    established[] = ">CLIENT:ESTABLISHED,7\n"
		    ">CLIENT:ENV,n_clients=1\n"
		    ">CLIENT:ENV,ifconfig_pool_remote_ip6=2001:db8:0:1f30::1\n"
		    ">CLIENT:ENV,common_name=a.example.org\n"
		    ">CLIENT:ENV,trusted_ip6=fd00::2\n"
		    ">CLIENT:ENV,trusted_port=1195\n"
		    ">CLIENT:ENV,time_unix=1795397854\n"
		    ">CLIENT:ENV,tls_serial_hex_0=40:0A:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18\n"
		    ">CLIENT:ENV,tls_serial_hex_1=27:61:ae\n"
		    ">CLIENT:ENV,END\n";

#define STATUS_HEADER \
	"TITLE\tOpenVPN 2.6.14\nTIME\t2026-11-23 01:37:37\t1795397857\n" \
	"HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\tBytes Rec" \
	"eived\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\tClient ID\tPeer " \
	"ID\tData Channel Cipher\n"
#define STATUS_LINE(name, address, id) \
	"CLIENT_LIST\t" name "\tfd00::2\t\t" address \
	"\t1925\t2054\t2026-11-23 01:37:34\t1795397854\tUNDEF\t" id "\t0\tAES-256-GCM\n"
#define STATUS_TAIL \
	"HEADER\tROUTING_TABLE\tVirtual Address\n" \
	"ROUTING_TABLE\t2001:db8:0:1f30::1\ta.example.org\tfd00::2\t2026-11-23 01:37:34\t1795397854\n" \
	"GLOBAL_STATS\tdco_enabled\t0\nEND\n"

/* The last piece of news that a text holds. */
static enum clients_news feed(struct clients *c, const char *text)
{
	char *copy = strdup(text), *rest = copy, *line;
	enum clients_news news = CLIENTS_NOTHING;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			news = clients_line(c, line);
	free(copy);
	return news;
}

static void test_serials(void **state)
{
	char out[CLIENT_SERIAL];

	(void)state;
	assert_true(clients_parse_serial("40:0A:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18", out));
	assert_string_equal(out, "400a0b0c0d0e0f101112131415161718");
	assert_true(clients_parse_serial("01:ff", out));
	assert_string_equal(out, "000000000000000000000000000001ff");
	assert_false(clients_parse_serial("", out));
	assert_false(clients_parse_serial(":", out));
	assert_false(clients_parse_serial("40:0g", out));
	assert_false(clients_parse_serial("40 0a", out));
	assert_false(clients_parse_serial("00:40:0a:0b:0c:0d:0e:0f:10:11:12:13:14:15:16:17:18", out));
}

static void test_event_tells_the_serial(void **state)
{
	struct clients c = { .event = NULL };
	struct client *v, gone;

	(void)state;
	assert_int_equal(feed(&c, established), CLIENTS_CONNECTED);
	v = map_get(&c.by_id, "7");
	assert_non_null(v);
	assert_string_equal(v->name, "a.example.org");
	assert_string_equal(v->serial, "400a0b0c0d0e0f101112131415161718");
	assert_true(v->has_address);
	assert_string_equal(v->remote, "fd00::2");
	assert_int_equal(v->since, 1795397854);
	assert_string_equal(c.told.name, "a.example.org");
	feed(&c, ">CLIENT:ENV,common_name=late.example.org\n");
	assert_string_equal(v->name, "a.example.org");
	feed(&c, ">CLIENT:DISCONNECT,7\n>CLIENT:ENV,common_name=b.example.org\n>CLIENT:ENV,END\n");
	assert_null(map_get(&c.by_id, "7"));
	assert_true(clients_take_gone(&c, &gone));
	assert_string_equal(gone.name, "a.example.org");
	assert_false(clients_take_gone(&c, &gone));
	clients_clear(&c);
}

static void test_status_adds_and_sweeps(void **state)
{
	struct clients c = { .event = NULL };
	struct client *v;

	(void)state;
	feed(&c, established);
	clients_expect_status(&c);
	feed(&c, ">CLIENT:ESTABLISHED,9\n>CLIENT:ENV,common_name=new.example.org\n>CLIENT:ENV,END\n");
	assert_int_equal(feed(&c,
			     STATUS_HEADER STATUS_LINE("b.example.org", "2001:db8:0:1f20::1", "8")
				 STATUS_LINE("UNDEF", "", "10") STATUS_TAIL),
	    CLIENTS_STATUS_END);
	assert_null(map_get(&c.by_id, "7"));
	assert_non_null(map_get(&c.by_id, "9"));
	v = map_get(&c.by_id, "8");
	assert_string_equal(v->name, "b.example.org");
	assert_string_equal(v->serial, "");
	assert_string_equal(v->remote, "fd00::2");
	assert_true(v->since == 1795397854 && v->received == 1925 && v->sent == 2054);
	v = map_get(&c.by_id, "10");
	assert_string_equal(v->name, "");
	assert_false(v->has_address);
	clients_clear(&c);
}

/* After a failed renegotiation the status forgets the name; the table doesn't. */
static void test_a_name_that_was_learnt_stays(void **state)
{
	struct clients c = { .event = NULL };
	const struct client *v;

	(void)state;
	feed(&c, established);
	clients_expect_status(&c);
	feed(&c, STATUS_HEADER STATUS_LINE("UNDEF", "2001:db8:0:1f30::1", "7") STATUS_TAIL);
	v = map_get(&c.by_id, "7");
	assert_string_equal(v->name, "a.example.org");
	assert_true(clients_is_meant(v, NULL, "a.example.org"));
	clients_clear(&c);
}

static void test_whom_a_cut_means(void **state)
{
	const char *serial = "400a0b0c0d0e0f101112131415161718", *other = "4f0000000000000000000000000000ff";
	struct client c = { .name = "a.example.org", .has_address = true };

	(void)state;
	assert_true(clients_is_meant(&c, serial, "a.example.org")); /* its serial is not known */
	assert_false(clients_is_meant(&c, serial, "b.example.org"));
	strcpy(c.serial, serial);
	assert_true(clients_is_meant(&c, serial, "a.example.org"));
	assert_false(clients_is_meant(&c, other, "a.example.org")); /* it has renewed already */
	assert_true(clients_is_meant(&c, NULL, "a.example.org"));
	assert_false(clients_is_meant(&c, NULL, "b.example.org"));
	c.name[0] = '\0';
	assert_true(clients_is_meant(&c, NULL, "b.example.org")); /* nobody knows who it is */
	c.has_address = false;
	assert_false(clients_is_meant(&c, NULL, "b.example.org")); /* it only just knocks */
}

static void test_hostile_lines_change_nothing(void **state)
{
	static const char *const lines[] = { ">CLIENT:ESTABLISHED,", ">CLIENT:ESTABLISHED,12345678901",
		">CLIENT:ESTABLISHED,7\t8", ">CLIENT:ESTABLISHED,-1", ">CLIENT:ENV,", ">CLIENT:ENV,END",
		">CLIENT:ENV,common_name=x", ">CLIENT:DISCONNECT,", ">CLIENT:DISCONNECT,99", "CLIENT_LIST\t",
		"CLIENT_LIST\ta\tb\tc\td\te\tf\tg\th\ti", "CLIENT_LIST\ta\tb\tc\td\te\tf\tg\th\ti\tx;y\tk\tl",
		">BYTECOUNT_CLI:7,1,2", "", "\t", "ERROR: common name 'X' not found" };
	struct clients c = { .event = NULL };
	char *big = malloc(CLIENT_LINE + 1);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(clients_line(&c, lines[i]), CLIENTS_NOTHING);
	memset(big, '\t', CLIENT_LINE);
	memcpy(big, "CLIENT_LIST", 11);
	big[CLIENT_LINE] = '\0';
	clients_line(&c, big);
	assert_int_equal(c.by_id.len, 0);
	free(big);
	clients_clear(&c);
}

#define SECOND(id, since) \
	"CLIENT_LIST\ta.example.org\t192.0.2.7:1195\t\t2001:db8::1\t1\t2\tx\t" since "\tUNDEF\t" id "\t0\tA\n"

/* Each name once, the newest of two; nobody without an address, or whose name is no gateway's. */
static void test_what_others_see(void **state)
{
	struct clients c = { .event = NULL };
	struct deploy_clients out = { .n = 0 };
	struct job j;

	(void)state;
	job_open(&j);
	feed(&c,
	    STATUS_HEADER SECOND("2", "20") SECOND("3", "30") SECOND("1", "10")
		STATUS_LINE("b.example.org", "2001:db8:0:1f20::1", "8") STATUS_LINE("c.example.org", "", "9")
		    STATUS_LINE("x\"} 1", "2001:db8::2", "10") STATUS_TAIL);
	live_copy(&j, &c, NULL, &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.list[0].name, "a.example.org");
	assert_string_equal(out.list[0].remote, "192.0.2.7");
	assert_int_equal(out.list[0].since, 30);
	assert_string_equal(out.list[1].name, "b.example.org");
	out = (struct deploy_clients){ .n = 0 };
	live_copy(&j, &c, "a.example.org", &out);
	assert_true(out.n == 1 && out.list[0].since == 30);
	out = (struct deploy_clients){ .n = 0 };
	live_copy(&j, &c, "d.example.org", &out);
	assert_int_equal(out.n, 0);
	clients_clear(&c);
	job_close(&j);
}

static void test_a_long_name_is_not_taken(void **state)
{
	struct clients c = { .event = NULL };
	struct client *v;

	(void)state;
	feed(&c,
	    ">CLIENT:ESTABLISHED,1\n"
	    ">CLIENT:ENV,common_name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	v = map_get(&c.by_id, "1");
	assert_string_equal(v->name, "");
	clients_clear(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_event_tells_the_serial),
		cmocka_unit_test(test_status_adds_and_sweeps),
		cmocka_unit_test(test_a_name_that_was_learnt_stays),
		cmocka_unit_test(test_whom_a_cut_means),
		cmocka_unit_test(test_hostile_lines_change_nothing),
		cmocka_unit_test(test_what_others_see),
		cmocka_unit_test(test_a_long_name_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
