/* The REST resources: one a file, each a few handlers; the contract is the README's table. */
#ifndef API_API_H
#define API_API_H

#include "http/http.h"

struct flow;
struct query;

struct api { /* the context of every request */
	struct flow *flow;
	struct query *query;
	const char *data;
};

/* All routes; static. */
const struct http_route *api_routes(size_t *n);

#endif
