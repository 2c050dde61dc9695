/*
 * For who looks at a folder and is not its writer: nothing below it is made,
 * swept or written.  SQLite writes beside what it reads, so that a database
 * without a service is read from a copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/fs.h"
#include "render/render_int.h"

static const char *const history_tables[] = { "commits", "touched", "tenures", "issued" };

static int copy_bytes(struct job *j, int from, int to, const char *path)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? job_fail_errno(j, "cannot copy %s", path) : 0;
}

/* A missing file is copied as none. */
static int copy_file(struct job *j, const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;

	if (in < 0)
		return errno == ENOENT ? 0 : job_fail_errno(j, "cannot read %s", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		job_fail_errno(j, "cannot make %s", to);
	else
		copy_bytes(j, in, out, from);
	close(in);
	if (out >= 0 && close(out) && !j->error)
		job_fail_errno(j, "cannot write %s", to);
	return j->error;
}

int render_copy_database(struct job *j, const char *data, const char *to)
{
	const char *from = arena_printf(j->arena, "%s/database.sqlite3", data);

	/* What was not yet moved out of the write-ahead log is part of it. */
	if (copy_file(j, from, to))
		return j->error;
	return copy_file(j, arena_printf(j->arena, "%s-wal", from), arena_printf(j->arena, "%s-wal", to));
}

int render_check_folder(struct job *j, const struct render_view *v, const struct model *m, const char *commit,
    char ***differences)
{
	struct database database = { .path = v->database };
	struct render r = { .data = arena_strdup(j->arena, v->data), .pki = v->pki, .database = &database };

	if (strlen(v->data) > RENDER_PATH_MAX / 2)
		return job_fail(j, E_INVALID, "invalid", "the name of the data folder is too long");
	r.place = (struct output_place){ .data = r.data, .group = v->group };
	return render_check(j, &r, m, commit, differences);
}

static int open_reader(struct job *j, const char *path, struct database *out)
{
	*out = (struct database){ .path = path };
	if (sqlite3_open_v2(path, &out->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return database_fail(j, out, "open");
	sqlite3_busy_timeout(out->handle, 5000);
	return 0;
}

/* The first value of the first row as text; "" where there is none. */
static int read_text(struct job *j, struct database *d, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *s = NULL;
	const char *text = NULL;
	int code = sqlite3_prepare_v2(d->handle, sql, -1, &s, NULL);

	*out = '\0';
	if (code == SQLITE_OK && (code = sqlite3_step(s)) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(s, 0);
	if (text && strlen(text) < size)
		memcpy(out, text, strlen(text) + 1);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		database_fail(j, d, "read");
	sqlite3_finalize(s);
	return j->error;
}

static int read_indexed(struct job *j, struct database *d, char out[OID_HEX])
{
	return read_text(j, d, "SELECT value FROM main.meta WHERE key = 'indexed'", out, OID_HEX);
}

int render_read_indexed(struct job *j, const char *database, char out[OID_HEX])
{
	struct database d;

	if (open_reader(j, database, &d) == 0)
		read_indexed(j, &d, out);
	sqlite3_close(d.handle);
	return j->error;
}

/* How many rows only one of both has. */
static int compare_table(struct job *j, struct database *d, const char *table, bool *differs)
{
	char count[24];

	if (read_text(j, d,
		arena_printf(j->arena,
		    "SELECT (SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM truth.%s)) + "
		    "(SELECT count(*) FROM (SELECT * FROM truth.%s EXCEPT SELECT * FROM main.%s))",
		    table, table, table, table),
		count, sizeof(count)))
		return j->error;
	*differs = strcmp(count, "0") != 0;
	return 0;
}

/* In one transaction: a snapshot of both. */
static int compare_tables(
    struct job *j, struct database *d, const struct render *truth, char **list, bool *moved)
{
	char indexed[OID_HEX];
	size_t i, n = 0;

	if (database_run(j, d, "BEGIN") || read_indexed(j, d, indexed))
		return j->error;
	*moved = strcmp(indexed, render_indexed(truth)) != 0;
	for (i = 0; !*moved && i < sizeof(history_tables) / sizeof(*history_tables); i++) {
		bool differs = false;

		if (compare_table(j, d, history_tables[i], &differs))
			return j->error;
		if (differs)
			list[n++] = arena_printf(
			    j->arena, "changed database.sqlite3, table %s", history_tables[i]);
	}
	return 0;
}

int render_compare_index(
    struct job *j, const struct render *truth, const char *database, char ***differences, bool *moved)
{
	struct database d;
	char *sql;

	*differences = arena_alloc(
	    j->arena, (sizeof(history_tables) / sizeof(*history_tables) + 1) * sizeof(char *));
	if (open_reader(j, database, &d))
		goto out;
	sql = sqlite3_mprintf("ATTACH %Q AS truth", truth->database->path);
	if (!sql)
		job_fail(j, E_IO, "database", "cannot attach %s", truth->database->path);
	else if (database_run(j, &d, sql) == 0)
		compare_tables(j, &d, truth, *differences, moved);
	sqlite3_free(sql);
out:
	sqlite3_close(d.handle);
	return j->error;
}
