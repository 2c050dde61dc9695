/*
 * The pool of connections, and what a read is: one transaction, so that all
 * rows of an answer are of one commit.  Read-only; render's the only writer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "query/query_int.h"

enum { BUSY_MS = 5000, WARM = 8 /* idle connections that keep the pages they have read */ };

struct query {
	char *path;
	pthread_mutex_t mutex; /* of the list */
	struct connection *idle; /* the last one used first */
	size_t idle_n;
};

static void connection_close(struct connection *c)
{
	size_t i;

	for (i = 0; i < c->statements_n; i++)
		sqlite3_finalize(c->statements[i]);
	free(c->statements);
	sqlite3_close(c->handle);
	free(c);
}

static struct connection *pool_take(struct query *q)
{
	struct connection *c;

	pthread_mutex_lock(&q->mutex);
	c = q->idle;
	if (c) {
		q->idle = c->next;
		q->idle_n--;
	}
	pthread_mutex_unlock(&q->mutex);
	return c;
}

static bool is_full(struct query *q)
{
	bool is_full;

	pthread_mutex_lock(&q->mutex);
	is_full = q->idle_n >= WARM;
	pthread_mutex_unlock(&q->mutex);
	return is_full;
}

static void pool_give(struct query *q, struct connection *c)
{
	/* Up to four megabytes each, after a burst of many readers. */
	if (is_full(q))
		sqlite3_db_release_memory(c->handle);
	pthread_mutex_lock(&q->mutex);
	c->next = q->idle;
	q->idle = c;
	q->idle_n++;
	pthread_mutex_unlock(&q->mutex);
}

static struct connection *connection_open(struct job *j, const char *path, const struct stat *st)
{
	struct connection *c = mem_zalloc(sizeof(*c));

	c->device = st->st_dev;
	c->inode = st->st_ino;
	if (sqlite3_open_v2(path, &c->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
	    SQLITE_OK) {
		sqlite3_busy_timeout(c->handle, BUSY_MS);
		sqlite3_exec(
		    c->handle, "PRAGMA cache_size = -4000", NULL, NULL, NULL); /* KiB; else the half */
		return c;
	}
	job_fail(j, E_IO, "database", "cannot open %s: %s", path, sqlite3_errmsg(c->handle));
	connection_close(c);
	return NULL;
}

/* An idle connection to the file that has the name now, else a new one. */
static struct connection *connection_take(struct job *j, struct query *q)
{
	struct connection *c;
	struct stat st;

