/*
 * Reads of the rendered SQLite database: what GET answers from.  Every read sees one
 * snapshot and tells its commit.  Rows live in the job's arena.  Any thread may
 * call; each call takes a connection of its own from a pool.
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "base/job.h"
#include "model/model.h"

struct query;

/* Once, before any use of SQLite: it counts no memory, for which all threads would take one lock. */
void query_start(void);
int query_open(struct job *j, const char *data, struct query **out);
void query_close(struct query *q);

/*
 * One snapshot for several calls: as long as it is held, they see the same commit (which is the job's, as
 * its hex id).  query_release ends it; NULL is fine.
 */
struct query_hold;
int query_hold(struct job *j, struct query *q, struct query_hold **out, const char **commit);
void query_release(struct query *q, struct query_hold *h);

struct query_page { /* of a list, by name */
	size_t limit;        /* 0: all */
	const char *after;   /* names behind this one; NULL: from the start */
	struct query_hold *hold; /* read from; NULL: from the newest snapshot */
};

struct query_user {
	const char *name, *id, *prefix, *blob;
	bool enabled;
	int64_t gateways, created;
};

struct query_certificate {
	const char *serial;
	int64_t not_before, not_after, until; /* until 0: not superseded */
};

struct query_gateway {
	const char *name, *user, *id, *prefix, *address, *blob;
	bool enabled;
	const char *inbound, *routes;
	const char *allow;   /* JSON array as text, the canonical form of the state file in one line */
	struct query_certificate *certificates; /* not revoked, not expired at j->now; newest first */
	size_t certificates_n;
	int64_t created;
};

struct query_gateway_filter {
	const char *user;        /* NULL: all */
	int64_t expires_before;  /* its newest certificate ends before; 0: all */
};

struct query_users { struct query_user *rows; size_t n; const char *commit; };
struct query_gateways { struct query_gateway *rows; size_t n; const char *commit; };

/* Each tells the hex id of its snapshot's commit. E_NOT_FOUND (code not_found) names what is missing. */
int query_users(struct job *j, struct query *q, const struct query_page *page, struct query_users *out);
int query_user(struct job *j, struct query *q, const char *name, struct query_user *row, const char **commit);
/* A filter by a user that there is not finds nothing. */
int query_gateways(struct job *j, struct query *q, const struct query_gateway_filter *f,
    const struct query_page *page, struct query_gateways *out);
int query_gateway(struct job *j, struct query *q, const char *name, struct query_gateway *row, const char **commit);

struct query_end { const char *name, *user; int64_t not_after; }; /* not_after 0: no certificate is live */
struct query_ends { struct query_end *rows; size_t n; };
/* When the newest certificate of each gateway ends, in order of names. */
int query_ends(struct job *j, struct query *q, const struct query_page *page, struct query_ends *out);

/* All that render_profile needs, as entities of a small model that the caller closes. */
struct query_profile {
	struct model *model;     /* network, server, the gateway, its newest live certificate, the CA */
	const struct gateway *gateway;
};
/* E_CONFLICT (code no_certificate) where it has no live certificate. */
int query_profile(struct job *j, struct query *q, const char *name, struct query_profile *out, const char **commit);

/* A small model with network.json and servers/main.json; the caller closes it (NULL where this fails). */
int query_network(struct job *j, struct query *q, struct model **out);

struct query_counts { int64_t users, gateways; const char *commit; };
int query_counts(struct job *j, struct query *q, struct query_counts *out);

/* --- the history; E_BUSY (code index_building) while the index lags behind --- */

struct query_entry { /* one commit */
	int64_t seq;             /* its place in the history, from 1 */
	const char *commit, *actor, *subject;
	const char *change, *reason; /* "" where there is none */
	const char *signed_by;   /* fingerprint of a key; NULL: not signed */
	int64_t time;
	const char **objects;    /* "user:x", "gateway:y", "network", "server"; ends with NULL */
};

struct query_log_filter { /* NULL or 0: all; what is given must all hold */
	const char *user;        /* touched this user or a gateway of his */
	const char *gateway, *actor, *change;
	const char *address;     /* an address or a prefix: of a gateway or of a user */
	int64_t since, until;    /* both included */
	const char *text;        /* in subject or reason */
	int64_t before;          /* seq: what came before it */
	size_t limit;
};
struct query_log { struct query_entry *rows; size_t n; const char *commit; };

/* Newest first. Costs what it returns, but for text, which looks at all that the rest finds. */
int query_log(struct job *j, struct query *q, const struct query_log_filter *f, struct query_log *out);

/* What came after a commit (its seq), oldest first. */
int query_commits_after(struct job *j, struct query *q, int64_t seq, size_t limit, struct query_log *out);

/*
 * The commit that a text names: 40 hex digits, the first 7 or more of them, HEAD, HEAD~n, or a time: the
 * last one at or before it (a date: the end of its day). E_INVALID: it is none of these; E_NOT_FOUND;
 * E_CONFLICT (code ambiguous_commit).
 */
int query_commit(struct job *j, struct query *q, const char *at, struct query_entry *out, const char **commit);

struct query_tenure { /* who had an address */
	uint32_t user_id, gateway_id;
	const char *user, *gateway; /* names then; gateway NULL: only the user's prefix */
	const char *device;      /* of the gateway */
	const char *prefix;
	struct query_entry since; /* the commit that gave it */
	int64_t until;           /* time of the one that took it; 0: still */
};
/* At a commit (at->seq) the one who had it. E_NOT_FOUND: nobody. */
int query_address(struct job *j, struct query *q, const char *address, const struct query_entry *at,
    struct query_tenure *out);
/* Who bore a name at a commit. */
int query_name(struct job *j, struct query *q, const char *name, bool is_gateway, const struct query_entry *at,
    struct query_tenure *out);
/* State paths of every certificate that a device ever had; ends with NULL. */
int query_issued(struct job *j, struct query *q, const char *device, const char ***paths);

#endif
