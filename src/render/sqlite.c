/*
 * The SQLite database of the rendered commit: open, one transaction a commit,
 * begin anew.  It is derived like any other file: what is damaged or of
 * another version is never repaired, but rendered again.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "render/render_int.h"

/* 16 MiB of log: pages that every change writes go to the database once for many of them. */
enum { BUSY_MS = 5000, LOG_PAGES = 4000 };

int database_fail(struct job *j, struct database *d, const char *what)
{
	int code = sqlite3_errcode(d->handle);

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		d->is_damaged = true;
	return job_fail(j, E_IO, "database", "cannot %s %s: %s", what, d->path, sqlite3_errmsg(d->handle));
}

static int note_log(void *database, sqlite3 *handle, const char *name, int pages)
{
	struct database *d = database;

	(void)handle;
	(void)name;
	d->log_pages = pages;
	return SQLITE_OK;
}

/* What cannot be moved now, for a reader or a disk, stays in the log and is due again with the next commit. */
static void checkpoint(void *database)
{
	struct database *d = database;

	sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void database_await(struct database *d)
{
	if (d->is_checkpointing)
		beside_end(&d->checkpoint);
	d->is_checkpointing = false;
}

int database_run(struct job *j, struct database *d, const char *sql)
{
	database_await(d);
	if (sqlite3_exec(d->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_fail(j, d, "write");
	if (d->log_pages >= LOG_PAGES) {
		d->log_pages = 0;
		d->is_checkpointing = true;
		beside_start(&d->checkpoint, checkpoint, d);
	}
	return 0;
}

static sqlite3_stmt *prepare(struct job *j, struct database *d, const char *sql)
{
	sqlite3_stmt *s = NULL;
	size_t i;

	database_await(d);
	for (i = 0; i < d->prepared_n; i++)
		if (d->prepared[i].sql == sql) {
			sqlite3_reset(d->prepared[i].statement);
			return d->prepared[i].statement;
		}
	if (sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
		database_fail(j, d, "write");
		return NULL;
	}
	d->prepared = mem_realloc(d->prepared, (d->prepared_n + 1) * sizeof(*d->prepared));
	d->prepared[d->prepared_n++] = (struct prepared){ sql, s };
	return s;
}

void database_rest(struct database *d)
{
	size_t i;

	for (i = 0; i < d->prepared_n; i++)
		sqlite3_reset(d->prepared[i].statement);
}

/* NOLINTNEXTLINE(readability-function-size): values as printf takes them */
sqlite3_stmt *database_bind(struct job *j, struct database *d, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *s = prepare(j, d, sql);
	int i, code = SQLITE_OK;

	for (i = 0; s && types[i] && code == SQLITE_OK; i++) {
		const void *bytes = types[i] == 's' || types[i] == 'b' ? va_arg(ap, const void *) : NULL;
		int64_t number = types[i] == 's' ? -1 : va_arg(ap, int64_t);

		if (types[i] == 's')
			code = sqlite3_bind_text(s, i + 1, bytes, -1, SQLITE_STATIC);
		else if (types[i] == 'b')
			code = sqlite3_bind_blob64(s, i + 1, bytes, (uint64_t)number, SQLITE_STATIC);
		else if (types[i] == 'i' || number)
			code = sqlite3_bind_int64(s, i + 1, number);
		else
			code = sqlite3_bind_null(s, i + 1);
	}
	if (code != SQLITE_OK) {
		database_fail(j, d, "write");
		return NULL;
	}
	return s;
}

/* NOLINTNEXTLINE(readability-function-size): values as printf takes them */
int database_write(struct job *j, struct database *d, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *s = database_bind(j, d, sql, types, ap);

	if (!s)
		return j->error;
	if (sqlite3_step(s) != SQLITE_DONE)
		return database_fail(j, d, "write");
	sqlite3_reset(s);
	return 0;
}

/* Which program wrote a database: its version, and the templates that it has compiled in. */
static void writer_name(char out[DIGEST_HEX])
{
	struct arena *a = arena_open(64 * 1024);
	const struct template_file *f;
	struct buf all;

	buf_open(&all, a);
	buf_puts(&all, VPNUNIT_VERSION);
	for (f = template_files; f->name; f++)
		buf_printf(&all, "\n%s\n%s", f->name, f->text);
	digest_sha256_hex(all.data, all.len, out);
	arena_close(a);
}

/* The first value of a query's first row; "" where there is none or the query fails. */
static void read_text(struct database *d, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *s = NULL;
	const unsigned char *text;

	database_await(d);
	*out = '\0';
	if (sqlite3_prepare_v2(d->handle, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
	    (text = sqlite3_column_text(s, 0)) && strlen((const char *)text) < size)
		memcpy(out, text, strlen((const char *)text) + 1);
	sqlite3_finalize(s);
}

void database_close_handle(struct database *d)
{
	size_t i;

	database_await(d);
	for (i = 0; i < d->prepared_n; i++)
		sqlite3_finalize(d->prepared[i].statement);
	free(d->prepared);
	d->prepared = NULL;
	d->prepared_n = 0;
	sqlite3_close(d->handle);
	d->handle = NULL;
}

static int handle_open(struct job *j, struct database *d)
{
	/* Made by us, so that names and addresses of members are nobody else's to read. */
	int fd = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return job_fail_errno(j, "cannot open %s", d->path);
	close(fd);
	if (sqlite3_open_v2(d->path, &d->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return database_fail(j, d, "open");
	sqlite3_busy_timeout(d->handle, BUSY_MS);
	sqlite3_wal_hook(d->handle, note_log, d);
	return database_run(j, d, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
}

int database_schema(struct job *j, struct database *d)
{
	char writer[DIGEST_HEX], *sql;

	writer_name(writer);
	sql = arena_printf(j->arena, "BEGIN;%s;INSERT INTO meta VALUES ('writer', '%s');COMMIT",
	    template_text("schema.sql"), writer);
	return database_run(j, d, sql);
}

/* The database and what SQLite keeps beside it. */
static int files_move(struct job *j, struct database *d, bool keep)
{
	const char *suffix[] = { "", "-wal", "-shm" };
	size_t i;
	int error = 0;

	for (i = 0; i < 3 && !error; i++) {
		const char *path = arena_printf(j->arena, "%s%s", d->path, suffix[i]);

		if (keep && fs_exists(path))
			error = fs_rename(
			    j, path, arena_printf(j->arena, "%s.damaged%s", d->path, suffix[i]));
		else
			error = fs_remove(j, path);
	}
	return error;
}

int database_renew(struct job *j, struct database *d)
{
	bool keep = d->is_damaged;

	database_close_handle(d);
	d->commit[0] = d->staged[0] = d->indexed[0] = d->staged_index[0] = '\0';
	d->is_damaged = false;
	if (files_move(j, d, keep) || handle_open(j, d))
		return j->error;
	return database_schema(j, d);
}

static bool is_ours(struct database *d)
{
	char writer[DIGEST_HEX], found[DIGEST_HEX];

	writer_name(writer);
	read_text(d, "SELECT value FROM meta WHERE key = 'writer'", found, sizeof(found));
	return strcmp(found, writer) == 0;
}

int database_open(struct job *j, const char *path, struct database **out)
{
	struct database *d = mem_zalloc(sizeof(*d));

	d->path = path;
	if (handle_open(j, d)) {
		if (!d->is_damaged)
			goto out;
		job_clear(j);
	}
	if ((d->is_damaged || !is_ours(d)) && database_renew(j, d))
		goto out;
	read_text(d, "SELECT value FROM meta WHERE key = 'commit'", d->commit, sizeof(d->commit));
	read_text(d, "SELECT value FROM meta WHERE key = 'indexed'", d->indexed, sizeof(d->indexed));
	*out = d;
	d = NULL; /* the caller's now */
out:
	database_close(d);
	return j->error;
}

void database_close(struct database *d)
{
	if (!d)
		return;
	database_close_handle(d);
	free(d);
}

int database_stage(const struct render_job *r, struct database *d)
{
	if (database_run(r->job, d, "BEGIN IMMEDIATE"))
		return r->job->error;
	memcpy(d->staged, r->commit, strlen(r->commit) + 1);
	return rows_write(r, d);
}

int database_commit(struct job *j, struct database *d)
{
	if (database_run(j, d, "COMMIT"))
		return j->error;
	memcpy(d->commit, d->staged, sizeof(d->commit));
	if (d->staged_index[0])
		memcpy(d->indexed, d->staged_index, sizeof(d->indexed));
	d->staged[0] = d->staged_index[0] = '\0';
	return 0;
}

void database_rollback(struct database *d)
{
	/* Fails only where SQLite has rolled back by itself. */
	if (d->staged[0])
		sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
	d->staged[0] = d->staged_index[0] = '\0';
}
