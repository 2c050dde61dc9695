/*
 * The HTTP room with a small route table of its own, over real sockets: what
 * a client may send wrong, and what every answer has.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "http/http.h"

enum { ANSWER_MAX = 128 * 1024 };

#define TOKEN "Authorization: Bearer secret\r\n"
#define JSON "Content-Type: application/json\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define POST_THINGS "POST /things HTTP/1.1\r\n" TOKEN JSON
#define POST_A "POST /thing/a HTTP/1.1\r\n" TOKEN JSON

static struct {
	char folder[64], socket[96], listen[128], tcp[64];
	unsigned port;
	struct http *http;
	struct job job;
	char answer[ANSWER_MAX];
	int handled;
} t;

static int get_thing(struct http_request *req, struct http_response *res)
{
	static const char *const known[] = { "a", NULL };
	const char *a;

	if (http_query_known(req, known))
		return req->job->error;
	a = http_query(req, "a");
	res->json = json_object(req->job->arena);
	json_add_string(req->job->arena, res->json, "name", req->params[0]);
	json_add_string(req->job->arena, res->json, "a", a);
	json_add_string(req->job->arena, res->json, "if_match", req->if_match);
	res->etag = "tag";
	return 0;
}

static int post_thing(struct http_request *req, struct http_response *res)
{
	const char *name = NULL;

	t.handled++;
	if (req->body && json_want_string(req->job, req->body, "name", true, &name))
		return req->job->error;
	res->status = 201;
	http_set_header(req->job, res, "Location", name ? name : "none");
	return 0;
}

static int fail_thing(struct http_request *req, struct http_response *res)
{
	(void)res;
	job_extra(req->job, "renewable_from", "2026-01-01T00:00:00Z");
	if (strcmp(req->params[0], "busy") == 0)
		return job_fail(req->job, E_BUSY, "busy", "later");
	if (strcmp(req->params[0], "full") == 0)
		return job_fail(req->job, E_IO, "disk_full", "the disk is full");
	return job_fail_field(req->job, "name", "is wrong");
}

static int get_secret(struct http_request *req, struct http_response *res)
{
	res->text = arena_strdup(req->job->arena, "key");
	res->text_len = 3;
	res->content_type = "text/plain";
	res->is_secret = true;
	return 0;
}

static int get_public(struct http_request *req, struct http_response *res)
{
	res->json = json_object(req->job->arena);
	return 0;
}

static atomic_int endless; /* 1: it runs, 2: it has been let go */

/* A stream that has always something to say. */
static int get_endless(struct http_request *req, struct http_response *res)
{
	static const char much[64 * 1024] = "much";

	res->content_type = "text/plain";
	if (http_stay(req))
		return req->job->error;
	endless = 1;
	http_begin(req);
	while (http_write(req, much, sizeof(much)))
		;
	endless = 2;
	return 0;
}

static int get_pieces(struct http_request *req, struct http_response *res)
{
	bool is_bad = strcmp(req->params[0], "bad") == 0;

	res->content_type = "text/plain";
	http_begin(req);
	http_write(req, "one", 3);
	http_write(req, "", 0);
	http_write(req, "four", 4);
	return is_bad ? job_fail(req->job, E_IO, "io", "it broke") : 0;
}

static const struct http_route routes[] = {
	{ "GET", "/endless", 0, get_endless },
	{ "GET", "/pieces/{}", 0, get_pieces },
	{ "GET", "/public", HTTP_PUBLIC, get_public },
	{ "GET", "/secret", 0, get_secret },
	{ "POST", "/things", HTTP_BODY, post_thing },
	{ "GET", "/thing/{}", 0, get_thing },
	{ "POST", "/thing/{}", HTTP_BODY_OPTIONAL, post_thing },
	{ "GET", "/fail/{}", 0, fail_thing },
};

/* "secret" may all, "reader" not use what has the application's flag; peers of the own socket need no token. */
static int identify(struct http_request *req, const struct http_credentials *c)
{
	char secret[DIGEST_HEX], reader[DIGEST_HEX];

	digest_sha256_hex("secret", 6, secret);
	digest_sha256_hex("reader", 6, reader);
	if (!c->digest && c->has_peer && c->peer == geteuid())
		req->job->actor = "peer";
	else if (!c->digest)
		return job_fail(req->job, E_DENIED, "token_required", "no token");
	else if (strcmp(c->digest, secret) == 0)
		req->job->actor = "admin";
	else if (strcmp(c->digest, reader) != 0)
		return job_fail(req->job, E_DENIED, "token_invalid", "not known");
	else if (c->flags & HTTP_APPLICATION)
		return job_fail(req->job, E_DENIED, "forbidden", "not for you");
	return 0;
}

