/*
 * The model: the state at one commit as plain structs, one entity a state
 * file.  A fork is a model that lies over another one and holds only what was
 * put or removed since: change k of a batch is planned on the fork that holds
 * k-1, render walks what the fork touched, and model_absorb moves the base
 * once the batch is published.  No input or output here.
 *
 * Entities are immutable.  Pointers to them are borrowed from the model and
 * good until the model they came from absorbs a fork or is closed.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/ip.h"
#include "base/job.h"

enum {
	MODEL_FORMAT = 1,        /* the layout's version: the file "format" */
	USER_NAME_MAX = 32,
	GATEWAY_NAME_MAX = 64,   /* RFC 5280's bound of a common name */
	ID128_HEX = 33,
	MODEL_PATH_MAX = 256,
	BACKDATED = 3600,        /* notBefore lies so many seconds before the issue: clocks of devices may be behind */
};

enum inbound { INBOUND_DENY, INBOUND_ALLOW };
enum routes { ROUTES_PREFIX, ROUTES_INTERNET };
enum certificate_kind { CERTIFICATE_CA, CERTIFICATE_SERVER, CERTIFICATE_API, CERTIFICATE_GATEWAY };

/* The reasons of RFC 5280, 5.3.1, that this project uses. */
enum revocation_reason { REASON_UNSPECIFIED = 0, REASON_KEY_COMPROMISE = 1, REASON_SUPERSEDED = 4,
	REASON_CESSATION_OF_OPERATION = 5, REASON_CERTIFICATE_HOLD = 6 };

struct id128 { /* a certificate's serial, a device */
	char hex[ID128_HEX]; /* 32 lower-case digits */
};

enum entity_kind { ENTITY_FORMAT, ENTITY_NETWORK, ENTITY_SERVER, ENTITY_USER, ENTITY_GATEWAY,
	ENTITY_CERTIFICATE, ENTITY_SUPERSESSION, ENTITY_REVOCATION, ENTITY_ID, ENTITY_RELEASE, ENTITY_ADOPTION,
	ENTITY_PENDING, ENTITY_TOKEN, ENTITY_TOKEN_REMOVAL, ENTITY_SIGNER,
	ENTITY_ACCESS };  /* the last one; any other file of access/ */

/* The head of every entity: which state file it is. */
struct entity {
	enum entity_kind kind;
	const char *path;          /* in the state repository */
	char blob[OID_HEX];        /* git's id of its bytes */
	struct arena *arena;       /* owns the entity; the model's */
	bool is_removed;           /* in a fork: a grave over the base's entity; only kind and path are set */
};

struct policy { /* seconds */
	int64_t validity;        /* of a gateway's certificate */
	int64_t renewal;         /* renewable in this last part of it */
	int64_t overlap;         /* a superseded certificate lives on for this long */
	int64_t crl;             /* a CRL's nextUpdate */
	int64_t server_validity; /* of the server's certificate, renewed at two thirds */
	int64_t max_clients;     /* OpenVPN's max-clients; not a time */
};

struct network { /* network.json */
	struct entity entity;
	const char *name;         /* for people, and the CA's CN: "<name> CA G1" */
	struct ip_prefix prefix;
	unsigned user_bits, gateway_bits, network_bits; /* the plan's widths, multiples of 4 */
	uint32_t *never;          /* user ids never given */
	size_t never_n;
	uint32_t *on_request;     /* user ids given only when asked for */
	size_t on_request_n;
	struct policy policy;
	enum inbound inbound;     /* defaults of new gateways */
	enum routes routes;
	const char *master_key;   /* fingerprint of the master key, as pki prints it */
};

struct endpoint { const char *host; unsigned port; };

struct server { /* servers/main.json */
	struct entity entity;
	const char *name;         /* its DNS name: the certificate's CN, fixed at init */
	struct id128 device;
	struct endpoint *endpoints;
	size_t endpoints_n;
	unsigned port;            /* where OpenVPN listens */
	const char *proto;        /* "udp6" or "tcp6-server" */
	const char *tls_version_min; /* "1.2" or "1.3" */
	const char **extra;       /* more directives of server.conf, checked against an allow list */
	size_t extra_n;
	const char **dns;         /* addresses of name servers that clients are told; none: they keep theirs */
	size_t dns_n;
	bool restarts;            /* "restart": "auto"; else what needs a restart of OpenVPN waits for the operator's */
	int64_t created;
};

