/* Shared inside api: from bodies to changes, from rows to JSON, and what all mutations have in common. */
#ifndef API_API_INT_H
#define API_API_INT_H

#include "api/api.h"
#include "change/change.h"
#include "flow/flow.h"
#include "query/query.h"

/* --- parse.c: what a request says, checked; errors name the field --- */

/* To lower case; ASCII only: a name with anything else is refused, not folded. */
const char *parse_fold(struct job *j, const char *s);
/* A name of the path, folded; what can be no name is E_NOT_FOUND. */
int parse_user_name(struct http_request *req, const char **out);
int parse_gateway_name(struct http_request *req, const char **out);

/* The name in a member; *out stays where there is none. A gateway's is required. */
int parse_user_member(struct job *j, const struct json *body, const char *key, bool required, const char **out);
int parse_gateway_member(struct job *j, const struct json *body, const char **out);

/* One of these for a kind of change; body is a request's, or an entry of a batch. */
typedef int (parse_change)(struct http_request *req, const struct json *body, struct change *ch);
parse_change parse_user_create, parse_user_patch, parse_gateway_create, parse_gateway_patch;
parse_change parse_renew; /* body NULL: none was sent */
parse_change parse_settings_patch; /* of the network or the server: the members are the change's to judge */
/* ?name=1 or 0; *out stays where it is not given. */
int parse_flag(struct http_request *req, const char *name, bool *out);
/* ?reason= into the change. */
int parse_reason(struct http_request *req, struct change *ch);
/* "reason" of a body; the change's stays where there is none. */
int parse_reason_member(struct job *j, const struct json *body, struct change *ch);

/* --- access.c --- */

struct caller { /* in req->caller */
	const char *token;         /* SHA-256 of a token of access/; NULL: the service's own admin, who may do all */
	enum role role;
	bool is_users;             /* for one user, whose name now and whose prefix are: */
	const char *user;
	struct ip_prefix prefix;
	const char *gateway;       /* of a gateway's token; NULL: it is none */
};

/* What a route is for, beside who may do all: columns of the table. */
enum {
	ROUTE_OF_USER = HTTP_APPLICATION,        /* tokens for one user; what they see is checked in the handler */
	ROUTE_OF_GATEWAY = HTTP_APPLICATION * 2, /* a gateway's token, likewise */
	ROUTE_SECRET = HTTP_APPLICATION * 4,     /* answers with a private key: not for auditors */
	ROUTE_OWN = HTTP_APPLICATION * 8,        /* for no token of access/ */
};

/* May he see what is at this prefix? gateway: its name, NULL where it is a user's. */
bool access_sees(const struct http_request *req, const char *prefix, const char *gateway);
/* Others had those names then: E_DENIED for tokens that are for one user or gateway. */
int access_check_past(const struct http_request *req);
/* The user that the token is for; NULL: it is for no single one. */
const char *access_only_user(const struct http_request *req);

/* --- page.c: lists --- */

struct page {
	struct query_page query; /* asks for one row more than limit, to see whether there is one */
	size_t limit;            /* 0: all */
};

int page_parse(struct http_request *req, struct page *out);
/* How many of n rows to show. */
size_t page_cut(const struct page *p, size_t n);
/* A Link to what follows the last row shown; filter is "" or "&user=x". */
void page_link(struct http_request *req, struct http_response *res, const struct page *p,
    const char *filter, const char *last);

/* --- list.c --- */

struct list_piece {
	struct json *array;      /* to add to, in the reading job's arena */
	size_t show;             /* at most so many rows */
	size_t n;                /* rows that there were; one that the caller may not see counts, too */
	const char *last;        /* name of the last one shown */
};
struct list_source {
	int (*read)(struct http_request *req, struct job *j, const struct query_page *page,
	    const struct list_source *source, struct list_piece *out);
	const struct query_gateway_filter *filter; /* of gateways */
	const struct deploy_clients *clients;      /* NULL: without status */
	const char *link;        /* the filter as part of a Link */
	bool is_live;            /* not a function of the commit: no ETag */
};
/* Answer the page that was asked for, or all of it. */
int list_answer(struct http_request *req, struct http_response *res, const struct page *p,
    const struct list_source *source);

/* --- present.c --- */

struct json *present_user(struct job *j, const struct query_user *row);
int present_gateway(struct job *j, const struct query_gateway *row, struct json **out);
/* <blob>-<16 digits of the body's SHA-256>: certificates come and go without the file changing. */
const char *present_tag(struct job *j, const char *blob, const struct json *object);
/* Answer a read: the object or list, its tag, its commit. */
void present(struct http_request *req, struct http_response *res, struct json *body, const char *tag,
    const char *commit);

