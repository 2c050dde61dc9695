/*
 * Answers: the status of each failure in one table, problem documents
 * (RFC 9457), conditional GET, headers that every answer carries.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "http/http_int.h"

/* Statuses by code, where the kind of the error alone does not tell. */
static const struct {
	const char *code;
	int status;
} by_code[] = {
	{ "token_required", 401 },
	{ "token_invalid", 401 },
	{ "token_expired", 401 },
	{ "too_many_bad_tokens", 429 },
	{ "method_not_allowed", 405 },
	{ "body_too_large", 413 },
	{ "unsupported_media_type", 415 },
	{ "idempotency_mismatch", 422 },
	{ "disk_full", 507 },
};

static const int by_error[] = {
	[-E_INVALID] = 400,
	[-E_NOT_FOUND] = 404,
	[-E_CONFLICT] = 409,
	[-E_DENIED] = 403,
	[-E_STALE] = 412,
	[-E_CORRUPT] = 500,
	[-E_IO] = 503,
	[-E_BUSY] = 503,
};

static int problem_status(const struct job *j)
{
	size_t i;

	for (i = 0; i < sizeof(by_code) / sizeof(*by_code); i++)
		if (strcmp(j->code, by_code[i].code) == 0)
			return by_code[i].status;
	return by_error[-j->error];
}

/* "name_taken": "Name taken" */
static const char *problem_title(struct job *j)
{
	char *title = arena_strdup(j->arena, j->code), *p;

	for (p = title; *p; p++)
		if (*p == '_')
			*p = ' ';
	title[0] = (char)toupper((unsigned char)title[0]);
	return title;
}

static void add_errors(struct job *j, struct json *problem)
{
	struct json *errors;
	const struct job_detail *d;

	if (!j->fields)
		return;
	errors = json_add(problem, "errors", json_array(j->arena));
	for (d = j->fields; d; d = d->next) {
		struct json *error = json_add(errors, NULL, json_object(j->arena));

		json_add_string(j->arena, error, "field", d->field);
		json_add_string(j->arena, error, "detail", d->text);
	}
}

void answer_problem(struct exchange *x, int status)
{
	struct job *j = &x->job;
	struct http_header *headers = x->response.headers; /* such as Allow */
	struct json *problem = json_object(j->arena);
	const struct job_detail *d;

	assert(j->error < 0 && j->error >= E_BUSY);
	memset(&x->response, 0, sizeof(x->response));
	x->response.headers = headers;
	x->response.status = status ? status : problem_status(j);
	x->response.json = problem;
	x->response.content_type = "application/problem+json";
	json_add_string(j->arena, problem, "type", arena_printf(j->arena, "/problems/%s", j->code));
	json_add_string(j->arena, problem, "title", problem_title(j));
	json_add_int(j->arena, problem, "status", x->response.status);
	json_add_string(j->arena, problem, "detail", j->message);
	json_add_string(j->arena, problem, "code", j->code);
	add_errors(j, problem);
	for (d = j->extra; d; d = d->next)
		json_add_string(j->arena, problem, d->field, d->text);
	if (x->response.status == 401)
		http_set_header(j, &x->response, "WWW-Authenticate", "Bearer realm=\"vpnunit\"");
	if (j->error == E_BUSY)
		http_set_header(j, &x->response, "Retry-After", "2");
}

