/* The client's side of one request: for commands that work beside a running service. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http_int.h"

enum { ASK_ANSWER_MAX = 16 * 1024 * 1024 };

static const char *name_place(const struct http_call *c)
{
	return c->socket ? c->socket : c->url;
}

static int ask_send(struct job *j, int fd, const struct http_call *c)
{
	const char *host = c->socket ? "localhost" : strstr(c->url, "//") + 2, *at;
	struct buf b;
	size_t left;

	buf_open(&b, j->arena);
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n", c->method, c->path,
	    (int)strcspn(host, "/"), host);
	if (c->token)
		buf_printf(&b, "Authorization: Bearer %s\r\n", c->token);
	if (c->if_match)
		buf_printf(&b, "If-Match: %s\r\n", c->if_match);
	if (c->confirm_within)
		buf_printf(&b, "Confirm-Within: %ld\r\n", c->confirm_within);
	if (c->body)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(c->body));
	buf_printf(&b, "\r\n%s", c->body ? c->body : "");
	for (at = b.data, left = b.len; left > 0;) {
		ssize_t n = send(fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return job_fail_errno(j, "cannot send to %s", name_place(c));
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* A second went by without a byte. */
static int wait_on(struct job *j, const struct http_call *c, unsigned *seconds)
{
	if (++*seconds >= (c->patience ? c->patience : ASK_SECONDS))
		return job_fail(
		    j, E_IO, "bad_answer", "%s gave no answer for %u seconds", name_place(c), *seconds);
	if (c->on_wait)
		c->on_wait(*seconds);
	return 0;
}

static int ask_receive(struct job *j, int fd, const struct http_call *c, struct buf *b)
{
	unsigned seconds = 0;
	char chunk[4096];
	ssize_t n;

	while ((n = recv(fd, chunk, sizeof(chunk), 0)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (wait_on(j, c, &seconds))
				return j->error;
			continue;
		}
		if (n < 0)
			return job_fail_errno(j, "cannot read from %s", name_place(c));
		buf_add(b, chunk, (size_t)n);
		if (b->len > ASK_ANSWER_MAX)
			return job_fail(
			    j, E_IO, "bad_answer", "the answer from %s is too long", name_place(c));
	}
	return 0;
}

/* A body in pieces (RFC 9112, 7.1); false: its last one is missing. */
static bool ask_join(const char *at, const char *end, struct buf *out)
{
	unsigned long size;
	char *line;

	while (at < end && (size = strtoul(at, &line, 16)) > 0) {
		line = strstr(line, "\r\n");
		if (!line || size > (size_t)(end - line) || size + 2 > (size_t)(end - line))
			return false;
		buf_add(out, line + 2, size);
		at = line + 2 + size + 2;
	}
	return at < end;
}

/* A status line, headers, a body of Content-Length, in pieces or none. */
static int ask_parse(struct job *j, const struct buf *bytes, struct http_answer *out)
{
	const char *body = strstr(bytes->data, "\r\n\r\n"), *length;
	size_t n, want;

	if (!body || strncmp(bytes->data, "HTTP/1.1 ", 9) != 0)
		return job_fail(j, E_IO, "bad_answer", "the service closed the connection without an answer");
	body += 4;
	out->status = (int)strtol(bytes->data + 9, NULL, 10);
	out->head = arena_strndup(j->arena, bytes->data, (size_t)(body - bytes->data));
	length = http_answer_header(j, out, "Content-Length");
	n = bytes->len - (size_t)(body - bytes->data);
	want = length ? strtoul(length, NULL, 10) : 0;
	if (http_answer_header(j, out, "Transfer-Encoding") ? !ask_join(body, body + n, &out->body)
							    : n < want)
		return job_fail(j, E_IO, "bad_answer", "the service's answer broke off");
	buf_add(&out->body, body, want);
	return 0;
}

const char *http_answer_header(struct job *j, const struct http_answer *a, const char *name)
{
	const size_t len = strlen(name);
	const char *line = a->head;

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			line += strspn(line, " ");
			return arena_strndup(j->arena, line, strcspn(line, "\r"));
		}
	}
	return NULL;
}

int http_ask(struct job *j, const struct http_call *call, struct http_answer *out)
{
	struct buf bytes;
	int fd = -1, error;

	buf_open(&bytes, j->arena);
	*out = (struct http_answer){ .head = "" };
	buf_open(&out->body, j->arena);
	error = dial_open(j, call, &fd) || ask_send(j, fd, call) || ask_receive(j, fd, call, &bytes) ||
	    ask_parse(j, &bytes, out);
	if (fd >= 0)
		close(fd);
	return error ? j->error : 0;
}