	if (stat(q->path, &st)) {
		job_fail_errno(j, "cannot open %s", q->path);
		return NULL;
	}
	while ((c = pool_take(q))) {
		if (c->device == st.st_dev && c->inode == st.st_ino)
			return c;
		connection_close(c);
	}
	return connection_open(j, q->path, &st);
}

void query_start(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int query_open(struct job *j, const char *data, struct query **out)
{
	struct query *q = mem_zalloc(sizeof(*q));
	struct reading r;

	q->path = mem_strdup(arena_printf(j->arena, "%s/database.sqlite3", data));
	pthread_mutex_init(&q->mutex, NULL);
	reading_begin(j, q, &r);
	reading_end(&r);
	if (j->error) {
		query_close(q);
		return j->error;
	}
	*out = q;
	return 0;
}

void query_close(struct query *q)
{
	struct connection *c;

	if (!q)
		return;
	while ((c = pool_take(q)))
		connection_close(c);
	pthread_mutex_destroy(&q->mutex);
	free(q->path);
	free(q);
}

int reading_fail(struct reading *r)
{
	return job_fail(r->job, E_IO, "database", "cannot read %s: %s", r->query->path,
	    sqlite3_errmsg(r->connection->handle));
}

/* One that nobody is using; most calls have a few statements of their own, again and again. */
static sqlite3_stmt *find_prepared(const struct connection *c, const char *sql)
{
	size_t i;

	for (i = 0; i < c->statements_n; i++)
		if (!sqlite3_stmt_busy(c->statements[i]) && strcmp(sqlite3_sql(c->statements[i]), sql) == 0)
			return c->statements[i];
	return NULL;
}

static int prepare(struct reading *r, sqlite3_stmt **out, const char *sql)
{
	struct connection *c = r->connection;

	if ((*out = find_prepared(c, sql)))
		return SQLITE_OK;
	if (sqlite3_prepare_v3(c->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return SQLITE_ERROR;
	c->statements = mem_realloc(c->statements, (c->statements_n + 1) * sizeof(*c->statements));
	c->statements[c->statements_n++] = *out;
	return SQLITE_OK;
}

int reading_prepare(struct reading *r, sqlite3_stmt **out, const char *sql, const char *types, ...)
{
	int i, code = prepare(r, out, sql);
	va_list ap;

	va_start(ap, types);
	for (i = 0; types[i] && code == SQLITE_OK; i++)
		code = types[i] == 's'
		    ? sqlite3_bind_text(*out, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT)
		    : sqlite3_bind_int64(*out, i + 1, va_arg(ap, int64_t));
	va_end(ap);
	if (code == SQLITE_OK)
		return 0;
	reading_fail(r);
	reading_done(*out);
	*out = NULL;
	return r->job->error;
}

void reading_done(sqlite3_stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

int reading_step(struct reading *r, sqlite3_stmt *s)
{
	int code = sqlite3_step(s);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : reading_fail(r);
}

const char *reading_text(struct reading *r, sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text ? arena_strdup(r->job->arena, (const char *)text) : "";
}

void *query_grow(struct arena *a, void *list, size_t n, size_t *cap, size_t size)
{
	void *old = list;

	if (n < *cap)
		return list;
	*cap = *cap ? *cap * 2 : 16;
	list = arena_alloc(a, *cap * size);
	if (n)
		memcpy(list, old, n * size);
	return list;
}

/*
 * What a connection sees stays the same from the first row of a statement to the reset of the last one that is
 * under way: the one that tells the commit is left on its row until the end, which takes less than BEGIN and ROLLBACK.
 */
static int read_commit(struct reading *r)
{
	sqlite3_stmt *s = NULL;

	if (reading_prepare(r, &s, "SELECT " QUERY_COMMIT, "") || reading_step(r, s) != 1)
		return r->job->error;
	r->commit = reading_text(r, s, 0);
	return 0;
}

int reading_begin_bare(struct job *j, struct query *q, struct reading *r)
{
	*r = (struct reading){ .job = j, .query = q, .commit = "" };
	r->connection = connection_take(j, q);
	return r->connection ? 0 : j->error;
}

int reading_begin(struct job *j, struct query *q, struct reading *r)
{
	return reading_begin_bare(j, q, r) ? j->error : read_commit(r);
}

struct query_hold {
	struct connection *connection;
	char commit[OID_HEX];
};

int query_hold(struct job *j, struct query *q, struct query_hold **out, const char **commit)
{
	struct query_hold *h;
	struct reading r;

	*out = NULL;
	if (reading_begin(j, q, &r)) {
		reading_end(&r);
		return j->error;
	}
	h = mem_zalloc(sizeof(*h));
	h->connection = r.connection;
	memcpy(h->commit, r.commit, strnlen(r.commit, OID_HEX - 1));
	*commit = r.commit;
	*out = h;
	return 0;
}

void query_release(struct query *q, struct query_hold *h)
{
	struct reading r = { .query = q };

	if (!h)
		return;
	r.connection = h->connection;
	reading_end(&r);
	free(h);
}

int reading_join(struct job *j, struct query *q, const struct query_hold *h, struct reading *r)
{
	if (!h)
		return reading_begin(j, q, r);
	*r = (struct reading){
		.job = j, .query = q, .connection = h->connection, .commit = h->commit, .is_held = true
	};
	return 0;
}

void reading_end(struct reading *r)
{
	struct connection *c = r->connection;
	size_t i;

	if (!c || r->is_held)
		return;
	for (i = 0; i < c->statements_n; i++)
		if (sqlite3_stmt_busy(c->statements[i]))
			reading_done(c->statements[i]);
	pool_give(r->query, c);
	r->connection = NULL;
}
