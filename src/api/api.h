/* The REST resources: one a file, each a few handlers; the contract is the README's table. */
#ifndef API_API_H
#define API_API_H

#include "base/digest.h"
#include "http/http.h"

struct flow;
struct query;

struct api { /* the context of every request */
	struct flow *flow;
	struct query *query;
	const char *data;
	const char *url;           /* by which others reach the service, without a / at its end; NULL: not known */
	char admin_digest[DIGEST_HEX]; /* SHA-256 of the token in DATA/secrets/admin.token */
};

/* Who asks, for http_options. */
int api_identify(struct http_request *req, const struct http_credentials *c);

/* All routes; static. */
const struct http_route *api_routes(size_t *n);

#endif
