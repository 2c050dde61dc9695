/*
 * Is the database what the model says?  The tables are filled anew in memory
 * and compared row by row, both ways: a database is equal by content, not by bytes.
 */
#include <sqlite3.h>
#include <string.h>

#include "render/render_int.h"

static const char *const tables[] = { "meta", "documents", "users", "gateways", "certificates", "ledger" };

/* The live one, where it was made by the same schema: the writer is compared with the rest of meta. */
static int open_beside(struct job *j, struct database *memory, const struct database *live)
{
	char *sql;
	int error;

	if (sqlite3_open(":memory:", &memory->handle) != SQLITE_OK)
		return database_fail(j, memory, "open");
	sql = sqlite3_mprintf("ATTACH %Q AS live", live->path);
	if (!sql)
		return job_fail(j, E_IO, "database", "cannot attach %s", live->path);
	error = database_run(j, memory, sql);
	sqlite3_free(sql);
	return error;
}

static int count_differences(struct job *j, struct database *memory, const char *table, int *n)
{
	sqlite3_stmt *s = NULL;
	/* How far the index of the history goes is no part of what a commit renders. */
	const char *where = strcmp(table, "meta") == 0 ? "WHERE key <> 'indexed'" : "";
	char *sql = arena_printf(j->arena,
	    "SELECT (SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM live.%s %s)) + "
	    "(SELECT count(*) FROM (SELECT * FROM live.%s %s EXCEPT SELECT * FROM main.%s))",
	    table, table, where, table, where, table);
	int error = 0;

	if (sqlite3_prepare_v2(memory->handle, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		*n = sqlite3_column_int(s, 0);
	else
		error = database_fail(j, memory, "compare");
	sqlite3_finalize(s);
	return error;
}

int database_compare(const struct render_job *r, struct database *d,
    void (*visit)(void *context, const char *table), void *context)
{
	struct database memory = { .path = d->path };
	int error, differences = 0;
	size_t i;

	if (!(error = open_beside(r->job, &memory, d)) && !(error = database_schema(r->job, &memory)))
		error = rows_write(r, &memory);
	for (i = 0; i < sizeof(tables) / sizeof(*tables) && !error; i++)
		if (!(error = count_differences(r->job, &memory, tables[i], &differences)) && differences)
			visit(context, tables[i]);
	sqlite3_close(memory.handle);
	d->is_damaged = d->is_damaged || memory.is_damaged;
	return error;
}
