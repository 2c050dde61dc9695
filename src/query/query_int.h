/* Shared inside query: one call's connection, and rows out of statements. */
#ifndef QUERY_QUERY_INT_H
#define QUERY_QUERY_INT_H

#include <sqlite3.h>
#include <sys/types.h>

#include "query/query.h"

struct connection {
	sqlite3 *handle;
	dev_t device;            /* which file it has open: a damaged database is replaced by another one */
	ino_t inode;
	struct connection *next; /* in the list of idle ones */
	sqlite3_stmt **statements; /* prepared ones, to be used again */
	size_t statements_n;
};

/* A snapshot: one read transaction, from the first statement to the end of the call. */
struct reading {
	struct job *job;
	struct query *query;
	struct connection *connection;
	const char *commit;      /* in the job's arena */
	bool is_held;            /* the snapshot goes on */
};

/* E_IO "database" where it can't be read; reading_end in any case. */
int reading_begin(struct job *j, struct query *q, struct reading *r);
/* The same without the commit: a call's first statement tells it as QUERY_COMMIT, and is under way until the end. */
int reading_begin_bare(struct job *j, struct query *q, struct reading *r);
#define QUERY_COMMIT "(SELECT value FROM meta WHERE key = 'commit')"
/* reading_begin, or in a held snapshot where h is one. */
int reading_join(struct job *j, struct query *q, const struct query_hold *h, struct reading *r);
void reading_end(struct reading *r);
int reading_fail(struct reading *r);

/*
 * A prepared statement of the connection's, bound: 'i' an int64_t, 's' a text (NULL is null); *out is NULL on
 * failure.  reading_done gives it back for the next call; NULL is fine.
 */
int reading_prepare(struct reading *r, sqlite3_stmt **out, const char *sql, const char *types, ...);
void reading_done(sqlite3_stmt *s);
/* 1: a row, 0: no more, or a job's error. */
int reading_step(struct reading *r, sqlite3_stmt *s);
/* A column's text, copied to the job's arena; "" for null. */
const char *reading_text(struct reading *r, sqlite3_stmt *s, int column);

/* A list with room for one more than n elements of this size, in the arena. */
void *query_grow(struct arena *a, void *list, size_t n, size_t *cap, size_t size);

/* network.json and servers/main.json into a model. */
int reading_network(struct reading *r, struct model *m);

/* --- the history --- */

/* E_BUSY while the index of the history lags behind the snapshot. */
int reading_history(struct reading *r);

#define ENTRY_OF(place) place ".seq, c.id, c.time, c.actor, c.change, c.subject, c.reason, c.signed_by"
#define ENTRY_COLUMNS ENTRY_OF("c")
/* A row of a statement of ENTRY_COLUMNS, and what it touched. */
int reading_entry(struct reading *r, sqlite3_stmt *s, struct query_entry *out);

/* The statement of a log: the filter with the best index leads it. */
const char *query_log_sql(const struct query_log_filter *f);

enum { TENURE_LENGTHS = 16 };
/* The prefixes that may hold an address and be somebody's, longest first: lengths are multiples of 4. */
size_t query_prefixes(struct arena *a, const struct ip_prefix *address, const char *out[TENURE_LENGTHS]);

#endif