struct user { /* users/1/f/user.json */
	struct entity entity;
	uint32_t id;
	const char *name;
	int64_t created;
	bool enabled;
};

enum allow_from { FROM_ANY, FROM_VPN, FROM_USER, FROM_PREFIX };

struct allow { /* who may open what towards a gateway's prefix */
	const char *proto;        /* "tcp", "udp" */
	unsigned port_low, port_high; /* both inclusive */
	bool has_to;              /* else: the whole prefix */
	uint32_t to_network;      /* n: "to": "1::80" is network 1, interface identifier ::80 */
	uint64_t to_iid;
	bool to_whole_network;    /* "to": "1::/64" */
	enum allow_from from;
	const char *from_user;    /* FROM_USER: a user's name */
	struct ip_prefix from_prefix;
};

struct gateway { /* users/1/f/gateways/3.json */
	struct entity entity;
	uint32_t user, id;
	const char *name;
	struct id128 device;
	int64_t created;
	bool enabled;
	enum inbound inbound;
	enum routes routes;
	struct allow *allow;
	size_t allow_n;
};

struct certificate { /* ledger/certificates/2026-11/4/f/a/<serial>.json */
	struct entity entity;
	struct id128 serial, device; /* a CA's device is all zeros */
	enum certificate_kind kind;
	const char *name;         /* its CN */
	unsigned generation;      /* of the master key that its own key is derived from */
	int64_t not_before, not_after;
	const uint8_t *der;       /* the certificate itself: RFC 5280's Certificate */
	size_t der_len;
};

struct supersession { /* ledger/superseded/... */
	struct entity entity;
	struct id128 serial;
	int64_t until;            /* the renewed certificate's last moment */
};

struct revocation { /* ledger/revocations/... */
	struct entity entity;
	struct id128 serial;
	int64_t at;
	enum revocation_reason reason;
	const char *by;           /* the actor */
};

struct id_record { /* ledger/ids/1/f.json (a user's), ledger/ids/1/f/3.json (a gateway's): first given */
	struct entity entity;
	uint32_t user, gateway;
	bool is_gateway;
	int64_t given;
};

struct id_release { /* ledger/ids/1/f/released/0.json, ledger/ids/1/f/3/released/0.json: the n-th time it came back */
	struct entity entity;
	uint32_t user, gateway, number;
	bool is_gateway;
	int64_t at;
	const char *user_name, *gateway_name; /* who had it; gateway_name "" for a user's */
};

struct adoption { /* ledger/adopted/<serial>.json: revoked, and more is not known: the rest went with an old backup */
	struct entity entity;
	struct id128 serial;
	int64_t at;
	const char *by;           /* the actor */
};

struct hold { /* on the CRL as certificateHold until confirmed or undone */
	struct id128 serial;
	enum revocation_reason reason; /* of the revocation that a confirmation makes of it */
};

struct planned_end {
	struct id128 serial;
	int64_t until;            /* of the supersession that a confirmation makes of it */
};

struct pending { /* pending.json: the last change undoes itself unless it is confirmed in time */
	struct entity entity;
	int64_t at, deadline;     /* since when, until when */
	struct hold *holds;
	size_t holds_n;
	struct planned_end *ends;
	size_t ends_n;
};

struct model;

struct model *model_open(void);                         /* empty */
struct model *model_fork(const struct model *base);     /* base is borrowed until the fork is absorbed or closed */
void model_close(struct model *m);                      /* NULL is fine */
void model_absorb(struct model *base, struct model *fork); /* base := fork; closes the fork */

/*
 * Take one state file in, or out.  model_put parses and checks all that one
 * file can tell by itself, its path's agreement with its content included:
 * E_CORRUPT names path, line and what is wrong.  Files may come in any order
 * but network.json before users, ledger/certificates before the rest of the ledger.
 */