static unsigned free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static int open_server(struct job *j, const char **listen_on, size_t n, struct http **out)
{
	struct http_options o = {
		.listen = listen_on,
		.listen_n = n,
		.allow_cleartext = true,
		.identify = identify,
		.routes = routes,
		.routes_n = sizeof(routes) / sizeof(*routes),
	};

	return http_open(j, &o, out);
}

static int set_up(void **state)
{
	char v6[64];
	const char *listen_on[] = { t.listen, t.tcp, v6 };

	(void)state;
	job_open(&t.job);
	snprintf(t.folder, sizeof(t.folder), "/tmp/vpnunit-http-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	snprintf(t.socket, sizeof(t.socket), "%s/1s", t.folder); /* not a TLS port */
	snprintf(t.listen, sizeof(t.listen), "unix:%s", t.socket);
	t.port = free_port();
	snprintf(t.tcp, sizeof(t.tcp), "127.0.0.1:%u", t.port);
	snprintf(v6, sizeof(v6), "[::1]:%u", t.port);
	assert_int_equal(open_server(&t.job, listen_on, 3, &t.http), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_close(t.http);
	assert_int_not_equal(access(t.socket, F_OK), 0); /* the server took its socket away */
	rmdir(t.folder);
	job_close(&t.job);
	return 0;
}

static int dial(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", t.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void take_answer(int fd)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, t.answer + len, ANSWER_MAX - len - 1, 0)) > 0)
		len += (size_t)n;
	t.answer[len] = '\0';
	close(fd);
}

/* Send bytes, close our side, take everything that comes back; returns the status, 0: no answer. */
static int talk_bytes(const char *bytes, size_t len)
{
	int fd = dial();

	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
	shutdown(fd, SHUT_WR);
	take_answer(fd);
	return strncmp(t.answer, "HTTP/1.", 7) == 0 ? atoi(t.answer + 9) : 0;
}

static int talk(const char *text)
{
	return talk_bytes(text, strlen(text));
}

static void assert_answer_has(const char *part)
{
	if (!strstr(t.answer, part))
		fail_msg("no \"%s\" in: %s", part, t.answer);
}

static void assert_answer_lacks(const char *part)
{
	if (strstr(t.answer, part))
		fail_msg("\"%s\" in: %s", part, t.answer);
}

static void sends_a_body_in_pieces(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /pieces/good HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("Transfer-Encoding: chunked\r\n");
	assert_answer_lacks("Content-Length");
	assert_answer_has("\r\n\r\n3\r\none\r\n4\r\nfour\r\n0\r\n\r\n");
	assert_int_equal(talk("HEAD /pieces/good HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_lacks("four");
	assert_int_equal(talk("GET /pieces/good HTTP/1.0\r\n" TOKEN "\r\n"), 200);
	assert_answer_lacks("chunked");
	assert_answer_has("Connection: close\r\n");
	assert_answer_has("\r\n\r\nonefour");
	/* A body that is not whole must not look so. */
	assert_int_equal(talk("GET /pieces/bad HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("four\r\n");
	assert_answer_lacks("0\r\n\r\n");
}

/* Several of them, and requests go on; each is let go in the end. */
static void lets_go_of_who_does_not_read(void **state)
{
	enum { DEAF = 3 };
	static const char ask[] = "GET /endless HTTP/1.1\r\n" TOKEN "\r\n";
	int fds[DEAF];

	(void)state;
	for (int i = 0; i < DEAF; i++) {
		fds[i] = dial();
		assert_int_equal(send(fds[i], ask, sizeof(ask) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(ask) - 1);
	}
	for (int i = 0; i < 100 && !endless; i++)
		usleep(10000);
	for (int i = 0; i < 20; i++)
		assert_int_equal(talk("GET /public HTTP/1.1\r\n\r\n"), 200);
	for (int i = 0; i < 3000 && endless != 2; i++)
		usleep(10000);
	assert_int_equal(endless, 2);
	for (int i = 0; i < DEAF; i++)
		close(fds[i]);
}

static void needs_the_token(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /public HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n\r\n"), 401);
	assert_answer_has("WWW-Authenticate: Bearer");
	assert_answer_has("application/problem+json");
	assert_answer_has("\"code\":\"token_required\"");
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\nAuthorization: Bearer secreT\r\n\r\n"), 401);
	assert_answer_has("\"code\":\"token_invalid\"");
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\nAuthorization: Basic secret\r\n\r\n"), 401);
	assert_int_equal(talk("GET /nowhere HTTP/1.1\r\n\r\n"), 401);
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\nAuthorization: bearer  secret\r\n\r\n"), 200);
}

static void finds_routes(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /nowhere HTTP/1.1\r\n" TOKEN "\r\n"), 404);
	assert_int_equal(talk("GET /thing/a/ HTTP/1.1\r\n" TOKEN "\r\n"), 404);
	assert_int_equal(talk("GET /thing/ HTTP/1.1\r\n" TOKEN "\r\n"), 404);
	assert_int_equal(talk("GET //thing/a HTTP/1.1\r\n" TOKEN "\r\n"), 404);
	assert_int_equal(talk("GET /a/a/a/a/a/a/a/a/a/a HTTP/1.1\r\n" TOKEN "\r\n"), 400);
	assert_int_equal(talk("DELETE /thing/a HTTP/1.1\r\n" TOKEN "\r\n"), 405);
	assert_answer_has("Allow: GET, HEAD, POST\r\n");
	assert_int_equal(talk("GET /thing/a%2Eb HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("\"name\":\"a.b\"");
	assert_int_equal(talk("GET /thing/%25%30%30 HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("\"name\":\"%00\""); /* decoded once */
}

static void refuses_bad_paths(void **state)
{
	static const char *const bad[] = { "%00", "a%0ab", "..%2fa", "%ff", "%c0%af", "%zz", "%4", "%7f",
		"%c2%85", "%ed%a0%80", "%" };
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "GET /thing/%s HTTP/1.1\r\n" TOKEN "\r\n", bad[i]);
		assert_int_equal(talk(text), 400);
		assert_answer_has("malformed_path");
		snprintf(text, sizeof(text), "GET /thing/a?a=%s HTTP/1.1\r\n" TOKEN "\r\n", bad[i]);
		assert_int_equal(talk(text), strcmp(bad[i], "..%2fa") == 0 ? 200 : 400);
	}
}

static void checks_the_query(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /thing/x?a=1+2%26 HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("\"a\":\"1 2&\"");
	assert_int_equal(talk("GET /thing/x?b=1 HTTP/1.1\r\n" TOKEN "\r\n"), 400);
	assert_answer_has("\"field\":\"b\"");
	assert_int_equal(talk("GET /thing/x?a=1&a=2 HTTP/1.1\r\n" TOKEN "\r\n"), 400);
}

static void bears_a_request_id(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /public HTTP/1.1\r\nX-Request-Id: a.B-_9\r\n\r\n"), 200);
	assert_answer_has("X-Request-Id: a.B-_9\r\n");
	assert_int_equal(talk("GET /public HTTP/1.1\r\n\r\n"), 200);
	assert_answer_has("X-Request-Id: ");
	assert_int_equal(talk("GET /public HTTP/1.1\r\nX-Request-Id: a b\r\n\r\n"), 400);
	assert_int_equal(talk("GET /public HTTP/1.1\r\nX-Request-Id:\r\n\r\n"), 400);
	assert_int_equal(talk("GET /public HTTP/1.1\r\nX-Request-Id: 0123456789012345678901234567890123456789"
			      "0123456789012345678901234\r\n\r\n"),
	    400);
}

static void takes_only_json_objects(void **state)
{
	(void)state;
	assert_int_equal(talk(POST_THINGS "Content-Length: 12\r\n\r\n{\"name\":\"x\"}"), 201);
	assert_answer_has("Location: x\r\n");
	assert_int_equal(talk(POST_THINGS "Content-Length: 4\r\n\r\n[{}]"), 400);
	assert_int_equal(talk(POST_THINGS "Content-Length: 3\r\n\r\n{x}"), 400);
	assert_int_equal(talk("POST /things HTTP/1.1\r\n" TOKEN "\r\n"), 400);
	assert_answer_has("body_required");
	assert_int_equal(talk("POST /thing/a HTTP/1.1\r\n" TOKEN "\r\n"), 201);
	assert_int_equal(talk("POST /things HTTP/1.1\r\n" TOKEN "Content-Length: 2\r\n\r\n{}"), 415);
	assert_int_equal(talk("POST /things HTTP/1.1\r\n" TOKEN "Content-Type: application/jsonp\r\n"
			      "Content-Length: 2\r\n\r\n{}"),
	    415);
	assert_int_equal(talk(POST_THINGS "Content-Encoding: gzip\r\n"
					  "Content-Length: 2\r\n\r\n{}"),
	    415);
	assert_int_equal(talk("GET /public HTTP/1.1\r\n" JSON "Content-Length: 2\r\n\r\n{}"), 400);
	assert_answer_has("unexpected_body");
}

static void bounds_bodies(void **state)
{
	static char text[2 * HTTP_BODY_MAX];
	int n, i;

	(void)state;
	assert_int_equal(talk(POST_THINGS "Content-Length: 10000000\r\n\r\n"), 413);
	assert_answer_has("Connection: close");
	assert_answer_has("\"code\":\"body_too_large\"");
	n = sprintf(text, POST_THINGS CHUNKED "%x\r\n", HTTP_BODY_MAX + 1);
	memset(text + n, ' ', HTTP_BODY_MAX + 1);
	memcpy(text + n + HTTP_BODY_MAX + 1, "\r\n0\r\n\r\n", 7);
	assert_int_equal(talk_bytes(text, (size_t)n + HTTP_BODY_MAX + 8), 413);
	for (i = 0; i < 2; i++) { /* as much as is allowed, and one byte more */
		n = sprintf(text, POST_THINGS "Content-Length: %d\r\n\r\n", HTTP_BODY_MAX + i);
		memset(text + n, ' ', HTTP_BODY_MAX + 1);
		memcpy(text + n, "{\"name\":\"x\"}", 12);
		assert_int_equal(talk_bytes(text, (size_t)(n + HTTP_BODY_MAX + i)), i ? 413 : 201);
	}
}

static void does_nothing_with_half_a_request(void **state)
{
	int before = t.handled;

	(void)state;
	assert_int_equal(talk(POST_A "Content-Length: 12\r\n\r\n{}"), 400);
	assert_answer_has("body_cut_off");
	assert_int_equal(talk(POST_A CHUNKED "2\r\n{}\r\n"), 400);
	assert_int_equal(talk(POST_A CHUNKED "zz\r\n{}\r\n"), 400);
	assert_int_equal(talk("POST /thing/a HTTP/1.1\r\n" TOKEN), 400);
	assert_int_equal(t.handled, before);
	assert_int_equal(talk("POST /thing/a HTTP/1.1\r\n" TOKEN JSON CHUNKED
			      "2\r\n{\"\r\na\r\nname\":\"x\"}\r\n0\r\n\r\n"),
	    201);
	assert_answer_has("Location: x\r\n");
}

static void refuses_two_framings(void **state)
{
	static const char *const bad[] = {
		"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
		"Content-Length: 2\r\nContent-Length: 3\r\n",
		"Content-Length: 2x\r\n",
		"Content-Length: +2\r\n",
		"Transfer-Encoding: identity\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), POST_A "%s\r\n{}GET /public HTTP/1.1\r\n\r\n", bad[i]);
		assert_int_equal(talk(text), 400);
		assert_answer_has("Connection: close");
		assert_answer_lacks("200 OK"); /* nothing behind it was taken for a request */
	}
}

static void answers_civetwebs_refusals_alike(void **state)
{
	static char long_header[20000];

	(void)state;
	assert_int_equal(talk("BREW / HTTP/1.1\r\n\r\n"), 400);
	assert_answer_has("application/problem+json");
	assert_int_equal(talk("GET / HTTP/2.0\r\n\r\n"), 505);
	assert_answer_has("X-Request-Id: ");
	assert_int_equal(talk("nonsense\r\n\r\n"), 400);
	memset(long_header, 'a', sizeof(long_header));
	memcpy(long_header, "GET / HTTP/1.1\r\nX: ", 19);
	assert_int_equal(talk_bytes(long_header, sizeof(long_header)), 400);
	assert_answer_has("16 KiB");
}

static void validates_what_is_cached(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("ETag: \"tag\"\r\n");
	assert_int_equal(
	    talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-None-Match: \"x\", W/\"tag\"\r\n\r\n"), 304);
	assert_answer_has("ETag: \"tag\"\r\n");
	assert_answer_lacks("Content-Length");
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-None-Match: *\r\n\r\n"), 304);
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-None-Match: \"ta\"\r\n\r\n"), 200);
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-Match: \"abc\"\r\n\r\n"), 200);
	assert_answer_has("\"if_match\":\"abc\"");
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-Match: \"abc\", \"d\"\r\n\r\n"), 400);
	assert_int_equal(talk("GET /thing/a HTTP/1.1\r\n" TOKEN "If-Match: abc\r\n\r\n"), 400);
}

