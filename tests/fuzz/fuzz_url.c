/* URLs: a line with the method, one with the path as it was sent, one with the query. */
#include "api/api.h"
#include "fuzz.h"
#include "http/http_int.h"

/* What is encoded decodes to itself. */
static void check_encoding(struct job *j, const char *text)
{
	const char *again;
	struct buf b;

	buf_open(&b, j->arena);
	http_encode(&b, text);
	again = decode_percent(j->arena, b.data, b.len, true);
	fuzz_require(
	    again ? strcmp(again, text) == 0 : !decode_is_text(text, strlen(text)), "text comes back");
}

static void check_route(struct exchange *x, const char *path)
{
	const char *allow = NULL;
	int i;

	switch (route_find(x, path, &allow)) {
	case ROUTE_FOUND:
		for (i = 0; i < HTTP_PARAMS_MAX && x->request.params[i]; i++) {
			const char *p = x->request.params[i];

			fuzz_require(*p && !strchr(p, '/') && decode_is_text(p, strlen(p)),
			    "a part of a path is text");
		}
		break;
	case ROUTE_OTHER_METHOD:
		fuzz_require(allow && *allow, "another method is told");
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct exchange x = { 0 };
	struct http http = { 0 };
	const struct http_query *q;
	const char *path;

	fuzz_open(&x.job);
	http.routes = api_routes(&http.routes_n);
	x.http = &http;
	x.request.job = &x.job;
	x.request.method = fuzz_take(&x.job, &in, '\n');
	path = fuzz_take(&x.job, &in, '\n');
	check_route(&x, path);
	check_encoding(&x.job, path);
	if (decode_query(&x.job, fuzz_take(&x.job, &in, '\0'), &x.request.query) == 0)
		for (q = x.request.query; q; q = q->next)
			fuzz_require(decode_is_text(q->name, strlen(q->name)) &&
				decode_is_text(q->value, strlen(q->value)) && http_query(&x.request, q->name),
			    "a query's parameters are text");
	job_close(&x.job);
	return 0;
}
