/* The route table: which handler a method and a path lead to. */
#include <string.h>

#include "http/http_int.h"

/* Split "/gateway/a%2eb/config" into decoded parts; the count, or -1. */
static int split_path(struct job *j, const char *path, const char *parts[HTTP_PARTS_MAX])
{
	int n = 0;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (n == HTTP_PARTS_MAX)
			return -1;
		parts[n] = decode_percent(j->arena, path, len, false);
		if (!parts[n] || strchr(parts[n], '/'))
			return -1;
		n++;
		path += len;
	}
	return n;
}

/* Does the pattern match the n parts? Sets what its {} stand for. */
static bool match(const char *pattern, const char *const *parts, int n, const char *params[HTTP_PARAMS_MAX])
{
	int i, taken = 0;

	for (i = 0; i < n && *pattern == '/'; i++) {
		size_t len = strcspn(++pattern, "/");

		if (len == 2 && pattern[0] == '{') {
			if (*parts[i] == '\0' || taken == HTTP_PARAMS_MAX)
				return false;
			params[taken++] = parts[i];
		} else if (strlen(parts[i]) != len || memcmp(parts[i], pattern, len) != 0) {
			return false;
		}
		pattern += len;
	}
	return i == n && *pattern == '\0';
}

static bool is_method(const char *method, const struct http_route *r)
{
	return strcmp(method, r->method) == 0 ||
	    (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

enum route_result route_find(struct exchange *x, const char *raw_path, const char **allow)
{
	const char *parts[HTTP_PARTS_MAX];
	int n = split_path(&x->job, raw_path, parts);
	struct buf methods;
	size_t i;

	if (n < 0)
		return ROUTE_MALFORMED;
	buf_open(&methods, x->job.arena);
	for (i = 0; i < x->http->routes_n; i++) {
		const struct http_route *r = &x->http->routes[i];
		const char *params[HTTP_PARAMS_MAX] = { NULL };

		if (!match(r->pattern, parts, n, params))
			continue;
		if (is_method(x->request.method, r)) {
			memcpy(x->request.params, params, sizeof(params));
			x->route = r;
			return ROUTE_FOUND;
		}
		buf_printf(&methods, "%s%s", methods.len ? ", " : "",
		    strcmp(r->method, "GET") == 0 ? "GET, HEAD" : r->method);
	}
	*allow = methods.data;
	return methods.len ? ROUTE_OTHER_METHOD : ROUTE_UNKNOWN;
}
