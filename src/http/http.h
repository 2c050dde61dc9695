/*
 * HTTP: CivetWeb behind a route table.  A route carries its preconditions as
 * columns, checked once here: token, body, size, content type.  Handlers get a
 * parsed request and fill a response; errors left in the job become problem+json (RFC 9457).
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "base/job.h"
#include "base/json.h"

enum { HTTP_BODY_MAX = 64 * 1024, HTTP_BODY_LARGE_MAX = 1024 * 1024, HTTP_PARAMS_MAX = 2 };

struct http_request {
	struct job *job;
	void *context;             /* the application's, from http_open */
	const char *method, *path;
	const char *params[HTTP_PARAMS_MAX]; /* decoded path parts that {} matched */
	const struct json *body;   /* NULL: none was sent */
	const void *caller;        /* whom the application took this for; NULL on public routes */
	const char *if_match;      /* an entity tag without quotes, or NULL */
	/* private to http */
	const struct http_query *query;
};

/* A query parameter, decoded; NULL: not given. */
const char *http_query(const struct http_request *r, const char *name);
/* A request header's value; NULL: not sent. Borrowed until the answer. */
const char *http_header(const struct http_request *r, const char *name);
/* Fail (E_INVALID) on a query parameter that is not in the NULL-terminated list, or given twice. */
int http_query_known(const struct http_request *r, const char *const *names);

/* Text as part of a path or a query: percent-encoded but for what RFC 3986 (2.3) leaves unreserved, and ':'. */
void http_encode(struct buf *b, const char *text);

struct http_header { const char *name, *value; struct http_header *next; };

struct http_response {
	int status;                /* 200 unless set */
	struct json *json;         /* printed compact, or: */
	const char *text;          /* raw bytes of content_type */
	size_t text_len;
	const char *content_type;
	bool is_secret;            /* text is cleansed after sending */
	const char *policy;        /* Content-Security-Policy: what a page may load; NULL: nothing at all */
	const char *etag;          /* without quotes; makes If-None-Match work; NULL: none */
	struct http_header *headers;
};

/*
 * A body that is sent piece by piece, by the handler itself: http_begin sends the response's head, then each
 * http_write a piece of the body (none of a HEAD's).  False: the client is gone, or reads too slowly.  A
 * handler that fails after it has begun leaves the client with a body that breaks off, as is seen there.
 *
 * For an answer that takes long, before http_begin: it keeps its worker, and half of a listener's are for
 * other requests.  E_BUSY "too_many_streams" where the rest is taken.
 */
int http_stay(struct http_request *r);
bool http_is_gone(const struct http_request *r); /* has the client hung up? */
int http_identify(struct http_request *r); /* may the caller still? A token may end while an answer lasts */
/* Has the client what the response's etag names?  Then there is nothing to begin. */
bool http_is_not_modified(const struct http_request *r);
void http_begin(struct http_request *r);
bool http_write(struct http_request *r, const char *data, size_t len);

/* How often each route was answered with each status, and how long that took (of a stream: to its head). */
struct http_count {
	const char *method, *route; /* as in the table; "other": no route of it */
	int status;
	struct histogram time;     /* microseconds */
};
/* In the job's arena; ordered by route. */
const struct http_count *http_counts(const struct http_request *r, size_t *n);
unsigned http_streams(const struct http_request *r); /* how many stay now */

/* How many tokens were refused since the start. */
unsigned long http_refused_tokens(const struct http_request *r);

/* The value is copied; what is no printable ASCII becomes '?'. name is a literal. */
void http_set_header(struct job *j, struct http_response *r, const char *name, const char *value);

enum http_route_flags {
	HTTP_PUBLIC = 1,           /* no token needed */
	HTTP_BODY = 2,             /* a JSON object must be sent */
	HTTP_BODY_OPTIONAL = 4,
	HTTP_BODY_LARGE = 8,       /* up to HTTP_BODY_LARGE_MAX bytes, elsewhere HTTP_BODY_MAX */
	HTTP_SECRET_PATH = 16,     /* no log has the path: it is what lets one in */
	HTTP_APPLICATION = 256,    /* this bit and those above are the application's, for its identify */
};

struct http_route {
	const char *method;        /* GET serves HEAD too */
	const char *pattern;       /* "/gateway/{}/config" */
	unsigned flags;
	int (*handle)(struct http_request *req, struct http_response *res); /* 0, or the job's error */
};

struct http;

/* Who asks, as far as the connection tells. */
struct http_credentials {
	const char *digest;        /* SHA-256 of the bearer token (RFC 6750, 2.1), in hex; NULL: none was sent */
	bool has_peer;             /* came over the service's own socket, from a process of this user: */
	uid_t peer;
	unsigned flags;            /* of the route; 0 where none fits */
};

struct http_options {
	const char **listen;       /* "127.0.0.1:8080", "[::1]:8443s" (TLS), "unix:PATH" */
	size_t listen_n;
	void *tls;                 /* OpenSSL's SSL_CTX *, borrowed; where a listener speaks TLS */
	bool allow_cleartext;      /* also beyond this machine */
	const char *socket;        /* the service's own: workers of its own, and its peers are known; NULL: none */
	/*
	 * Who is it, and may he use this route? Called for every request but to public routes; sets caller and the
	 * job's actor, or fails: E_DENIED, with the codes token_required, token_invalid and token_expired (401),
	 * another one (403). Guesses of tokens are counted and slowed down here.
	 */
	int (*identify)(struct http_request *req, const struct http_credentials *c);
	const struct http_route *routes;
	size_t routes_n;
	void *context;
};

bool http_is_tls(const char *listen_on);
/* Listening when it returns 0. E_IO names the address and the reason (in use, no permission). */
int http_open(struct job *j, const struct http_options *o, struct http **out);
void http_close(struct http *h); /* lets running requests end */

/* A request from a shell. */
struct http_call {
	const char *method, *path;
	const char *socket;        /* a unix socket's path, or NULL and: */
	const char *url;           /* "http://HOST:PORT" */
	const char *token;         /* NULL: none */
	const char *body;          /* JSON; NULL: none */
	const char *if_match;      /* an entity tag; NULL: none */
	long confirm_within;       /* seconds; 0: no such header */
	unsigned patience;         /* seconds until it is given up; 0: five minutes */
	void (*on_wait)(unsigned seconds); /* each second until the answer comes; may be NULL */
};

struct http_answer {
	int status;
	const char *head;          /* the status line and the headers */
	struct buf body;
};

/*
 * One round trip, whatever the status.  E_INVALID on a URL that is none, E_IO where nobody listens (code
 * "not_listening") or the answer breaks off.
 */
int http_ask(struct job *j, const struct http_call *call, struct http_answer *out);
/* A header of the answer, copied; NULL: it has none of that name. */
const char *http_answer_header(struct job *j, const struct http_answer *a, const char *name);

#endif
