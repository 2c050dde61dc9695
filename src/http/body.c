/*
 * Request bodies: their framing is checked before a byte is read, their
 * length bounded, and only a JSON object that arrived whole is handed on.
 */
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/time.h"
#include "http/http_int.h"

enum { BODY_MS = 30000 };

/* The header's only value, NULL: none; fails where it comes twice. */
static int header_once(struct exchange *x, const char *name, const char **out)
{
	const struct mg_request_info *info = mg_get_request_info(x->conn);
	int i;

	*out = NULL;
	for (i = 0; i < info->num_headers; i++) {
		if (strcasecmp(info->http_headers[i].name, name) != 0)
			continue;
		if (*out)
			return job_fail(
			    &x->job, E_INVALID, "malformed_request", "the header %s comes twice", name);
		*out = info->http_headers[i].value;
	}
	return 0;
}

static int parse_length(struct job *j, const char *text, size_t *out)
{
	size_t digits = strspn(text, "0123456789"), i;

	if (digits == 0 || text[digits] != '\0')
		return job_fail(j, E_INVALID, "malformed_request", "Content-Length is no number");
	*out = 0;
	for (i = 0; i < digits && *out <= HTTP_BODY_LARGE_MAX; i++)
		*out = *out * 10 + (size_t)(text[i] - '0');
	return 0;
}

static size_t limit(const struct exchange *x)
{
	return x->route->flags & HTTP_BODY_LARGE ? HTTP_BODY_LARGE_MAX : HTTP_BODY_MAX;
}

static int too_large(struct exchange *x)
{
	return job_fail(&x->job, E_INVALID, "body_too_large", "a body has at most %zu bytes here", limit(x));
}

int body_check(struct exchange *x)
{
	struct job *j = &x->job;
	const char *length, *encoding, *expect;
	size_t n = 0;

	x->is_closing = true; /* unless all is well: where the next request starts is not known */
	if (header_once(x, "Content-Length", &length) || header_once(x, "Transfer-Encoding", &encoding) ||
	    header_once(x, "Expect", &expect) || (length && parse_length(j, length, &n)))
		return j->error;
	/* Two framings are how requests are smuggled past a proxy (RFC 9112, 6.1). */
	if (encoding && (length || strcasecmp(encoding, "chunked") != 0))
		return job_fail(j, E_INVALID, "malformed_request",
		    "Transfer-Encoding has to be chunked, without a Content-Length");
	x->is_closing = false;
	x->has_body = encoding || n > 0;
	x->body_length = n;
	x->is_continue_awaited = expect && strcasecmp(expect, "100-continue") == 0;
	return 0;
}

static int check_type(struct exchange *x)
{
	static const char json[] = "application/json";
	const char *type, *coding;

	if (header_once(x, "Content-Type", &type) || header_once(x, "Content-Encoding", &coding))
		return x->job.error;
	if (!type || strncasecmp(type, json, sizeof(json) - 1) != 0 ||
	    (type[sizeof(json) - 1] != '\0' && !strchr("; \t", type[sizeof(json) - 1])))
		return job_fail(&x->job, E_INVALID, "unsupported_media_type",
		    "send the body as Content-Type: application/json");
	if (coding && strcasecmp(coding, "identity") != 0)
		return job_fail(
		    &x->job, E_INVALID, "unsupported_media_type", "send the body without Content-Encoding");
	return 0;
}

/* More than is allowed is read, a little, to see whether there is more. */
static int read_all(struct exchange *x, struct buf *b)
{
	int64_t want = mg_get_request_info(x->conn)->content_length; /* -1: chunked */
	int64_t end = time_monotonic_ms() + BODY_MS;
	char chunk[4096];
	int n = 1;

	if (x->is_continue_awaited)
		mg_printf(x->conn, "HTTP/1.1 100 Continue\r\n\r\n");
	x->is_continue_awaited = false;
	while (n > 0 && b->len <= limit(x) && (want < 0 || b->len < (size_t)want)) {
		if (time_monotonic_ms() > end)
			return job_fail(&x->job, E_INVALID, "body_cut_off", "the body took more than %d s",
			    BODY_MS / 1000);
		n = mg_read(x->conn, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(b, chunk, (size_t)n);
	}
	if (b->len > limit(x))
		return too_large(x);
	if (n < 0 || (want >= 0 && b->len < (size_t)want))
		return job_fail(
		    &x->job, E_INVALID, "body_cut_off", "the body broke off after %zu bytes", b->len);
	x->has_body = false;
	return 0;
}

int body_read(struct exchange *x)
{
	struct job *j = &x->job;
	struct json *body;
	struct buf b;

	if (x->has_body && !(x->route->flags & (HTTP_BODY | HTTP_BODY_OPTIONAL)))
		return job_fail(j, E_INVALID, "unexpected_body", "this request takes no body");
	buf_open(&b, j->arena);
	if (x->body_length > limit(x))
		return too_large(x);
	if (x->has_body && (check_type(x) || read_all(x, &b)))
		return j->error;
	if (b.len == 0 && x->route->flags & HTTP_BODY)
		return job_fail(
		    j, E_INVALID, "body_required", "this request needs a JSON object as its body");
	if (b.len == 0)
		return 0;
	if (json_parse(j, b.data, b.len, &body) || json_want_object(j, body))
		return j->error;
	x->request.body = body;
	return 0;
}

void body_drain(struct exchange *x)
{
	enum { DRAIN_MAX = 16 * 1024 * 1024, DRAIN_MS = 1000, QUIET_MS = 100 };
	struct pollfd p = { .fd = civetweb_socket(x->conn), .events = POLLIN };
	int64_t end = time_monotonic_ms() + DRAIN_MS, missing = civetweb_missing(x->conn);
	char chunk[16 * 1024];
	ssize_t n, total = 0;

	if (!x->has_body || x->is_continue_awaited)
		return;
	/* The connection ends here: its bytes may be taken from under CivetWeb, which would wait for all of them. */
	while (missing != total && total < DRAIN_MAX && time_monotonic_ms() < end &&
	    poll(&p, 1, QUIET_MS) == 1 && (n = recv(p.fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0)
		total += n;
}
