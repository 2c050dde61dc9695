/*
 * Shared inside http: the server, and the exchange (one request and its
 * answer) that travels through route, body, handler and answer.
 */
#ifndef HTTP_HTTP_INT_H
#define HTTP_HTTP_INT_H

#include <civetweb.h>

#include "base/digest.h"
#include "http/http.h"

enum {
	HTTP_WORKERS = 32,
	HTTP_TROUBLE = 256,
	HTTP_PARTS_MAX = 8,        /* of a path */
	HTTP_REQUEST_ID_MAX = 64,
	ASK_SECONDS = 300,         /* that a client waits */
};

struct counts;

struct http {
	struct mg_context *civetweb;
	struct counts *counts;
	const struct http_route *routes;
	size_t routes_n;
	void *context;
	char token_digest[DIGEST_HEX];
	bool is_starting;
	char trouble[HTTP_TROUBLE]; /* CivetWeb's first complaint while it starts */
};

struct http_query { /* one parameter, decoded */
	const char *name, *value;
	struct http_query *next;
};

struct exchange {
	struct mg_connection *conn;
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
	bool is_gone;              /* the client does not take them any more */
};

/* --- exchange.c: from CivetWeb's callbacks --- */

/* Answer one request, whatever it is; returns the status. */
int exchange_run(struct http *h, struct mg_connection *conn);
/* Answer what CivetWeb itself refuses. */
void exchange_refuse(struct http *h, struct mg_connection *conn, int status, const char *detail);

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
int answer_send(struct exchange *x);
/* Send the head of a body that comes in pieces. */
void answer_begin(struct exchange *x);
/* The response becomes the problem document of the job's failure; status 0: by its code. */
void answer_problem(struct exchange *x, int status);

/* --- stream.c --- */

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
