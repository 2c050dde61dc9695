/*
 * The log: commits, newest first, by what they touched, who made them, what
 * kind they are.  Each filter that has an index may lead; the others look at
 * what it finds.
 */
#include <string.h>

#include "query/query_int.h"

/* 1, 2: places from and to. 3: limit. 4: actor. 5: change. 6: text. 7 and 8, 9 and 10, 11 and 12: objects, one of two each. */
#define RANGE "BETWEEN ?1 AND ?2 "
#define CONDITIONS \
	"AND (?4 IS NULL OR c.actor = ?4) AND (?5 IS NULL OR c.change = ?5) " \
	"AND (?6 IS NULL OR instr(lower(c.subject || char(10) || c.reason), lower(?6))) " \
	"AND (?9 IS NULL OR EXISTS (SELECT 1 FROM touched x WHERE x.object IN (?9, ?10) AND x.seq = c.seq)) " \
	"AND (?11 IS NULL OR EXISTS (SELECT 1 FROM touched x WHERE x.object IN (?11, ?12) AND x.seq = c.seq)) "
#define BY_OBJECT(n) \
	"SELECT " ENTRY_OF("t") " FROM touched t CROSS JOIN commits c ON c.seq = t.seq " \
				"WHERE t.object = ?" n " AND t.seq " RANGE CONDITIONS
#define NOT_BOTH "AND NOT EXISTS (SELECT 1 FROM touched x WHERE x.object = ?7 AND x.seq = t.seq) "

/* In this form SQLite merges both as they come, and stops at the limit. */
static const char by_object[] = BY_OBJECT("7") "UNION ALL " BY_OBJECT("8") NOT_BOTH
    "ORDER BY 1 DESC LIMIT ?3";
static const char by_actor[] = "SELECT " ENTRY_COLUMNS " FROM commits c INDEXED BY commits_of_actor "
			       "WHERE c.actor = ?4 AND c.seq " RANGE CONDITIONS
			       "ORDER BY c.seq DESC LIMIT ?3";
static const char by_change[] = "SELECT " ENTRY_COLUMNS " FROM commits c INDEXED BY commits_of_change "
				"WHERE c.change = ?5 AND c.seq " RANGE CONDITIONS
				"ORDER BY c.seq DESC LIMIT ?3";
static const char by_place[] = "SELECT " ENTRY_COLUMNS " FROM commits c "
			       "WHERE c.seq " RANGE CONDITIONS "ORDER BY c.seq DESC LIMIT ?3";

struct objects { /* pairs: a commit that touched one of both; NULL: no more */
	const char *keys[6];
	size_t n;
};

int reading_history(struct reading *r)
{
	sqlite3_stmt *s = NULL;
	int found = reading_prepare(
	    r, &s, "SELECT 1 FROM meta WHERE key = 'indexed' AND value = ?", "s", r->commit);

	if (!found)
		found = reading_step(r, s);
	reading_done(s);
	if (found == 0)
		return job_fail(r->job, E_BUSY, "index_building",
		    "the index of the history is being built from git: try again in a moment");
	return found == 1 ? 0 : found;
}

/* Is it something that changed, rather than another way to find the commit? */
static bool is_shown(const char *object)
{
	return strncmp(object, "prefix:", 7) && strncmp(object, "owner:", 6) && strncmp(object, "within:", 7);
}

static int read_objects(struct reading *r, struct query_entry *e)
{
	sqlite3_stmt *s = NULL;
	size_t n = 0, cap = 0;
	int more = reading_prepare(
	    r, &s, "SELECT object FROM touched WHERE seq = ? ORDER BY object", "i", e->seq);

	while (!more && (more = reading_step(r, s)) == 1) {
		const char *object = reading_text(r, s, 0);

		more = 0;
		if (!is_shown(object))
			continue;
		e->objects = query_grow(r->job->arena, e->objects, n, &cap, sizeof(*e->objects));
		e->objects[n++] = object;
	}
	e->objects = query_grow(r->job->arena, e->objects, n, &cap, sizeof(*e->objects));
	e->objects[n] = NULL;
	reading_done(s);
	return more;
}

int reading_entry(struct reading *r, sqlite3_stmt *s, struct query_entry *out)
{
	*out = (struct query_entry){
		.seq = sqlite3_column_int64(s, 0),
		.commit = reading_text(r, s, 1),
		.time = sqlite3_column_int64(s, 2),
		.actor = reading_text(r, s, 3),
		.change = reading_text(r, s, 4),
		.subject = reading_text(r, s, 5),
		.reason = reading_text(r, s, 6),
	};
	if (sqlite3_column_type(s, 7) != SQLITE_NULL)
		out->signed_by = reading_text(r, s, 7);
	return read_objects(r, out);
}

size_t query_prefixes(struct arena *a, const struct ip_prefix *address, const char *out[TENURE_LENGTHS])
{
	unsigned len;
	size_t n = 0;

	for (len = 4 * TENURE_LENGTHS; len; len -= 4) {
		struct ip_prefix none = { .len = 0 }, p;

		if (len > address->len)
			continue;
		p = ip_extend(&none, len, ip_slice(&address->addr, 0, len));
		out[n++] = ip_print_prefix(&p, arena_alloc(a, IP_TEXT));
	}
	return n;
}

static void add_pair(struct objects *o, const char *a, const char *b)
{
	o->keys[o->n++] = a;
	o->keys[o->n++] = b;
}

