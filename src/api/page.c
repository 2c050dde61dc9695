/* Pages of lists: ?limit=&cursor=, and the Link to the next one (RFC 8288). */
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"

enum { LIMIT_MAX = 10000 };

int page_parse(struct http_request *req, struct page *out)
{
	const char *limit = http_query(req, "limit"), *cursor = http_query(req, "cursor");

	memset(out, 0, sizeof(*out));
	if (limit) {
		if (strlen(limit) > 5 || limit[strspn(limit, "0123456789")] != '\0')
			limit = "0";
		out->limit = strtoul(limit, NULL, 10);
		if (out->limit < 1 || out->limit > LIMIT_MAX)
			return job_fail_field(
			    req->job, "limit", "has to be a number from 1 to %d", LIMIT_MAX);
		out->query.limit = out->limit + 1;
	}
	if (cursor && !model_is_user_name(cursor) && !model_is_gateway_name(cursor))
		return job_fail_field(req->job, "cursor", "is none that a Link gave");
	out->query.after = cursor;
	return 0;
}

size_t page_cut(const struct page *p, size_t n)
{
	return p->limit && n > p->limit ? p->limit : n;
}

/* Names and times need no escapes in a query (RFC 3986, 3.4). */
void page_link(struct http_request *req, struct http_response *res, const struct page *p, const char *filter,
    const char *last)
{
	http_set_header(req->job, res, "Link",
	    arena_printf(req->job->arena, "<%s?limit=%zu&cursor=%s%s>; rel=\"next\"", req->path, p->limit,
		last, filter));
}