static void heads_have_no_body(void **state)
{
	(void)state;
	assert_int_equal(talk("HEAD /secret HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("Content-Length: 3\r\n");
	assert_string_equal(strstr(t.answer, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(talk("GET /secret HTTP/1.1\r\n" TOKEN "\r\n"), 200);
	assert_answer_has("Cache-Control: no-store\r\n");
	assert_answer_has("X-Content-Type-Options: nosniff\r\n");
	assert_answer_lacks("Server:");
	assert_string_equal(strstr(t.answer, "\r\n\r\n"), "\r\n\r\nkey");
}

static void tells_what_failed(void **state)
{
	(void)state;
	assert_int_equal(talk("GET /fail/x HTTP/1.1\r\n" TOKEN "\r\n"), 400);
	assert_answer_has("\"errors\":[{\"detail\":\"is wrong\",\"field\":\"name\"}]");
	assert_answer_has("\"renewable_from\":\"2026-01-01T00:00:00Z\"");
	assert_answer_has("\"type\":\"/problems/invalid\"");
	assert_answer_has("\"title\":\"Invalid\"");
	assert_int_equal(talk("GET /fail/busy HTTP/1.1\r\n" TOKEN "\r\n"), 503);
	assert_answer_has("Retry-After: ");
	assert_int_equal(talk("GET /fail/full HTTP/1.1\r\n" TOKEN "\r\n"), 507);
}

static void keeps_connections(void **state)
{
	(void)state;
	assert_int_equal(talk(POST_THINGS "Content-Length: 12\r\n\r\n{\"name\":\"x\"}"
					  "GET /thing/second HTTP/1.1\r\n" TOKEN "\r\n"),
	    201);
	assert_answer_has("\"name\":\"second\"");
}

static void continues_when_asked(void **state)
{
	static const char head[] = POST_THINGS "Content-Length: 12\r\n"
					       "Expect: 100-continue\r\nConnection: close\r\n\r\n";
	int fd = dial();
	ssize_t n;

	(void)state;
	assert_int_equal(send(fd, head, sizeof(head) - 1, 0), sizeof(head) - 1);
	n = recv(fd, t.answer, ANSWER_MAX - 1, 0);
	assert_true(n > 0);
	t.answer[n] = '\0';
	assert_string_equal(t.answer, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(send(fd, "{\"name\":\"x\"}", 12, 0), 12);
	take_answer(fd);
	assert_answer_has("HTTP/1.1 201 ");
}

static void listens_on_both_families(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct stat st;
	int fd;

	(void)state;
	v4.sin_port = v6.sin6_port = htons((uint16_t)t.port);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&v6, sizeof(v6)), 0);
	close(fd);
	assert_int_equal(stat(t.socket, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void assert_cannot_listen(const char *where, const char *part)
{
	struct http *h = NULL;
	struct job j;

	job_open(&j);
	assert_int_not_equal(open_server(&j, &where, 1, &h), 0);
	if (!strstr(j.message, part))
		fail_msg("no \"%s\" in: %s", part, j.message);
	job_close(&j);
}

static void says_why_it_cannot_listen(void **state)
{
	char path[128];
	FILE *f;

	(void)state;
	assert_cannot_listen(t.tcp, "Address already in use");
	assert_cannot_listen(t.listen, "another process");
	assert_cannot_listen("8080", "give 127.0.0.1:8080");
	assert_cannot_listen("127.0.0.1:8080x", "give 127.0.0.1:8080");
	assert_cannot_listen("127.0.0.1:8080s", "SSL"); /* and no certificate */
	assert_cannot_listen("example.org:8080", "give 127.0.0.1:8080");
	assert_cannot_listen("unix:", "empty");
	assert_cannot_listen("unix:/nowhere/at/all", "No such file");
	snprintf(path, sizeof(path), "unix:%s/file", t.folder);
	f = fopen(path + 5, "w");
	assert_non_null(f);
	fclose(f);
	assert_cannot_listen(path, "another file");
	unlink(path + 5);
}

static void takes_over_a_dead_socket(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const char *where;
	struct http *h;
	char path[128];
	struct job j;

	(void)state;
	snprintf(path, sizeof(path), "unix:%s/dead", t.folder);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", path + 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	job_open(&j);
	where = path;
	assert_int_equal(open_server(&j, &where, 1, &h), 0);
	http_close(h);
	job_close(&j);
}

static void asks(void **state)
{
	struct http_call call = { .method = "POST",
		.path = "/thing/a",
		.socket = t.socket,
		.token = "secret",
		.body = "{\"name\":\"x\"}" };
	struct http_answer answer;
	struct job j;

	(void)state;
	job_open(&j);
	assert_int_equal(http_ask(&j, &call, &answer), 0);
	assert_int_equal(answer.status, 201);
	assert_string_equal(http_answer_header(&j, &answer, "location"), "x");
	assert_null(http_answer_header(&j, &answer, "Locatio"));
	call.method = "GET";
	call.path = "/secret";
	call.body = NULL;
	assert_int_equal(http_ask(&j, &call, &answer), 0);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body.data, "key");
	call.path = "/pieces/a";
	assert_int_equal(http_ask(&j, &call, &answer), 0);
	assert_string_equal(answer.body.data, "onefour");
	call.path = "/pieces/bad";
	assert_int_equal(http_ask(&j, &call, &answer), E_IO);
	assert_string_equal(j.code, "bad_answer");
	job_clear(&j);
	call.socket = "/nowhere";
	assert_int_equal(http_ask(&j, &call, &answer), E_IO);
	assert_string_equal(j.code, "not_listening");
	job_close(&j);
}

static void asks_by_url(void **state)
{
	static const char *const bad[] = { "http://", "http://[::1", "http://[]:80", "ftp://127.0.0.1",
		"http://127.0.0.1:8080/path", "http://127.0.0.1:", "https://127.0.0.1:1", "" };
	struct http_call call = { .method = "GET", .path = "/secret", .token = "secret" };
	struct http_answer answer;
	struct job j;
	size_t i;

	(void)state;
	job_open(&j);
	call.url = arena_printf(j.arena, "http://127.0.0.1:%u/", t.port);
	assert_int_equal(http_ask(&j, &call, &answer), 0);
	assert_string_equal(answer.body.data, "key");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		call.url = bad[i];
		assert_int_equal(http_ask(&j, &call, &answer), E_INVALID);
		job_clear(&j);
	}
	call.url = "http://127.0.0.1:1";
	assert_int_equal(http_ask(&j, &call, &answer), E_IO);
	assert_string_equal(j.code, "not_listening");
	job_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_a_body_in_pieces),
		cmocka_unit_test(lets_go_of_who_does_not_read),
		cmocka_unit_test(needs_the_token),
		cmocka_unit_test(finds_routes),
		cmocka_unit_test(refuses_bad_paths),
		cmocka_unit_test(checks_the_query),
		cmocka_unit_test(bears_a_request_id),
		cmocka_unit_test(takes_only_json_objects),
		cmocka_unit_test(bounds_bodies),
		cmocka_unit_test(does_nothing_with_half_a_request),
		cmocka_unit_test(refuses_two_framings),
		cmocka_unit_test(answers_civetwebs_refusals_alike),
		cmocka_unit_test(validates_what_is_cached),
		cmocka_unit_test(heads_have_no_body),
		cmocka_unit_test(tells_what_failed),
		cmocka_unit_test(keeps_connections),
		cmocka_unit_test(continues_when_asked),
		cmocka_unit_test(listens_on_both_families),
		cmocka_unit_test(says_why_it_cannot_listen),
		cmocka_unit_test(takes_over_a_dead_socket),
		cmocka_unit_test(asks),
		cmocka_unit_test(asks_by_url),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
