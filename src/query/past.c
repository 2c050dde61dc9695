/*
 * Points of the past: which commit a text names, who had an address or a name
 * then, which certificates a device ever had.
 */
#include <string.h>

#include "base/time.h"
#include "query/query_int.h"

enum { ABBREVIATION = 7, BACK_DIGITS = 15 };

static const char last_one[] = "SELECT " ENTRY_COLUMNS " FROM commits c ORDER BY c.seq DESC LIMIT 1";
static const char one_before[] = "SELECT " ENTRY_COLUMNS " FROM commits c "
				 "WHERE c.seq = (SELECT max(seq) FROM commits) - ?";
static const char at_time[] = "SELECT " ENTRY_COLUMNS " FROM commits c "
			      "WHERE c.reached <= ? ORDER BY c.reached DESC, c.seq DESC LIMIT 1";
/* 'g' follows the last digit. */
static const char by_id[] = "SELECT " ENTRY_COLUMNS " FROM commits c "
			    "WHERE c.id >= ?1 AND c.id < ?1 || 'g' ORDER BY c.id LIMIT 2";

struct point { /* a statement that finds the commit, with its value */
	const char *sql;
	const char *text; /* or */
	int64_t number;
};

/* 7 to 40 hex digits, folded; NULL: it isn't. */
static const char *read_id(struct arena *a, const char *at)
{
	size_t len = strlen(at);
	char *id = arena_strdup(a, at), *p;

	if (len < ABBREVIATION || len >= OID_HEX || at[strspn(at, "0123456789abcdefABCDEF")])
		return NULL;
	for (p = id; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	return id;
}

static bool read_back(const char *at, int64_t *n)
{
	size_t i, len;

	if (strncmp(at, "HEAD~", 5))
		return false;
	at += 5;
	len = strlen(at);
	if (!len || len > BACK_DIGITS || at[strspn(at, "0123456789")])
		return false;
	for (*n = 0, i = 0; i < len; i++)
		*n = *n * 10 + (at[i] - '0');
	return true;
}

static int read_point(struct job *j, const char *at, struct point *out)
{
	*out = (struct point){ .sql = last_one };
	if (!strcmp(at, "HEAD"))
		return 0;
	out->sql = one_before;
	if (read_back(at, &out->number))
		return 0;
	out->sql = at_time;
	if (time_parse(at, &out->number))
		return 0;
	if (time_parse_date(at, &out->number)) {
		out->number += 86399; /* its end */
		return 0;
	}
	out->sql = by_id;
	out->text = read_id(j->arena, at);
	if (out->text)
		return 0;
	return job_fail(j, E_INVALID, "invalid_commit",
	    "\"%s\" names no commit: give 7 to 40 hex digits, HEAD, HEAD~3, a time as 2026-11-23T01:04:30Z or a date",
	    at);
}

static int find_point(struct reading *r, const char *at, const struct point *p, struct query_entry *out)
{
	sqlite3_stmt *s = NULL;
	int found;

	if (p->text)
		found = reading_prepare(r, &s, p->sql, "s", p->text);
	else
		found = reading_prepare(r, &s, p->sql, p->sql == last_one ? "" : "i", p->number);
	if (!found && !(found = reading_step(r, s)))
		found = job_fail(r->job, E_NOT_FOUND, "not_found",
		    p->sql == at_time ? "the history begins later than %s" : "there is no commit %s", at);
	if (found == 1 && !(found = reading_entry(r, s, out)) && p->text && reading_step(r, s) == 1)
		found = job_fail(r->job, E_CONFLICT, "ambiguous_commit",
		    "%s begins more than one commit's id: give more digits", at);
	reading_done(s);
	return found;
}

int query_commit(struct job *j, struct query *q, const char *at, struct query_entry *out, const char **commit)
{
	struct point p;
	struct reading r;

	*commit = "";
	if (read_point(j, at, &p))
		return j->error;
	if (!reading_begin(j, q, &r) && !reading_history(&r))
		find_point(&r, at, &p, out);
	*commit = r.commit;
	reading_end(&r);
	return j->error;
}

#define TENURE_COLUMNS \
	"SELECT t.user, t.gateway, t.name, t.identity, t.prefix, t.since, " \
	"(SELECT c.time FROM commits c WHERE c.seq = t.until) FROM tenures t "
#define THEN "AND t.since <= ?2 AND (t.until IS NULL OR t.until > ?2) "

static int read_since(struct reading *r, int64_t seq, struct query_entry *out)
{
	sqlite3_stmt *s = NULL;
	int found = reading_prepare(
	    r, &s, "SELECT " ENTRY_COLUMNS " FROM commits c WHERE c.seq = ?", "i", seq);

	if (!found && (found = reading_step(r, s)) == 1)
		found = reading_entry(r, s, out);
	reading_done(s);
	return found;
}

/* The row of a statement of TENURE_COLUMNS: a user's fills what a gateway's has left open. 1: there was one. */
static int read_tenure(struct reading *r, sqlite3_stmt *s, struct query_tenure *out)
{
	int found = reading_step(r, s);
	bool is_gateway;

	if (found != 1)
		return found;
	is_gateway = sqlite3_column_int64(s, 1) >= 0;
	if (out->gateway && !is_gateway) {
		out->user = reading_text(r, s, 2);
		return 1;
	}
	out->user_id = (uint32_t)sqlite3_column_int64(s, 0);
	out->gateway_id = is_gateway ? (uint32_t)sqlite3_column_int64(s, 1) : 0;
	*(is_gateway ? &out->gateway : &out->user) = reading_text(r, s, 2);
	out->device = is_gateway ? reading_text(r, s, 3) : NULL;
	out->prefix = reading_text(r, s, 4);
	out->until = sqlite3_column_int64(s, 6);
	found = read_since(r, sqlite3_column_int64(s, 5), &out->since);
	return found ? found : 1;
}

/* From the longest prefix on: the gateway, then its user. */
static int find_holders(
    struct reading *r, const struct ip_prefix *address, int64_t seq, struct query_tenure *out)
{
	const char *prefixes[TENURE_LENGTHS];
	size_t i, n = query_prefixes(r->job->arena, address, prefixes);
	int found = 0;

	for (i = 0; i < n && found >= 0 && !out->user; i++) {
		sqlite3_stmt *s = NULL;

		found = reading_prepare(r, &s,
		    TENURE_COLUMNS "WHERE t.prefix = ?1 " THEN "ORDER BY t.since DESC LIMIT 1", "si",
		    prefixes[i], seq);
		if (!found)
			found = read_tenure(r, s, out);
		reading_done(s);
	}
	return found < 0 ? found : 0;
}

int query_address(struct job *j, struct query *q, const char *address, const struct query_entry *at,
    struct query_tenure *out)
{
	struct ip_prefix p = { .len = 128 };
	struct reading r;

	*out = (struct query_tenure){ .user = NULL };
	if (!ip_parse_addr(address, &p.addr))
		return job_fail(j, E_INVALID, "invalid", "%s is no IPv6 address", address);
	if (!reading_begin(j, q, &r) && !reading_history(&r) && !find_holders(&r, &p, at->seq, out) &&
	    !out->user)
		job_fail(
		    j, E_NOT_FOUND, "not_found", "nobody had %s as of commit %.12s", address, at->commit);
	reading_end(&r);
	return j->error;
}

/* NOLINTNEXTLINE(readability-function-size): a name and its kind count as one */
int query_name(struct job *j, struct query *q, const char *name, bool is_gateway,
    const struct query_entry *at, struct query_tenure *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;
	int found;

	*out = (struct query_tenure){ .user = NULL };
	if (!reading_begin(j, q, &r) && !reading_history(&r) &&
	    !reading_prepare(&r, &s,
		TENURE_COLUMNS "WHERE t.name = ?1 AND (t.gateway >= 0) = ?3 " THEN
			       "ORDER BY t.since DESC LIMIT 1",
		"sii", name, at->seq, (int64_t)is_gateway)) {
		found = read_tenure(&r, s, out);
		if (!found)
			job_fail(j, E_NOT_FOUND, "not_found", "there was no %s %s as of commit %.12s",
			    is_gateway ? "gateway" : "user", name, at->commit);
	}
	reading_done(s);
	reading_end(&r);
	return j->error;
}

int query_issued(struct job *j, struct query *q, const char *device, const char ***paths)
{
	const char **list = NULL;
	sqlite3_stmt *s = NULL;
	size_t n = 0, cap = 0;
	struct reading r;

	if (!reading_begin(j, q, &r) &&
	    !reading_prepare(&r, &s, "SELECT path FROM issued WHERE device = ?", "s", device))
		while (reading_step(&r, s) == 1) {
			list = query_grow(j->arena, list, n, &cap, sizeof(*list));
			list[n++] = reading_text(&r, s, 0);
		}
	list = query_grow(j->arena, list, n, &cap, sizeof(*list));
	list[n] = NULL;
	*paths = list;
	reading_done(s);
	reading_end(&r);
	return j->error;
}
