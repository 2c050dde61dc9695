/* Users, and the counts of everything. */
#include "query/query_int.h"

#define USER_COLUMNS \
	"SELECT u.name, u.hex, u.prefix, u.blob, u.enabled, u.created, " \
	"(SELECT count(*) FROM gateways g WHERE g.user = u.id) FROM users u "

static void read_user(struct reading *r, sqlite3_stmt *s, struct query_user *row)
{
	*row = (struct query_user){
		.name = reading_text(r, s, 0),
		.id = reading_text(r, s, 1),
		.prefix = reading_text(r, s, 2),
		.blob = reading_text(r, s, 3),
		.enabled = sqlite3_column_int(s, 4) != 0,
		.created = sqlite3_column_int64(s, 5),
		.gateways = sqlite3_column_int64(s, 6),
	};
}

static void read_users(struct reading *r, sqlite3_stmt *s, struct query_users *out)
{
	size_t cap = 0;

	while (reading_step(r, s) == 1) {
		out->rows = query_grow(r->job->arena, out->rows, out->n, &cap, sizeof(*out->rows));
		read_user(r, s, &out->rows[out->n++]);
	}
}

int query_users(struct job *j, struct query *q, const struct query_page *page, struct query_users *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;

	*out = (struct query_users){ .n = 0 };
	if (!reading_join(j, q, page->hold, &r) &&
	    !reading_prepare(&r, &s, USER_COLUMNS "WHERE u.name > ? ORDER BY u.name LIMIT ?", "si",
		page->after ? page->after : "", page->limit ? (int64_t)page->limit : (int64_t)-1))
		read_users(&r, s, out);
	out->commit = r.commit;
	reading_done(s);
	reading_end(&r);
	return j->error;
}

int query_user(struct job *j, struct query *q, const char *name, struct query_user *row, const char **commit)
{
	sqlite3_stmt *s = NULL;
	struct reading r;
	int found;

	if (!reading_begin(j, q, &r) &&
	    !reading_prepare(&r, &s, USER_COLUMNS "WHERE u.name = ?", "s", name)) {
		found = reading_step(&r, s);
		if (found == 1)
			read_user(&r, s, row);
		else if (!found)
			job_fail(j, E_NOT_FOUND, "not_found", "there is no user %s", name);
	}
	*commit = r.commit;
	reading_done(s);
	reading_end(&r);
	return j->error;
}

int query_counts(struct job *j, struct query *q, struct query_counts *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;

	*out = (struct query_counts){ .users = 0 };
	if (!reading_begin(j, q, &r) &&
	    !reading_prepare(
		&r, &s, "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM gateways)", "") &&
	    reading_step(&r, s) == 1) {
		out->users = sqlite3_column_int64(s, 0);
		out->gateways = sqlite3_column_int64(s, 1);
	}
	out->commit = r.commit;
	reading_done(s);
	reading_end(&r);
	return j->error;
}
