/*
 * The way back: the model out of the database of the rendered commit.  Rows
 * were written from a model that had been checked, so that they are not parsed
 * again; what is rare is kept as files and goes the long way.
 */
#include <sqlite3.h>
#include <string.h>

#include "base/json.h"
#include "render/render_int.h"

struct loading {
	struct job *job;
	struct database *database;
	struct model *model;
	struct sqlite3_stmt *s;
};

typedef int (*load_row)(struct loading *l);

/* Borrowed until the next row. */
static const char *text_of(const struct loading *l, int column)
{
	const char *text = (const char *)sqlite3_column_text(l->s, column);

	return text ? text : "";
}

static void copy_text(const struct loading *l, int column, char *out, size_t size)
{
	const char *text = text_of(l, column);
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static int load_user(struct loading *l)
{
	struct user u = { .id = (uint32_t)sqlite3_column_int64(l->s, 0),
		.name = text_of(l, 1),
		.enabled = sqlite3_column_int(l->s, 2) != 0,
		.created = sqlite3_column_int64(l->s, 3) };

	copy_text(l, 4, u.entity.blob, sizeof(u.entity.blob));
	model_keep_user(l->model, &u);
	return 0;
}

static int load_openings(struct loading *l, const char *text, struct gateway *g)
{
	struct json *list;

	if (strcmp(text, "[]") == 0)
		return 0;
	return json_parse(l->job, text, strlen(text), &list) ||
		model_parse_allow(l->job, model_network(l->model), list, &g->allow, &g->allow_n)
	    ? l->job->error
	    : 0;
}

static int load_gateway(struct loading *l)
{
	struct gateway g = { .user = (uint32_t)sqlite3_column_int64(l->s, 0),
		.id = (uint32_t)sqlite3_column_int64(l->s, 1),
		.name = text_of(l, 2),
		.enabled = sqlite3_column_int(l->s, 4) != 0,
		.inbound = strcmp(text_of(l, 5), model_inbound_word(INBOUND_ALLOW)) == 0 ? INBOUND_ALLOW
											 : INBOUND_DENY,
		.routes = strcmp(text_of(l, 6), model_routes_word(ROUTES_INTERNET)) == 0 ? ROUTES_INTERNET
											 : ROUTES_PREFIX,
		.created = sqlite3_column_int64(l->s, 8) };

	copy_text(l, 3, g.device.hex, sizeof(g.device.hex));
	copy_text(l, 9, g.entity.blob, sizeof(g.entity.blob));
	if (load_openings(l, text_of(l, 7), &g))
		return l->job->error;
	model_keep_gateway(l->model, &g);
	return 0;
}

static enum certificate_kind kind_of(const char *word)
{
	enum certificate_kind kind = CERTIFICATE_CA;

	while (kind < CERTIFICATE_GATEWAY && strcmp(word, model_kind_word(kind)) != 0)
		kind++;
	return kind;
}

static int load_certificate(struct loading *l)
{
	struct certificate c = { .kind = kind_of(text_of(l, 2)),
		.name = text_of(l, 3),
		.generation = (unsigned)sqlite3_column_int(l->s, 4),
		.not_before = sqlite3_column_int64(l->s, 5),
		.not_after = sqlite3_column_int64(l->s, 6),
		.der = sqlite3_column_blob(l->s, 7),
		.der_len = (size_t)sqlite3_column_bytes(l->s, 7) };

	copy_text(l, 0, c.serial.hex, sizeof(c.serial.hex));
	copy_text(l, 1, c.device.hex, sizeof(c.device.hex));
	copy_text(l, 8, c.entity.blob, sizeof(c.entity.blob));
	model_keep_certificate(l->model, &c);
	return 0;
}

static int load_ledger(struct loading *l)
{
	const char *bytes = text_of(l, 1);

	return model_put(l->job, l->model, text_of(l, 0), bytes, (size_t)sqlite3_column_bytes(l->s, 1));
}

static int load_rows(struct loading *l, const char *sql, load_row row)
{
	int code, error = 0;

	database_await(l->database);
	code = sqlite3_prepare_v2(l->database->handle, sql, -1, &l->s, NULL);
	while (code == SQLITE_OK && !error && (code = sqlite3_step(l->s)) == SQLITE_ROW) {
		error = row(l);
		code = SQLITE_OK;
	}
	if (!error && code != SQLITE_DONE)
		error = database_fail(l->job, l->database, "read");
	sqlite3_finalize(l->s);
	return error;
}

int render_load_model(struct job *j, struct render *r, struct model *m)
{
	struct loading l = { .job = j, .database = r->database, .model = m };

	if (load_rows(&l, "SELECT id, name, enabled, created, blob FROM users", load_user) ||
	    load_rows(&l,
		"SELECT user, id, name, device, enabled, inbound, routes, allow, created, blob FROM gateways",
		load_gateway) ||
	    load_rows(&l,
		"SELECT serial, device, kind, name, generation, not_before, not_after, der, blob "
		"FROM certificates",
		load_certificate) ||
	    load_rows(&l, "SELECT path, bytes FROM ledger", load_ledger))
		return j->error;
	model_sort(m);
	return 0;
}