/* The members of an entry of the log, into an object. */
void present_entry(struct job *j, const struct query_entry *e, struct json *o);

/* --- live.c: what OpenVPN tells of a gateway --- */

/* ?status=1; not with ?at=, since OpenVPN knows the present alone. */
int live_parse(struct http_request *req, bool *out);
/*
 * The member "status" of a gateway: {"connected",...}, or null where OpenVPN does not answer.  The connections are
 * of all gateways or of this one.
 */
void live_add(struct job *j, struct json *o, const struct deploy_clients *clients, const char *name);

/* --- rows.c --- */

void rows_user(struct job *j, const struct model *m, const struct user *u, struct query_user *row);
/* With the certificates that its device could use at that time. */
void rows_gateway(struct job *j, const struct model *m, int64_t at, const struct gateway *g,
    struct query_gateway *row);

/* --- past.c: the same reads with ?at= --- */

int past_users(struct http_request *req, struct http_response *res, const struct page *page);
int past_user(struct http_request *req, struct http_response *res, const char *name);
int past_gateways(struct http_request *req, struct http_response *res, const struct page *page,
    const struct query_gateway_filter *filter, const char *link);
int past_gateway(struct http_request *req, struct http_response *res, const char *name);

/* --- mutate.c: one way for all mutations --- */

struct object { /* a user or gateway as a client sees it; zeroed where it could not be read */
	struct json *json;
	const char *tag;           /* of json */
	const char *commit;        /* of the snapshot that it was read from */
	const char *path;          /* of its state file; NULL: by its prefix */
	const char *prefix, *blob;
	const struct query_certificate *newest; /* of a gateway; NULL: none is live */
	bool is_gateway;
};

/* A change of this kind with all that does not come from the body. */
int mutate_open(struct http_request *req, enum change_kind kind, struct change *ch);
/* Does If-Match hold for the object? Then the change asks for its blob. E_STALE says who was faster. */
int mutate_match(struct http_request *req, const struct object *o, struct change *ch);
int mutate_submit(struct http_request *req, const struct object *o, const struct change *ch,
    struct flow_result *out);
/* Was it a dry run? Then it is answered. */
bool mutate_is_dry(struct http_request *req, struct http_response *res, const struct flow_result *r);
/* The answer of a done change: the object as read back (NULL: 204), with what the caller should know. */
void mutate_answer(struct http_request *req, struct http_response *res, const struct flow_result *r,
    const struct object *o);
/* The answer of a change of many objects: {"commit","issued","revoked",...}, 201, its Location. */
void mutate_answer_commit(struct http_request *req, struct http_response *res, const struct flow_result *r);
/* "restart_needed", with a warning that says what becomes of it; which configurations are others now. */
void mutate_add_restart(struct job *j, struct json *o, const struct flow_summary *s);
void mutate_add_needs_config(struct job *j, struct json *o, const struct flow_summary *s);
/* The change is a fact, so that it cannot be read back is a warning: {"name"} instead of the object. */
void mutate_unread(struct http_request *req, const char *name, struct object *o);

/* --- profile.c --- */

/* What the configuration of a gateway that the caller may see is made of; the caller closes its model. */
int profile_find(struct http_request *req, const char *name, struct query_profile *out, const char **commit);
/* Answer the configuration of a gateway, of this device (NULL: of any); who got it is for the caller to log. */
int profile_present(
    struct http_request *req, struct http_response *res, const char *name, const char *device);
void profile_log(const struct job *j, const char *name);

/* --- handlers, one resource a file --- */

typedef int (api_handler)(struct http_request *req, struct http_response *res);

api_handler users_list, users_create, users_get, users_patch, users_delete;
api_handler gateways_list, gateways_create, gateways_get, gateways_patch, gateways_delete, gateways_renew;
api_handler link_create, link_take;
api_handler profile_get, network_get, address_get;
api_handler log_list, log_show;
api_handler confirm_keep, confirm_undo;
api_handler batch_apply, rollback_to, rollback_revert, push_accept;
api_handler certificates_get_ca, certificates_get_crl;
api_handler tokens_list, tokens_create, tokens_delete, signers_list, signers_create, signers_delete;
api_handler network_patch, server_get, server_patch, server_restart;
api_handler health_alive, health_ready;
api_handler pages_get;
api_handler metrics_get, events_get;
api_handler state_get, state_check, state_render;

#endif
