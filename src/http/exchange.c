/*
 * One request from its first header to its answer: who asks (request id,
 * token), what for (route, query), with what (body), then the handler.  Each
 * precondition is checked here, once, so that handlers never see a bad request.
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/time.h"
#include "http/http_int.h"

static bool is_request_id(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len >= 1 && len <= HTTP_REQUEST_ID_MAX && s[len] == '\0';
}

static void draw_request_id(struct job *j)
{
	unsigned char bytes[16];
	char *id = arena_alloc(j->arena, 2 * sizeof(bytes) + 1);

	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), id);
	j->request_id = id;
}

static int take_request_id(struct exchange *x)
{
	const char *given = mg_get_header(x->conn, "X-Request-Id");

	if (given && is_request_id(given)) {
		x->job.request_id = arena_strdup(x->job.arena, given);
		return 0;
	}
	draw_request_id(&x->job);
	if (given)
		return job_fail(&x->job, E_INVALID, "malformed_request",
		    "X-Request-Id has to be 1 to %d of A-Z a-z 0-9 . _ -", HTTP_REQUEST_ID_MAX);
	return 0;
}

struct exchange *exchange_of(const struct http_request *r)
{
	return (struct exchange *)((char *)r - offsetof(struct exchange, request));
}

const char *http_header(const struct http_request *r, const char *name)
{
	return mg_get_header(exchange_of(r)->conn, name);
}

/* "tag" (RFC 9110, 13.1.1). A weak tag is kept with its W/, and so never matches. */
static int take_if_match(struct exchange *x)
{
	const char *given = mg_get_header(x->conn, "If-Match");
	size_t len = given ? strlen(given) : 0;

	if (!given || strcmp(given, "*") == 0 || strncmp(given, "W/", 2) == 0) {
		x->request.if_match = given;
		return 0;
	}
	if (len < 2 || given[0] != '"' || strchr(given + 1, '"') != given + len - 1)
		return job_fail(&x->job, E_INVALID, "malformed_request",
		    "If-Match has to be one entity tag in quotes, or *");
	x->request.if_match = arena_strndup(x->job.arena, given + 1, len - 2);
	return 0;
}

/* Only a public route needs no token: nobody learns without one which paths there are. */
static int find_route(struct exchange *x, const char *path)
{
	struct job *j = &x->job;
	const char *allow = NULL;
	enum route_result result = route_find(x, path, &allow);

	if ((result != ROUTE_FOUND || !(x->route->flags & HTTP_PUBLIC)) && auth_check(x))
		return j->error;
	switch (result) {
	case ROUTE_FOUND:
		return 0;
	case ROUTE_MALFORMED:
		return job_fail(j, E_INVALID, "malformed_path",
		    "the path is too deep, or a part of it is badly escaped or holds what no name can hold");
	case ROUTE_OTHER_METHOD:
		http_set_header(j, &x->response, "Allow", allow);
		return job_fail(j, E_INVALID, "method_not_allowed", "%s does not work here, only %s",
		    x->request.method, allow);
	case ROUTE_UNKNOWN:
		break;
	}
	return job_fail(j, E_NOT_FOUND, "no_such_path", "there is nothing at this path");
}

static int handle(struct exchange *x, const struct mg_request_info *info)
{
	struct job *j = &x->job;

	if (take_request_id(x) || body_check(x) || find_route(x, info->local_uri_raw) ||
	    decode_query(j, info->query_string, &x->request.query) || take_if_match(x) || body_read(x))
		return j->error;
	return x->route->handle(&x->request, &x->response);
}

static void exchange_open(struct exchange *x, struct listener *l, struct mg_connection *conn)
{
	memset(x, 0, sizeof(*x));
	job_open(&x->job);
	x->conn = conn;
	x->listener = l;
	x->http = l->http;
	x->began_at = time_monotonic_us();
	x->request.job = &x->job;
	x->request.context = l->http->context;
}

/* The request's path, for the log. */
static const char *name_path(const struct exchange *x)
{
	return x->route && x->route->flags & HTTP_SECRET_PATH ? x->route->pattern : x->request.path;
}

/* What went wrong here, and which changes of people we know were refused. Who only asks is not told on. */
static void log_failure(const struct exchange *x)
{
	int status = x->is_begun ? 500 : x->response.status;
	bool is_read = strcmp(x->request.method, "GET") == 0 || strcmp(x->request.method, "HEAD") == 0;

	if (!x->job.error || (status < 500 && (is_read || !*x->job.actor)))
		return;
	log_event(status < 500 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, x->job.request_id, "", "%s%s%s %s: %d: %s",
	    x->job.actor, *x->job.actor ? ": " : "", x->request.method, name_path(x), status, x->job.message);
}

int exchange_run(struct listener *l, struct mg_connection *conn)
{
	const struct mg_request_info *info = mg_get_request_info(conn);
	struct exchange x;
	int status;

	exchange_open(&x, l, conn);
	x.request.method = info->request_method;
	x.request.path = info->local_uri_raw;
	if (handle(&x, info) && !x.is_begun)
		answer_problem(&x, 0);
	log_failure(&x);
	if (x.is_begun)
		stream_end(&x);
	else
		answer_send(&x);
	status = x.response.status;
	stream_leave(&x);
	job_close(&x.job);
	return status;
}

void exchange_refuse(struct listener *l, struct mg_connection *conn, int status, const char *detail)
{
	struct exchange x;

	exchange_open(&x, l, conn);
	draw_request_id(&x.job);
	x.request.method = "";
	x.is_closing = true;
	job_fail(&x.job, E_INVALID, "malformed_request",
	    "%s: this takes HTTP/1.1 with at most 16 KiB of headers", detail);
	answer_problem(&x, status);
	answer_send(&x);
	job_close(&x.job);
}