int model_put(struct job *j, struct model *m, const char *path, const char *bytes, size_t len);
int model_remove(struct job *j, struct model *m, const char *path);

/*
 * Take in an entity that model_put once checked and that was kept as columns since: kind and path are
 * set here, everything is copied.  In any order, and model_sort behind the last one.
 */
void model_keep_user(struct model *m, const struct user *v);
void model_keep_gateway(struct model *m, const struct gateway *v);
void model_keep_certificate(struct model *m, const struct certificate *v);
void model_sort(struct model *m);

/*
 * What holds between files, checked for everything that m itself holds (all of
 * it, where m has no base): names unique, a gateway's user exists, reserved ids
 * stay free, an id in use is in the ledger, `from` names a user, prefix and
 * widths frozen once a user exists, ledger entries never change.
 */
int model_check(struct job *j, const struct model *m);

/* All return NULL where there is none. */
const struct entity *model_entity(const struct model *m, const char *path);
const struct network *model_network(const struct model *m);
const struct server *model_server(const struct model *m);
const struct user *model_user(const struct model *m, uint32_t id);
const struct user *model_user_by_name(const struct model *m, const char *name);
const struct gateway *model_gateway(const struct model *m, uint32_t user, uint32_t id);
const struct gateway *model_gateway_by_name(const struct model *m, const char *name);
const struct certificate *model_certificate(const struct model *m, const char *serial);
const struct supersession *model_supersession(const struct model *m, const char *serial);
const struct revocation *model_revocation(const struct model *m, const char *serial);
const struct id_record *model_id(const struct model *m, uint32_t user, int64_t gateway); /* gateway -1: the user's */
/* No user id below this one is unused: where a search for the lowest begins, so that it costs nothing as the plan fills. */
uint32_t model_unused_user_id(const struct model *m);
/* The same for the gateways of one user. */
uint32_t model_unused_gateway_id(const struct model *m, uint32_t user);
/* Every gateway id that this user was ever given is below this one; 0: none was. */
uint32_t model_given_gateway_ids(const struct model *m, uint32_t user);
const struct pending *model_pending(const struct model *m);
const struct adoption *model_adoption(const struct model *m, const char *serial);
/* What a CRL lists: every revocation, adopted ones too, and what is on hold as certificateHold. NULL-terminated, in the arena. */
const struct revocation **model_withdrawn(struct arena *a, const struct model *m);
size_t model_withdrawn_count(const struct model *m);
/* The revocation of a serial, its adoption or its hold; NULL: none of them. */
const struct revocation *model_withdrawal(struct arena *a, const struct model *m, const char *serial);
bool model_is_held(const struct model *m, const char *serial);
/* How often an id came back, and the last time. */
unsigned model_releases(const struct model *m, uint32_t user, int64_t gateway);
const struct id_release *model_last_release(const struct model *m, uint32_t user, int64_t gateway);

/* All certificates of a device, newest first (not_before, then serial), NULL-terminated, in the arena. */
const struct certificate **model_certificates(struct arena *a, const struct model *m, const char *device);
/* The newest one that is not revoked: what the device has; no clock. NULL: none. */
const struct certificate *model_current_certificate(const struct model *m, const char *device);
/* As text, in the arena. */
const char *model_certificate_pem(struct arena *a, const struct certificate *c);
/* The newest CA; NULL before init. */
const struct certificate *model_ca(const struct model *m);
/* Valid at t: not revoked, not on hold, within its dates, not past its supersession. */
bool model_is_live(const struct model *m, const struct certificate *c, int64_t t);

/*
 * All entities of a kind as m sees them, in the order of their paths, NULL-terminated.
 * Borrowed until m changes, or in the arena.
 */
const struct entity **model_all(struct arena *a, const struct model *m, enum entity_kind kind);
/* The same for what m itself holds over its base, graves (is_removed) included. */
const struct entity **model_touched(struct arena *a, const struct model *m, enum entity_kind kind);
size_t model_count(const struct model *m, enum entity_kind kind);
/* The model under a fork; NULL for a base. */
const struct model *model_base(const struct model *m);

