/*
 * Shared inside http: the server, and the exchange (one request and its
 * answer) that travels through route, body, handler and answer.
 */
#ifndef HTTP_HTTP_INT_H
#define HTTP_HTTP_INT_H

#include <civetweb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "http/http.h"

enum {
	HTTP_WORKERS = 96,         /* for all TCP listeners together; who waits for a commit holds one */
	HTTP_SOCKET_WORKERS = 8,   /* for each unix socket */
	HTTP_TROUBLE = 256,
	HTTP_PARTS_MAX = 8,        /* of a path */
	HTTP_REQUEST_ID_MAX = 64,
	ASK_SECONDS = 300,         /* that a client waits */
};

struct counts;

struct limits;

struct listener { /* workers of their own, so that who keeps those of another one busy is not felt here */
	struct http *http;
	struct mg_context *civetweb;
	bool is_own;               /* the service's own socket */
	unsigned workers;
	atomic_uint streams;       /* so many of them stay with one request */
	void *tls;                 /* SSL_CTX *; NULL: no listener speaks TLS */
	pthread_t starter;         /* the thread that starts it */
	char trouble[HTTP_TROUBLE]; /* CivetWeb's first complaint while it starts */
};

struct http {
	struct listener *listeners; /* all TCP ones as one, then each unix socket */
	size_t listeners_n;
	struct counts *counts;
	atomic_uint streams;       /* of all listeners */
	struct limits *limits;
	const struct http_route *routes;
	size_t routes_n;
	void *context;
	int (*identify)(struct http_request *req, const struct http_credentials *c);
};

struct http_query { /* one parameter, decoded */
	const char *name, *value;
	struct http_query *next;
};

struct exchange {
	struct mg_connection *conn;
	struct listener *listener;
	struct http *http;
	struct job job;
	struct http_request request;
	struct http_response response;
	const struct http_route *route;
	bool has_body;             /* not read yet: the connection cannot carry another request */
	size_t body_length;        /* as announced, counted to a little above HTTP_BODY_LARGE_MAX */
	bool is_continue_awaited;  /* the client asks before it sends the body */
	bool is_closing;           /* after this answer */
	int64_t began_at;          /* monotonic, microseconds */
	bool is_begun;             /* the head has been sent and the body comes in pieces */
	bool is_chunked;           /* they are chunks (HTTP/1.1) */
	bool is_staying;           /* its worker is one of those that streams may keep */
	bool is_gone;              /* the client does not take them any more */
};

/* --- added to CivetWeb's source by .ci/civetweb --- */

int civetweb_socket(const struct mg_connection *conn);
/* How much of a body is still on its way; -1: nobody knows. */
long long civetweb_missing(const struct mg_connection *conn);

/* --- exchange.c: from CivetWeb's callbacks --- */

/* The exchange that a request is of. */
struct exchange *exchange_of(const struct http_request *r);
/* Answer one request, whatever it is; returns the status. */
int exchange_run(struct listener *l, struct mg_connection *conn);
/* Answer what CivetWeb itself refuses. */
void exchange_refuse(struct listener *l, struct mg_connection *conn, int status, const char *detail);

/* --- listen.c: what --listen takes, checked, in CivetWeb's words --- */

bool listen_is_unix(const char *listen_on);
const char *listen_unix_path(const char *listen_on);
/* All TCP listeners of the options; nothing where there is none. */
int listen_print_tcp(struct job *j, const struct http_options *o, struct buf *b);
/* A killed process's socket file goes; a living one's is in the way. */
int listen_print_unix(struct job *j, const char *path, struct buf *b);

/* --- auth.c --- */

/* Who asks; the route may be NULL. E_DENIED, or the code too_many_bad_tokens (429). */
int auth_check(struct exchange *x);

/* --- limits.c: tokens that were refused, by where they came from --- */

struct limits *limits_open(void);
void limits_close(struct limits *l);
/*
 * One more bad token from this source. 0: it is answered as such; else the seconds for which more of them
 * are not looked at. *is_news: worth a line of the log, of which there is a bounded number a minute.
 */
unsigned limits_note(struct limits *l, const char *source, int64_t now_ms, bool *is_news);
/* One more line of what anybody can cause; they too are bounded. */
bool limits_may_log(struct limits *l, int64_t now_ms);
unsigned long limits_count(struct limits *l);

/* --- peer.c: the other end --- */

/* In the arena: an IPv4 address, the /64 of an IPv6 address, or the user of a local process. */
const char *peer_source(struct exchange *x);
/* The user of the process at the other end of a unix socket; false where that cannot be told. */
bool peer_user(const struct mg_connection *conn, uid_t *out);
/* Has it closed the connection? It may have sent something before. */
bool peer_is_gone(const struct mg_connection *conn);

/* --- decode.c --- */

/* UTF-8 without control characters (C0, DEL, C1). */
bool decode_is_text(const char *s, size_t len);
/* Percent-decode once; NULL on a bad escape or on what is no text. plus: '+' is a space. */
char *decode_percent(struct arena *a, const char *s, size_t len, bool plus);
/* "a=b&c=d"; E_INVALID. */
int decode_query(struct job *j, const char *text, const struct http_query **out);

/* --- route.c --- */

enum route_result { ROUTE_FOUND, ROUTE_MALFORMED, ROUTE_UNKNOWN, ROUTE_OTHER_METHOD };

/* Find the request's route and set its params. *allow: the path's methods, where it is another one. */
enum route_result route_find(struct exchange *x, const char *raw_path, const char **allow);

/* --- body.c --- */

/* Before anything is read: is the message's framing sound, and how long is its body? */
int body_check(struct exchange *x);
/* Read and parse the body that the route wants. */
int body_read(struct exchange *x);
/* Take what is left of a refused body off the wire, within bounds, so that the answer arrives. */
void body_drain(struct exchange *x);

/* --- answer.c --- */

/* Send the response, or the problem document where the job has failed; returns the status. */
bool answer_is_not_modified(const struct exchange *x);
int answer_send(struct exchange *x);
/* Send the head of a body that comes in pieces. */
void answer_begin(struct exchange *x);
/* The response becomes the problem document of the job's failure; status 0: by its code. */
void answer_problem(struct exchange *x, int status);

/* --- stream.c --- */

/* Let those that stay say goodbye, a second at most: their handlers know that it is over. */
void stream_wait(const struct http *h);
/* After each exchange. */
void stream_leave(struct exchange *x);
/* The end of a body that came in pieces; where the handler has failed it just breaks off. */
void stream_end(struct exchange *x);

/* --- counts.c --- */

struct counts *counts_open(size_t routes_n);
void counts_close(struct counts *c); /* NULL is fine */
/* An answer of this status goes out now. */
void counts_add(struct exchange *x, int status);

/* --- dial.c --- */

/* Connect to where the call goes; reads time out each second. */
int dial_open(struct job *j, const struct http_call *call, int *fd);

#endif
