/*
 * Bytes on a connection of the real server: requests whole, broken and behind each other.  The
 * routes give back what they got, so that it shows what a client can put into an answer.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "http/http.h"

enum { ANSWER_MAX = 1 << 20 };

static char socket_path[64];
static char answer[ANSWER_MAX + 1];

static int identify(struct http_request *req, const struct http_credentials *c)
{
	req->job->actor = c->digest ? "somebody" : "nobody";
	return 0;
}

static int echo(struct http_request *req, struct http_response *res)
{
	static const char *const known[] = { "a", "b", NULL };
	struct arena *a = req->job->arena;
	const char *header = http_header(req, "Idempotency-Key");

	if (http_query_known(req, known))
		return req->job->error;
	res->json = json_object(a);
	json_add_string(a, res->json, "part", req->params[0]);
	json_add_string(a, res->json, "a", http_query(req, "a"));
	if (req->body)
		json_add(res->json, "body", json_add_string(a, json_object(a), "name", NULL));
	res->etag = "tag";
	http_set_header(req->job, res, "Location", header ? header : req->path);
	return 0;
}

static const struct http_route routes[] = {
	{ "GET", "/a", HTTP_PUBLIC, echo },
	{ "GET", "/a/{}", 0, echo },
	{ "POST", "/a", HTTP_BODY, echo },
	{ "POST", "/a/{}", HTTP_BODY_OPTIONAL | HTTP_BODY_LARGE, echo },
};

static void stop(void)
{
	unlink(socket_path);
}

static void start(void)
{
	const char *listen_on[1];
	struct http_options o = {
		.identify = identify, .routes = routes, .routes_n = sizeof(routes) / sizeof(*routes)
	};
	static struct http *http;
	struct job j;

	if (http)
		return;
	snprintf(socket_path, sizeof(socket_path), "/tmp/vpnunit-fuzz-http-%d", (int)getpid());
	job_open(&j);
	listen_on[0] = arena_printf(j.arena, "unix:%s", socket_path);
	o.listen = listen_on;
	o.listen_n = 1;
	fuzz_done(&j, http_open(&j, &o, &http));
	atexit(stop);
	job_close(&j);
}

/* All that comes back until the server closes. */
static size_t talk(const uint8_t *data, size_t size)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t n;

	memcpy(sun.sun_path, socket_path, strlen(socket_path) + 1);
	fuzz_require(fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, "a connection");
	while (size && (n = send(fd, data, size, MSG_NOSIGNAL)) > 0) {
		data += n;
		size -= (size_t)n;
	}
	shutdown(fd, SHUT_WR);
	while (len < ANSWER_MAX && (n = recv(fd, answer + len, ANSWER_MAX - len, 0)) > 0)
		len += (size_t)n;
	answer[len] = '\0';
	close(fd);
	return len;
}

/* One answer: a head of whole lines, none of them from the client, and no failure of the server's. */
static const char *check_answer(const char *at)
{
	static const char length_name[] = "\r\nContent-Length: ";
	const char *end = strstr(at, "\r\n\r\n"), *line, *length;

	fuzz_require(strncmp(at, "HTTP/1.1 ", 9) == 0 && end, "an answer begins with its status");
	fuzz_require(
	    strncmp(at + 9, "500", 3) != 0 && strncmp(at + 9, "503", 3) != 0, "no failure of the server's");
	for (line = at; line < end; line = strstr(line, "\r\n") + 2)
		fuzz_require(strncasecmp(line, "Evil", 4) != 0, "no header of the client's making");
	length = strstr(at, length_name);
	end += 4;
	return strncmp(at + 9, "100", 3) != 0 && length && length < end
	    ? end + strtoul(length + sizeof(length_name) - 1, NULL, 10)
	    : end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = answer;
	size_t len;

	start();
	len = talk(data, size);
	while (at < answer + len && memchr(data, '\n', size))
		at = strncmp(data ? (const char *)data : "", "HEAD", 4) == 0 ? answer + len
									     : check_answer(at);
	return 0;
}