/* --- names, addresses, paths --- */

bool model_is_user_name(const char *s);
bool model_is_gateway_name(const char *s); /* already folded to lower case */
bool model_is_id128(const char *s);

/* Lower-case hex of the plan's width. */
void model_print_user_id(const struct network *n, uint32_t id, char out[9]);
void model_print_gateway_id(const struct network *n, uint32_t id, char out[9]);
bool model_parse_user_id(const struct network *n, const char *s, uint32_t *id);
bool model_parse_gateway_id(const struct network *n, const char *s, uint32_t *id);

/* Reserved ids: the ones that nobody gets, the ones that only who asks for them gets. */
bool model_is_never_given(const struct network *n, uint32_t user);
bool model_is_on_request(const struct network *n, uint32_t user);

struct ip_prefix model_user_prefix(const struct network *n, uint32_t user);
struct ip_prefix model_gateway_prefix(const struct network *n, uint32_t user, uint32_t gateway);
/* The gateway's own address: network 0, ::1. */
struct in6_addr model_gateway_address(const struct network *n, uint32_t user, uint32_t gateway);
struct in6_addr model_server_address(const struct network *n); /* PREFIX::1 */

/* State paths; each writes at most MODEL_PATH_MAX bytes. */
void model_user_path(const struct network *n, uint32_t user, char *out);
void model_gateway_path(const struct network *n, uint32_t user, uint32_t gateway, char *out);
void model_id_path(const struct network *n, uint32_t user, int64_t gateway, char *out);
void model_release_path(const struct network *n, uint32_t user, int64_t gateway, unsigned number, char *out);
void model_adoption_path(const char *serial, char *out);
/* kind is ENTITY_CERTIFICATE, ENTITY_SUPERSESSION or ENTITY_REVOCATION; not_before is the certificate's. */
void model_ledger_path(enum entity_kind kind, const char *serial, int64_t not_before, char *out);

/* Words of the JSON. */
const char *model_inbound_word(enum inbound v);
const char *model_routes_word(enum routes v);
const char *model_kind_word(enum certificate_kind v);
const char *model_reason_word(enum revocation_reason v);

/* --- entities to canonical JSON; the inverse of model_put --- */
void model_encode_network(struct buf *b, const struct network *v);
void model_encode_server(struct buf *b, const struct server *v);
void model_encode_user(struct buf *b, const struct user *v);
void model_encode_gateway(struct buf *b, const struct gateway *v);
void model_encode_certificate(struct buf *b, const struct certificate *v);
void model_encode_supersession(struct buf *b, const struct supersession *v);
void model_encode_revocation(struct buf *b, const struct revocation *v);
void model_encode_adoption(struct buf *b, const struct adoption *v);
void model_encode_id(struct buf *b, const struct id_record *v);
void model_encode_release(struct buf *b, const struct id_release *v);
void model_encode_pending(struct buf *b, const struct pending *v);
/* Any of the ledger's. */
void model_encode_ledger(struct buf *b, const struct entity *e);
/* Of the ledger, where entries are added and never change? */
bool model_is_ledger(enum entity_kind kind);

/* `allow` of a gateway, as the API and the state file have it: one parser, one printer. */
struct json;
int model_parse_allow(struct job *j, const struct network *n, const struct json *array,
    struct allow **out, size_t *out_n);
struct json *model_allow_json(struct arena *a, const struct allow *list, size_t n);

/*
 * Settings with some members replaced: those of `members`, and within its objects theirs (RFC 7396 without
 * null).  E_INVALID names the field, E_CONFLICT "frozen" a member that stays as it is; out lives in the job's arena.
 */
struct model_frozen { const char *key, *why; };
struct model_merge {
	const struct json *members;
	const struct model_frozen *frozen; /* ended by a NULL key */
	const char *what;          /* out: what is new, as in "policy.validity 400d, reserved.never"; NULL: nothing is */
};
int model_merge_network(struct job *j, const struct network *old, struct model_merge *merge, struct network *out);
int model_merge_server(struct job *j, const struct server *old, struct model_merge *merge, struct server *out);

#endif