/* Was a prefix ever given, and was it a user's (1) or a gateway's (2)? */
static int find_kind(struct reading *r, const char *prefix)
{
	sqlite3_stmt *s = NULL;
	int found = reading_prepare(
	    r, &s, "SELECT gateway FROM tenures WHERE prefix = ? LIMIT 1", "s", prefix);

	if (!found && (found = reading_step(r, s)) == 1)
		found = sqlite3_column_int64(s, 0) < 0 ? 1 : 2;
	reading_done(s);
	return found;
}

/* A user's prefix is all that happened in it; an address is the gateway that has it, and its user. */
static int add_address(struct reading *r, const char *text, struct objects *o)
{
	const char *prefixes[TENURE_LENGTHS], *gateway = "", *user = "", *rest = "";
	struct ip_prefix p = { .len = 128 };
	size_t n, i;
	int kind;

	if (!ip_parse_prefix(text, &p) && !ip_parse_addr(text, &p.addr))
		return job_fail_field(r->job, "address", "is neither an IPv6 address nor a prefix");
	n = query_prefixes(r->job->arena, &p, prefixes);
	for (i = 0; i < n; i++) {
		kind = find_kind(r, prefixes[i]);
		if (kind < 0)
			return kind;
		if (kind == 2)
			gateway = arena_printf(r->job->arena, "prefix:%s", prefixes[i]);
		if (kind == 1)
			user = arena_printf(r->job->arena, "prefix:%s", prefixes[i]);
		if (kind == 1 && p.len % 4 == 0 && i == 0 && p.len < 128)
			rest = arena_printf(r->job->arena, "within:%s", prefixes[i]);
	}
	add_pair(o, user, *rest ? rest : gateway);
	return 0;
}

static int find_objects(struct reading *r, const struct query_log_filter *f, struct objects *o)
{
	struct arena *a = r->job->arena;

	if (f->gateway)
		add_pair(o, arena_printf(a, "gateway:%s", f->gateway), "");
	if (f->address && add_address(r, f->address, o))
		return r->job->error;
	if (f->user)
		add_pair(o, arena_printf(a, "user:%s", f->user), arena_printf(a, "owner:%s", f->user));
	return 0;
}

/* The first column of the first row; missing where there is none. */
static int find_place(struct reading *r, const char *sql, int64_t time, int64_t *place)
{
	sqlite3_stmt *s = NULL;
	int found = reading_prepare(r, &s, sql, "i", time);

	if (!found && (found = reading_step(r, s)) == 1)
		*place = sqlite3_column_int64(s, 0);
	reading_done(s);
	return found < 0 ? found : 0;
}

/* Times become places: the history has an order even where clocks went back. */
static int find_range(struct reading *r, const struct query_log_filter *f, int64_t *from, int64_t *to)
{
	*from = f->since ? INT64_MAX : 0;
	*to = f->until ? 0 : INT64_MAX;
	if (f->since &&
	    find_place(r, "SELECT seq FROM commits WHERE reached >= ? ORDER BY reached, seq LIMIT 1",
		f->since, from))
		return r->job->error;
	if (f->until &&
	    find_place(r,
		"SELECT seq FROM commits WHERE reached <= ? ORDER BY reached DESC, seq DESC LIMIT 1",
		f->until, to))
		return r->job->error;
	if (f->before && *to >= f->before)
		*to = f->before - 1;
	return 0;
}

const char *query_log_sql(const struct query_log_filter *f)
{
	if (f->gateway || f->address || f->user)
		return by_object;
	return f->actor ? by_actor : f->change ? by_change : by_place;
}

static int read_log(struct reading *r, const struct query_log_filter *f, struct query_log *out)
{
	struct objects o = { .n = 0 };
	sqlite3_stmt *s = NULL;
	int64_t from, to;
	size_t cap = 0;
	int more;

	if (find_objects(r, f, &o) || find_range(r, f, &from, &to))
		return r->job->error;
	more = reading_prepare(r, &s, query_log_sql(f), "iiisssssssss", from, to,
	    f->limit ? (int64_t)f->limit : (int64_t)-1, f->actor, f->change, f->text, o.keys[0], o.keys[1],
	    o.keys[2], o.keys[3], o.keys[4], o.keys[5]);
	while (!more && (more = reading_step(r, s)) == 1) {
		out->rows = query_grow(r->job->arena, out->rows, out->n, &cap, sizeof(*out->rows));
		more = reading_entry(r, s, &out->rows[out->n++]);
	}
	reading_done(s);
	return more;
}

int query_log(struct job *j, struct query *q, const struct query_log_filter *f, struct query_log *out)
{
	struct reading r;

	*out = (struct query_log){ .n = 0 };
	if (!reading_begin(j, q, &r) && !reading_history(&r))
		read_log(&r, f, out);
	out->commit = r.commit;
	reading_end(&r);
	return j->error;
}

int query_commits_after(struct job *j, struct query *q, int64_t seq, size_t limit, struct query_log *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;
	size_t cap = 0;
	int more;

	*out = (struct query_log){ .n = 0 };
	if (!reading_begin(j, q, &r) && !reading_history(&r)) {
		more = reading_prepare(&r, &s,
		    "SELECT " ENTRY_COLUMNS " FROM commits c WHERE c.seq > ? ORDER BY c.seq LIMIT ?", "ii",
		    seq, (int64_t)limit);
		while (!more && reading_step(&r, s) == 1) {
			out->rows = query_grow(j->arena, out->rows, out->n, &cap, sizeof(*out->rows));
			more = reading_entry(&r, s, &out->rows[out->n++]);
		}
	}
	out->commit = r.commit;
	reading_done(s);
	reading_end(&r);
	return j->error;
}
