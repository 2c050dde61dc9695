/*
 * A client that is never the bottleneck: N kept-alive connections of one
 * thread, each with one request under way, until COUNT are answered.
 *
 *     load PORT CONNECTIONS COUNT < REQUESTS
 *
 * REQUESTS are headers for all, an empty line, and a request a line: METHOD
 * PATH [BODY], taken in order, round and round.  Prints JSON; any answer but
 * 2xx ends it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 64 * 1024, CONNECTIONS_MAX = 1024 };

struct request {
	char *text;
	size_t len;
};

struct connection {
	int64_t began_at;
	size_t len; /* of the answer, so far */
	char answer[ANSWER_MAX + 1];
};

struct load {
	struct request *requests;
	size_t requests_n;
	struct connection *connections;
	struct pollfd *polls; /* one a connection; -1 once it has nothing left to ask */
	size_t connections_n;
	size_t count, sent, answered;
	int64_t *latencies; /* microseconds, one an answer */
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* "METHOD PATH [BODY]" and the common headers as one request. */
static struct request make_request(char *line, const char *headers)
{
	const char *method = strtok(line, " "), *path = strtok(NULL, " "), *body = strtok(NULL, "");
	struct request r;
	int len;

	if (!method || !path)
		errx(2, "a request is METHOD PATH [BODY]");
	body = body ? body : "";
	len = asprintf(&r.text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n%s",
	    method, path, headers, strlen(body), body);
	if (len < 0)
		err(1, "asprintf");
	r.len = (size_t)len;
	return r;
}

static void read_requests(struct load *l)
{
	char *line = NULL, *headers = strdup("");
	size_t size = 0;
	bool is_head = true;

	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (is_head && *line) {
			char *more;

			if (asprintf(&more, "%s%s\r\n", headers, line) < 0)
				err(1, "asprintf");
			free(headers);
			headers = more;
		} else if (is_head) {
			is_head = false;
		} else {
			l->requests = reallocarray(l->requests, l->requests_n + 1, sizeof(*l->requests));
			if (!l->requests)
				err(1, "reallocarray");
			l->requests[l->requests_n++] = make_request(line, headers);
		}
	}
	free(line);
	free(headers);
	if (l->requests_n == 0)
		errx(2, "no requests on standard input");
}

static int dial(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)))
		err(1, "port %u", port);
	return fd;
}

/* The next request on this connection, or its end. */
static void ask(struct load *l, size_t i)
{
	const struct request *r = &l->requests[l->sent % l->requests_n];
	struct connection *c = &l->connections[i];

	if (l->sent == l->count) {
		close(l->polls[i].fd);
		l->polls[i].fd = -1;
		return;
	}
	l->sent++;
	c->len = 0;
	c->began_at = now();
	if (send(l->polls[i].fd, r->text, r->len, MSG_NOSIGNAL) != (ssize_t)r->len)
		err(1, "send");
}

/* The length of the answer once its head is there, else 0. */
static size_t answer_length(const struct connection *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n"),
		   *length = strcasestr(c->answer, "\r\nContent-Length:");
	size_t body;

	if (!end)
		return 0;
	if (length && length < end)
		body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	else if (strncmp(c->answer, "HTTP/1.1 204", 12) == 0)
		body = 0;
	else
		errx(1, "an answer without a length: %.300s", c->answer);
	return (size_t)(end + 4 - c->answer) + body;
}

static void take(struct load *l, size_t i)
{
	struct connection *c = &l->connections[i];
	ssize_t n = recv(l->polls[i].fd, c->answer + c->len, ANSWER_MAX - c->len, 0);

	if (n < 0)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server closed a connection before its answer: %.300s", c->answer);
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	if (strncmp(c->answer, "HTTP/1.1 2", c->len < 10 ? c->len : 10) != 0)
		errx(1, "%s", c->answer);
	if (answer_length(c) == 0 || c->len < answer_length(c))
		return;
	l->latencies[l->answered++] = now() - c->began_at;
	ask(l, i);
}

static void run(struct load *l)
{
	size_t i;

	for (i = 0; i < l->connections_n; i++)
		ask(l, i);
	while (l->answered < l->count) {
		if (poll(l->polls, l->connections_n, -1) < 0 && errno != EINTR)
			err(1, "poll");
		for (i = 0; i < l->connections_n; i++)
			if (l->polls[i].fd >= 0 && l->polls[i].revents)
				take(l, i);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_result(struct load *l, int64_t took)
{
	size_t n = l->count;

	qsort(l->latencies, n, sizeof(*l->latencies), compare);
	printf(
	    "{\"requests\": %zu, \"seconds\": %.6f, \"min\": %.6f, \"median\": %.6f, \"p99\": %.6f, \"max\": %.6f}\n",
	    n, (double)took / 1e6, (double)l->latencies[0] / 1e6, (double)l->latencies[n / 2] / 1e6,
	    (double)l->latencies[n - 1 - n / 100] / 1e6, (double)l->latencies[n - 1] / 1e6);
}

static size_t number(const char *text, size_t max)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (n == 0 || n > max)
		errx(2, "%s is not 1 to %zu", text, max);
	return n;
}

int main(int argc, char **argv)
{
	struct load l = { 0 };
	int64_t start;
	uint16_t port;
	size_t i;

	if (argc != 4)
		errx(2, "usage: load PORT CONNECTIONS COUNT < REQUESTS");
	port = (uint16_t)number(argv[1], UINT16_MAX);
	l.connections_n = number(argv[2], CONNECTIONS_MAX);
	l.count = number(argv[3], 100 * 1000 * 1000);
	read_requests(&l);
	l.connections = calloc(l.connections_n, sizeof(*l.connections));
	l.polls = calloc(l.connections_n, sizeof(*l.polls));
	l.latencies = calloc(l.count, sizeof(*l.latencies));
	if (!l.connections || !l.polls || !l.latencies)
		err(1, "calloc");
	for (i = 0; i < l.connections_n; i++)
		l.polls[i] = (struct pollfd){ .fd = dial(port), .events = POLLIN };
	start = now();
	run(&l);
	print_result(&l, now() - start);
	return 0; /* and the system takes the memory back */
}
