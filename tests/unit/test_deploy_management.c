/*
 * The thread of the management socket, against a socket that answers as
 * OpenVPN 2.6.14 does; tests/net has the real one.
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/feed.h"
#include "deploy_fixture.h"

static const char
    greeting[] = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n";
static const char serial_a[] = "400a0b0c0d0e0f101112131415161718",
		  serial_b[] = "4f0000000000000000000000000000ff";

/* Digests of what OpenVPN was started with, and of what would be another one. */
#define OLD "1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222222222222222222222222222"

struct server { /* OpenVPN's side */
	int listener, fd;
	char in[8192];
	size_t len;
};

static struct server serve(struct place *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct server s = { .listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .fd = -1 };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/openvpn.sock", p->data);
	unlink(a.sun_path);
	assert_int_equal(bind(s.listener, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s.listener, 1), 0);
	return s;
}

static void say(struct server *s, const char *text)
{
	assert_int_equal(send(s->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The next line that the thread sends; NULL: none within ms. */
static char *hear(struct server *s, int ms)
{
	static char line[256];
	struct pollfd fd = { .fd = s->fd, .events = POLLIN };
	char *end;

	while (!(end = memchr(s->in, '\n', s->len))) {
		ssize_t n;

		if (poll(&fd, 1, ms) <= 0)
			return NULL;
		n = recv(s->fd, s->in + s->len, sizeof(s->in) - s->len, 0);
		if (n <= 0)
			return NULL;
		s->len += (size_t)n;
	}
	*end = '\0';
	snprintf(line, sizeof(line), "%.200s", s->in);
	s->len -= (size_t)(end + 1 - s->in);
	memmove(s->in, end + 1, s->len);
	return line;
}

static void expect(struct server *s, const char *line)
{
	const char *heard = hear(s, 5000);

	assert_non_null(heard);
	assert_string_equal(heard, line);
}

static void take(struct server *s)
{
	struct pollfd fd = { .fd = s->listener, .events = POLLIN };

	assert_int_equal(poll(&fd, 1, 5000), 1);
	s->fd = accept(s->listener, NULL, NULL);
	assert_true(s->fd >= 0);
	s->len = 0;
	say(s, greeting);
	expect(s, "echo on all");
	say(s,
	    "SUCCESS: real-time echo notification set to ON\r\n1795407710,vpnunit-config " OLD "\r\nEND\r\n");
}

static void hang_up(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	close(s->listener);
	s->fd = s->listener = -1;
}

static void client(struct server *s, const char *id, const char *name, const char *serial)
{
	char text[512];

	snprintf(text, sizeof(text),
	    ">CLIENT:ESTABLISHED,%s\r\n>CLIENT:ENV,ifconfig_pool_remote_ip6=2001:db8::9\r\n"
	    ">CLIENT:ENV,common_name=%s\r\n>CLIENT:ENV,tls_serial_hex_0=%s\r\n>CLIENT:ENV,END\r\n",
	    id, name, serial);
	say(s, text);
}

/* The answer to `status 3`: ids and names in turns, NULL-terminated. */
static void status(struct server *s, const char *const *clients)
{
	char text[512];

	say(s, "TITLE\tOpenVPN 2.6.14\r\nHEADER\tCLIENT_LIST\tCommon Name\r\n");
	for (; *clients; clients += 2) {
		snprintf(text, sizeof(text),
		    "CLIENT_LIST\t%s\tfd00::2\t\t2001:db8::9\t1\t2\t3\t4\tUNDEF\t%s\t0\tAES-256-GCM\r\n",
		    clients[1], clients[0]);
		say(s, text);
	}
	say(s, "GLOBAL_STATS\tdco_enabled\t0\r\nEND\r\n");
}

static struct feed *feed;

static int open_both(void **state)
{
	feed = feed_open();
	return place_open(state);
}

static int close_both(void **state)
{
	feed_close(feed);
	return place_close(state);
}

static struct management *begin(struct place *p)
{
	struct management *m = NULL;

	assert_int_equal(management_open(&p->job, p->data, feed, &m), 0);
	return m;
}

static bool is_running(struct management *m)
{
	char configuration[CONFIGURATION_DIGEST];

	for (int i = 0; i < 200; i++) {
		if (management_status(m, configuration))
			return true;
		usleep(10000);
	}
	return false;
}

static void test_cut_by_serial(void **state)
{
	static const char *const both[] = { "0", "a.example.org", "1", "a.example.org", NULL };
	const struct deploy_cut cut = { .serial = serial_a, .name = "a.example.org" };
	struct server s = serve(*state);
	struct management *m = begin(*state);

	take(&s);
	expect(&s, "status 3");
	client(&s, "0", "a.example.org", "40:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18");
	client(&s, "1", "a.example.org", "4f:00:00:00:00:00:00:00:00:00:00:00:00:00:00:ff");
	status(&s, both);
	assert_true(is_running(m));
	usleep(100000); /* the first answer is not to be the cut's */
	management_submit(m, &cut, 1, RESTART_NOT);
	expect(&s, "status 3");
	status(&s, both);
	expect(&s, "client-kill 0");
	management_settle(m, 5000);
	assert_null(hear(&s, 200)); /* the honest one that has renewed stays */
	hang_up(&s);
	management_close(m);
}

static void test_who_was_there_before_is_cut_by_name(void **state)
{
	static const char *const all[] = { "0", "a.example.org", "1", "b.example.org", "2", "UNDEF", NULL };
	const struct deploy_cut cut = { .serial = serial_b, .name = "b.example.org" };
	struct server s = serve(*state);
	struct management *m = begin(*state);
	const char *first, *second;
	char *copy;

	management_submit(m, &cut, 1, RESTART_NOT);
	take(&s);
	expect(&s, "status 3");
	status(&s, all);
	first = copy = strdup(hear(&s, 5000));
	second = hear(&s, 5000);
	/* The order is the table's. */
	assert_true((!strcmp(first, "client-kill 1") && !strcmp(second, "client-kill 2")) ||
	    (!strcmp(first, "client-kill 2") && !strcmp(second, "client-kill 1")));
	assert_null(hear(&s, 200));
	free(copy);
	hang_up(&s);
	management_close(m);
}

static void write_configuration(struct place *p, const char *digest)
{
	assert_int_equal(fs_mkdirs(&p->job, place_path(p, "ovpn"), 0755), 0);
	place_write(p, "ovpn/server.conf", 0644,
	    arena_printf(p->job.arena, "# echo vpnunit-config x\nverb 3\necho vpnunit-config %s\n", digest));
}

static void test_restart_comes_after_the_cuts(void **state)
{
	static const char *const one[] = { "5", "a.example.org", NULL };
	const struct deploy_cut cut = { .name = "a.example.org" };
	char configuration[CONFIGURATION_DIGEST] = "";
	struct server s = serve(*state);
	struct management *m = begin(*state);

	write_configuration(*state, NEW);
	take(&s);
	expect(&s, "status 3");
	assert_true(is_running(m));
	management_submit(m, &cut, 1, RESTART_IF_OTHER);
	management_status(m, configuration);
	assert_string_equal(configuration, OLD);
	status(&s, one);
	expect(&s, "client-kill 5");
	expect(&s, "signal SIGHUP");
	say(&s, ">ECHO:1795407715,vpnunit-config " NEW "\r\n");
	for (int i = 0; i < 200 && strcmp(configuration, NEW) != 0; i++) {
		usleep(10000);
		management_status(m, configuration);
	}
	assert_string_equal(configuration, NEW);
	hang_up(&s);
	management_close(m);
}

/* Answers whatever it asks, for as long as it asks. */
static bool hears_sighup(struct server *s)
{
	static const char *const none[] = { NULL };
	const char *line;

	while ((line = hear(s, 500))) {
		if (strcmp(line, "signal SIGHUP") == 0)
			return true;
		assert_string_equal(line, "status 3");
		status(s, none);
	}
	return false;
}

static void test_what_it_runs_with_needs_no_restart(void **state)
{
	struct server s = serve(*state);
	struct management *m = begin(*state);

	write_configuration(*state, OLD);
	take(&s);
	assert_true(is_running(m));
	management_submit(m, NULL, 0, RESTART_IF_OTHER);
	assert_false(hears_sighup(&s));
	assert_true(management_restart(m)); /* but may be asked for */
	assert_true(hears_sighup(&s));
	hang_up(&s);
	management_close(m);
}

static void test_it_comes_back_after_openvpn_does(void **state)
{
	static const char *const none[] = { NULL };
	struct server s;
	struct management *m = begin(*state);

	usleep(200000); /* nobody listens yet */
	for (int i = 0; i < 2; i++) {
		s = serve(*state);
		take(&s);
		expect(&s, "status 3");
		status(&s, none);
		assert_true(is_running(m));
		hang_up(&s);
	}
	management_close(m);
}

static void test_without_openvpn_there_is_nobody_to_cut(void **state)
{
	const struct deploy_cut cut = { .name = "a.example.org" };
	struct management *m = begin(*state);
	int64_t start = time_monotonic_ms();

	management_submit(m, &cut, 1, RESTART_ANYWAY);
	management_settle(m, 5000);
	assert_true(time_monotonic_ms() - start < 1000);
	assert_false(management_restart(m));
	management_close(m);
}

/* Another one holds the socket: we are connected and hear nothing, and the cut waits for its turn. */
static void test_a_taken_socket_keeps_the_cut(void **state)
{
	static const char *const one[] = { "3", "a.example.org", NULL };
	const struct deploy_cut cut = { .name = "a.example.org" };
	struct server s = serve(*state);
	struct management *m = begin(*state);
	char configuration[CONFIGURATION_DIGEST];

	usleep(100000);
	management_submit(m, &cut, 1, RESTART_NOT);
	usleep(800000);
	assert_false(management_status(m, configuration));
	take(&s);
	expect(&s, "status 3");
	status(&s, one);
	expect(&s, "client-kill 3");
	hang_up(&s);
	management_close(m);
}

static void test_hostile_bytes(void **state)
{
	static const char *const one[] = { "3", "a.example.org", NULL };
	const struct deploy_cut cut = { .name = "a.example.org" };
	struct server s = serve(*state);
	struct management *m = begin(*state);
	char *big = malloc(100001);

	memset(big, 'x', 100000);
	big[100000] = '\0';
	take(&s);
	expect(&s, "status 3");
	say(&s, ">CLIENT:ESTABLISHED,1\n\n\r\n\x01\xff\n>CLIENT:ENV,common_name=");
	say(&s, big); /* a line without an end in sight */
	say(&s, "\nEND\n>CLIENT:ENV,common_name=a.example.org\n");
	usleep(300000); /* that END is not to be the answer to what comes now */
	management_submit(m, &cut, 1, RESTART_NOT);
	expect(&s, "status 3");
	say(&s, "client-kill 9\nSUCCESS: client-kill command succeeded\n");
	status(&s, one);
	expect(&s, "client-kill 3");
	assert_null(hear(&s, 100));
	free(big);
	hang_up(&s);
	management_close(m);
}

static void test_a_path_longer_than_a_socket_may_have(void **state)
{
	static const char *const none[] = { NULL };
	struct place *p = *state;
	char *folder = arena_alloc(p->job.arena, 201);
	const char *data;
	struct management *m;
	struct server s;

	memset(folder, 'f', 200);
	data = arena_printf(p->job.arena, "%s/%s", p->data, folder);
	assert_int_equal(mkdir(data, 0755), 0);
	s = serve(p);
	assert_int_equal(rename(place_path(p, "run"), arena_printf(p->job.arena, "%s/run", data)), 0);
	assert_int_equal(management_open(&p->job, data, feed, &m), 0);
	take(&s);
	expect(&s, "status 3");
	status(&s, none);
	assert_true(is_running(m));
	hang_up(&s);
	management_close(m);
}

/* The next piece of news, which has to come soon. */
static void expect_news(struct place *p, uint64_t *at, const char *kind, const char *text)
{
	struct feed_news news;

	assert_int_equal(feed_next(&p->job, feed, at, 5000, &news), FEED_NEWS);
	assert_string_equal(news.kind, kind);
	assert_string_equal(news.text, text);
}

static void test_who_comes_and_goes_is_told(void **state)
{
	static const char *const none[] = { NULL }, *const one[] = { "5", "a.example.org", NULL };
	static const char serial[] = "40:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18";
	const struct deploy_cut other = { .name = "b.example.org" };
	struct server s = serve(*state);
	struct place *p = *state;
	struct management *m = begin(p);
	struct deploy_clients c;
	uint64_t at = 0;

	management_clients(&p->job, m, NULL, &c);
	assert_false(c.is_known);
	take(&s);
	expect(&s, "status 3");
	expect_news(p, &at, "openvpn", "{\"running\":true}");
	management_clients(&p->job, m, NULL, &c);
	assert_false(c.is_known); /* it has greeted, and not yet told who is there */
	status(&s, none);
	client(&s, "4", "a.example.org", serial);
	expect_news(p, &at, "connect", "{\"gateway\":\"a.example.org\",\"remote\":null}");
	management_clients(&p->job, m, "a.example.org", &c);
	assert_true(c.is_known && c.n == 1);
	client(&s, "5", "a.example.org", serial); /* it comes again, by another way */
	expect_news(p, &at, "connect", "{\"gateway\":\"a.example.org\",\"remote\":null}");
	management_submit(m, &other, 1, RESTART_NOT); /* so that the table is asked for */
	expect(&s, "status 3");
	status(&s, one); /* only the one before has gone */
	management_settle(m, 5000);
	management_submit(m, &other, 1, RESTART_NOT);
	expect(&s, "status 3");
	status(&s, none);
	expect_news(p, &at, "disconnect",
	    "{\"gateway\":\"a.example.org\",\"received\":1,\"remote\":\"fd00::2\",\"sent\":2}");
	hang_up(&s);
	expect_news(p, &at, "openvpn", "{\"running\":false}");
	management_clients(&p->job, m, NULL, &c);
	assert_false(c.is_known);
	management_close(m);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, open_both, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_cut_by_serial),
		PLACED(test_who_was_there_before_is_cut_by_name),
		PLACED(test_restart_comes_after_the_cuts),
		PLACED(test_what_it_runs_with_needs_no_restart),
		PLACED(test_it_comes_back_after_openvpn_does),
		PLACED(test_without_openvpn_there_is_nobody_to_cut),
		PLACED(test_a_taken_socket_keeps_the_cut),
		PLACED(test_hostile_bytes),
		PLACED(test_a_path_longer_than_a_socket_may_have),
		PLACED(test_who_comes_and_goes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
