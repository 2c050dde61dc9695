/*
 * The client's side of one request, over a unix socket: for commands that
 * work beside a running service.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http.h"

enum { ASK_SECONDS = 300, ASK_ANSWER_MAX = 16 * 1024 * 1024 };

static int ask_connect(struct job *j, const char *path, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ASK_SECONDS };

	if (strlen(path) >= sizeof(sun.sun_path))
		return job_fail(j, E_IO, "not_listening", "the path of the socket %s is too long", path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return job_fail_errno(j, "socket");
	if (setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return job_fail_errno(j, "setsockopt");
	if (connect(*fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return job_fail(j, E_IO, "not_listening", "nobody listens on %s: %s", path, strerror(errno));
	return 0;
}

static int ask_send(struct job *j, int fd, const struct http_call *c)
{
	const char *at;
	struct buf b;
	size_t left;

	buf_open(&b, j->arena);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", c->method, c->path);
	if (c->token)
		buf_printf(&b, "Authorization: Bearer %s\r\n", c->token);
	if (c->body)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(c->body));
	buf_printf(&b, "\r\n%s", c->body ? c->body : "");
	for (at = b.data, left = b.len; left > 0;) {
		ssize_t n = send(fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return job_fail_errno(j, "cannot send to %s", c->socket);
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int ask_receive(struct job *j, int fd, const struct http_call *c, struct buf *b)
{
	char chunk[4096];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk), 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return job_fail_errno(j, "cannot read from %s", c->socket);
		buf_add(b, chunk, (size_t)n);
		if (b->len > ASK_ANSWER_MAX)
			return job_fail(j, E_IO, "bad_answer", "the answer from %s is too long", c->socket);
	}
	return 0;
}

/* Our own server's answers only: a status line, headers with Content-Length, a body up to the end. */
static int ask_parse(struct job *j, const struct buf *answer, int *status, struct buf *out)
{
	static const char length_name[] = "\r\nContent-Length: ";
	const char *body = strstr(answer->data, "\r\n\r\n"), *length = strstr(answer->data, length_name);
	size_t n, want;

	if (!body || strncmp(answer->data, "HTTP/1.1 ", 9) != 0)
		return job_fail(j, E_IO, "bad_answer", "the service closed the connection without an answer");
	*status = (int)strtol(answer->data + 9, NULL, 10);
	body += 4;
	n = answer->len - (size_t)(body - answer->data);
	want = length && length < body ? strtoul(length + sizeof(length_name) - 1, NULL, 10) : 0;
	if (n < want)
		return job_fail(j, E_IO, "bad_answer", "the service's answer broke off");
	buf_add(out, body, want);
	return 0;
}

int http_ask(struct job *j, const struct http_call *call, int *status, struct buf *out)
{
	struct buf answer;
	int fd = -1, error;

	buf_open(&answer, j->arena);
	error = ask_connect(j, call->socket, &fd) || ask_send(j, fd, call) ||
	    ask_receive(j, fd, call, &answer) || ask_parse(j, &answer, status, out);
	if (fd >= 0)
		close(fd);
	return error ? j->error : 0;
}