void http_set_header(struct job *j, struct http_response *r, const char *name, const char *value)
{
	struct http_header *h = arena_alloc(j->arena, sizeof(*h));
	char *p = arena_strdup(j->arena, value);

	h->name = name;
	h->value = p;
	for (; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	h->next = r->headers;
	r->headers = h;
}

/* Weak comparison (RFC 9110, 13.1.2): any tag of the list, or *. */
bool answer_is_not_modified(const struct exchange *x)
{
	const char *given = mg_get_header(x->conn, "If-None-Match");
	const char *etag = x->response.etag;
	bool is_read = strcmp(x->request.method, "GET") == 0 || strcmp(x->request.method, "HEAD") == 0;

	if (!given || !etag || !is_read || (x->response.status && x->response.status != 200))
		return false;
	if (strcmp(given, "*") == 0)
		return true;
	while ((given = strchr(given, '"')) != NULL) {
		size_t len = strcspn(++given, "\"");

		if (len == strlen(etag) && memcmp(given, etag, len) == 0)
			return true;
		given += len + (given[len] == '"');
	}
	return false;
}

static void print_date(struct buf *b, int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;
	char text[64];

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(b, "Date: %s\r\n", text);
}

static void print_head(struct exchange *x, size_t body_len, struct buf *b)
{
	const struct http_response *r = &x->response;
	bool is_stored = r->etag && !r->is_secret;
	const struct http_header *h;

	buf_printf(b, "HTTP/1.1 %d %s\r\n", r->status, mg_get_response_code_text(x->conn, r->status));
	print_date(b, x->job.now);
	buf_printf(b, "X-Request-Id: %s\r\n", x->job.request_id);
	buf_printf(b, "Content-Security-Policy: %s\r\n",
	    r->policy ? r->policy : "default-src 'none'; frame-ancestors 'none'");
	buf_puts(b,
	    "X-Content-Type-Options: nosniff\r\n"
	    "X-Frame-Options: DENY\r\n"
	    "Cross-Origin-Opener-Policy: same-origin\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Referrer-Policy: no-referrer\r\n");
	if (mg_get_request_info(x->conn)->is_ssl) /* RFC 6797 */
		buf_puts(b, "Strict-Transport-Security: max-age=31536000\r\n");
	buf_printf(b, "Cache-Control: %s\r\n", is_stored ? "private, no-cache" : "no-store");
	if (r->etag)
		buf_printf(b, "ETag: \"%s\"\r\n", r->etag);
	for (h = r->headers; h; h = h->next)
		buf_printf(b, "%s: %s\r\n", h->name, h->value);
	if (r->content_type)
		buf_printf(b, "Content-Type: %s\r\n", r->content_type);
	if (x->is_chunked)
		buf_puts(b, "Transfer-Encoding: chunked\r\n");
	else if (r->status != 204 && r->status != 304 && !x->is_begun)
		buf_printf(b, "Content-Length: %zu\r\n", body_len);
	if (x->is_closing)
		buf_puts(b, "Connection: close\r\n");
	buf_puts(b, "\r\n");
}

/* Print the JSON, or drop the body where the status has none. */
static void settle(struct exchange *x)
{
	struct http_response *r = &x->response;
	struct buf b;

	if (r->status == 0)
		r->status = 200;
	if (r->json) {
		buf_open(&b, x->job.arena);
		json_print_compact(&b, r->json);
		r->text = b.data;
		r->text_len = b.len;
		if (!r->content_type)
			r->content_type = "application/json";
	}
	if (answer_is_not_modified(x))
		r->status = 304;
	if (r->status == 204 || r->status == 304)
		r->content_type = NULL;
}

/* HTTP/1.0 knows no chunks: there the end of the connection is the end of the body. */
void answer_begin(struct exchange *x)
{
	struct buf head;

	if (x->response.status == 0)
		x->response.status = 200;
	x->is_begun = true;
	x->is_chunked = strcmp(mg_get_request_info(x->conn)->http_version, "1.1") == 0;
	x->is_closing = x->is_closing || x->has_body || !x->is_chunked;
	if (x->is_closing)
		mg_disable_connection_keep_alive(x->conn);
	buf_open(&head, x->job.arena);
	print_head(x, 0, &head);
	counts_add(x, x->response.status);
	x->is_gone = mg_write(x->conn, head.data, head.len) != (int)head.len ||
	    strcmp(x->request.method, "HEAD") == 0;
}

int answer_send(struct exchange *x)
{
	struct http_response *r = &x->response;
	struct buf head;
	bool has_body;

	settle(x);
	counts_add(x, r->status);
	has_body = r->status != 204 && r->status != 304 && strcmp(x->request.method, "HEAD") != 0;
	x->is_closing = x->is_closing || x->has_body;
	if (x->is_closing)
		mg_disable_connection_keep_alive(x->conn);
	buf_open(&head, x->job.arena);
	print_head(x, r->text_len, &head);
	/* A secret is sent from where it is; anything else goes with the head, in one write. */
	if (has_body && r->text && !r->is_secret)
		buf_add(&head, r->text, r->text_len);
	mg_write(x->conn, head.data, head.len);
	if (has_body && r->text && r->is_secret)
		mg_write(x->conn, r->text, r->text_len);
	if (r->is_secret)
		digest_cleanse((char *)r->text, r->text_len);
	body_drain(x);
	return r->status;
}
