/*
 * Is the database what the model says?  Rows are written anew into tables in
 * memory and looked for in the live ones: a database is equal by content, not
 * by bytes.  Rows that are too many show in the counts.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "render/render_int.h"

static const struct {
	const char *name, *key;
} tables[] = {
	{ "meta", "key" },
	{ "documents", "path" },
	{ "users", "id" },
	{ "gateways", "user, id" },
	{ "certificates", "serial" },
	{ "ledger", "path" },
};

enum { TABLES = sizeof(tables) / sizeof(*tables) };

struct comparison {
	struct database memory;
	struct database *live; /* borrowed */
};

/* The live one, where it was made by the same schema: the writer is compared with the rest of meta. */
static int attach(struct job *j, struct comparison *c)
{
	char *sql;
	int error;

	if (sqlite3_open(":memory:", &c->memory.handle) != SQLITE_OK)
		return database_fail(j, &c->memory, "open");
	sql = sqlite3_mprintf("ATTACH %Q AS live", c->live->path);
	if (!sql)
		return job_fail(j, E_IO, "database", "cannot attach %s", c->live->path);
	error = database_run(j, &c->memory, sql);
	sqlite3_free(sql);
	return error;
}

int comparison_open(struct job *j, struct database *live, struct comparison **out)
{
	struct comparison *c = mem_zalloc(sizeof(*c));

	c->live = live;
	c->memory.path = live->path;
	if (attach(j, c) || database_schema(j, &c->memory)) {
		live->is_damaged = live->is_damaged || c->memory.is_damaged;
		comparison_close(c);
		return j->error;
	}
	*out = c;
	return 0;
}

void comparison_close(struct comparison *c)
{
	if (!c)
		return;
	database_close_handle(&c->memory);
	free(c);
}

/* The first value of a query, a number or what quick_check says. */
static int ask(struct job *j, struct comparison *c, const char *sql, int64_t *n)
{
	sqlite3_stmt *s = NULL;
	int error = 0;

	if (sqlite3_prepare_v2(c->memory.handle, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		*n = sqlite3_column_type(s, 0) == SQLITE_TEXT
		    ? strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0
		    : sqlite3_column_int64(s, 0);
	else
		error = database_fail(j, &c->memory, "compare");
	sqlite3_finalize(s);
	c->live->is_damaged = c->live->is_damaged || c->memory.is_damaged;
	return error;
}

int comparison_rows(const struct render_job *r, struct comparison *c, comparison_visit visit, void *context)
{
	struct job *j = r->job;
	int64_t missing = 0;
	size_t i;

	if (database_clear(j, &c->memory) || rows_write(r, &c->memory))
		return j->error;
	for (i = 0; i < TABLES; i++) {
		if (ask(j, c,
			arena_printf(j->arena,
			    "SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM live.%s "
			    "WHERE (%s) IN (SELECT %s FROM main.%s))",
			    tables[i].name, tables[i].name, tables[i].key, tables[i].key, tables[i].name),
			&missing))
			return j->error;
		if (missing)
			visit(context, tables[i].name);
	}
	return 0;
}

static int64_t rows_wanted(const struct model *m, const char *table)
{
	enum entity_kind kind;
	int64_t n = 0;

	if (strcmp(table, "users") == 0)
		return (int64_t)model_count(m, ENTITY_USER);
	if (strcmp(table, "gateways") == 0)
		return (int64_t)model_count(m, ENTITY_GATEWAY);
	if (strcmp(table, "certificates") == 0)
		return (int64_t)model_count(m, ENTITY_CERTIFICATE);
	if (strcmp(table, "ledger") != 0)
		return 2; /* commit and writer; network and server */
	for (kind = 0; kind <= ENTITY_ACCESS; kind++)
		if (model_is_ledger(kind) && kind != ENTITY_CERTIFICATE)
			n += (int64_t)model_count(m, kind);
	return n;
}

int comparison_tables(const struct render_job *r, struct comparison *c, comparison_visit visit, void *context)
{
	struct job *j = r->job;
	int64_t n = 0;
	size_t i;

	if (ask(j, c, "PRAGMA live.quick_check(1)", &n))
		return j->error;
	if (n) {
		c->live->is_damaged = true;
		return job_fail(j, E_IO, "database", "%s is damaged", c->live->path);
	}
	for (i = 0; i < TABLES; i++) {
		/* How far the index of the history goes is no part of what a commit renders. */
		if (ask(j, c,
			arena_printf(j->arena, "SELECT count(*) FROM live.%s%s", tables[i].name,
			    i == 0 ? " WHERE key <> 'indexed'" : ""),
			&n))
			return j->error;
		if (n != rows_wanted(r->model, tables[i].name))
			visit(context, tables[i].name);
	}
	return 0;
}
