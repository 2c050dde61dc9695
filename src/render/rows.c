/*
 * Rows of the SQLite database: what a fork touched, or all of it.  Touched rows
 * are deleted before any is inserted, since names may have changed hands.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "render/render_int.h"

enum { LEDGER_ROOM = 2048 };

enum row_statement {
	USER_DELETE,
	USER_INSERT,
	GATEWAY_DELETE,
	GATEWAY_INSERT,
	CERTIFICATE_DELETE,
	CERTIFICATE_INSERT,
	LEDGER_DELETE,
	LEDGER_INSERT,
	DOCUMENT_INSERT,
	META_INSERT,
	STATEMENTS
};

static const char *const statements[STATEMENTS] = {
	[USER_DELETE] = "DELETE FROM users WHERE id = ?",
	[USER_INSERT] =
	    "INSERT INTO users (id, hex, name, prefix, enabled, created, blob) VALUES (?,?,?,?,?,?,?)",
	[GATEWAY_DELETE] = "DELETE FROM gateways WHERE user = ? AND id = ?",
	[GATEWAY_INSERT] =
	    ("INSERT INTO gateways (user, id, hex, name, prefix, address, device, enabled, inbound, "
	     "routes, allow, created, blob) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"),
	[CERTIFICATE_DELETE] = "DELETE FROM certificates WHERE serial = ?",
	[CERTIFICATE_INSERT] =
	    ("INSERT INTO certificates (serial, device, kind, name, generation, not_before, "
	     "not_after, until, revoked_at, reason, der, blob) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"),
	[LEDGER_DELETE] = "DELETE FROM ledger WHERE path = ?",
	[LEDGER_INSERT] = "INSERT INTO ledger (path, bytes) VALUES (?,?)",
	[DOCUMENT_INSERT] = "INSERT OR REPLACE INTO documents (path, bytes) VALUES (?,?)",
	[META_INSERT] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?,?)",
};

struct rows {
	const struct render_job *r;
	struct database *database;
};

static int rows_run(struct rows *w, enum row_statement which, const char *types, ...)
{
	va_list ap;
	int error;

	va_start(ap, types);
	error = database_write(w->r->job, w->database, statements[which], types, ap);
	va_end(ap);
	return error;
}

static int insert_user(struct rows *w, const struct user *u)
{
	const struct network *n = model_network(w->r->model);
	struct ip_prefix p = model_user_prefix(n, u->id);
	char hex[9], prefix[IP_TEXT];

	model_print_user_id(n, u->id, hex);
	return rows_run(w, USER_INSERT, "isssiis", (int64_t)u->id, hex, u->name, ip_print_prefix(&p, prefix),
	    (int64_t)u->enabled, u->created, u->entity.blob);
}

static const char *allow_text(struct arena *a, const struct gateway *g)
{
	struct buf text;

	buf_open(&text, a);
	json_print_compact(&text, model_allow_json(a, g->allow, g->allow_n));
	return text.data;
}

static int insert_gateway(struct rows *w, const struct gateway *g)
{
	const struct network *n = model_network(w->r->model);
	struct ip_prefix p = model_gateway_prefix(n, g->user, g->id);
	struct in6_addr own = model_gateway_address(n, g->user, g->id);
	char hex[9], prefix[IP_TEXT], address[IP_TEXT];

	model_print_gateway_id(n, g->id, hex);
	return rows_run(w, GATEWAY_INSERT, "iisssssisssis", (int64_t)g->user, (int64_t)g->id, hex, g->name,
	    ip_print_prefix(&p, prefix), ip_print_addr(&own, address), g->device.hex, (int64_t)g->enabled,
	    model_inbound_word(g->inbound), model_routes_word(g->routes), allow_text(w->r->job->arena, g),
	    g->created, g->entity.blob);
}

static int insert_certificate(struct rows *w, const struct certificate *c)
{
	const struct supersession *s = model_supersession(w->r->model, c->serial.hex);
	const struct revocation *gone = model_withdrawal(w->r->job->arena, w->r->model, c->serial.hex);

	return rows_run(w, CERTIFICATE_INSERT, "ssssiiittsbs", c->serial.hex, c->device.hex,
	    model_kind_word(c->kind), c->name, (int64_t)c->generation, c->not_before, c->not_after,
	    s ? s->until : (int64_t)0, gone ? gone->at : (int64_t)0,
	    gone ? model_reason_word(gone->reason) : NULL, c->der, (int64_t)c->der_len, c->entity.blob);
}

static int write_users(struct rows *w)
{
	const struct entity **all = touched_entities(w->r, ENTITY_USER), **e;
	uint32_t user, gateway;
	int error = 0;

	for (e = all; *e && !error; e++) {
		touched_ids((*e)->path, &user, &gateway);
		error = rows_run(w, USER_DELETE, "i", (int64_t)user);
	}
	for (e = all; *e && !error; e++)
		if (!(*e)->is_removed)
			error = insert_user(w, (const struct user *)*e);
	return error;
}

static int write_gateways(struct rows *w)
{
	const struct entity **all = touched_entities(w->r, ENTITY_GATEWAY), **e;
	uint32_t user, gateway;
	int error = 0;

	for (e = all; *e && !error; e++) {
		touched_ids((*e)->path, &user, &gateway);
		error = rows_run(w, GATEWAY_DELETE, "ii", (int64_t)user, (int64_t)gateway);
	}
	for (e = all; *e && !error; e++)
		if (!(*e)->is_removed)
			error = insert_gateway(w, (const struct gateway *)*e);
	return error;
}

static int write_certificate(struct rows *w, const char *serial)
{
	const struct certificate *c = model_certificate(w->r->model, serial);
	int error = rows_run(w, CERTIFICATE_DELETE, "s", serial);

	return !error && c ? insert_certificate(w, c) : error;
}

static int write_certificates_of(struct rows *w, enum entity_kind kind)
{
	const struct entity **e = touched_entities(w->r, kind);
	int error = 0;

	for (; *e && !error; e++) {
		struct id128 serial = touched_serial((*e)->path);

		error = write_certificate(w, serial.hex);
	}
	return error;
}

/* What went on hold, and what came off it. */
static int write_held(struct rows *w)
{
	const struct model *sides[] = { model_base(w->r->model), w->r->model };
	const struct pending *p;
	int error = 0;
	size_t i, k;

	if (!*touched_entities(w->r, ENTITY_PENDING))
		return 0;
	for (i = 0; i < 2; i++) {
		p = model_pending(sides[i]);
		for (k = 0; k < (p ? p->holds_n : 0) && !error; k++)
			error = write_certificate(w, p->holds[k].serial.hex);
	}
	return error;
}

/* A row tells all that the ledger knows of a serial, whichever of its files was touched. */
static int write_certificates(struct rows *w)
{
	int error = write_certificates_of(w, ENTITY_CERTIFICATE);

	if (!error && !w->r->is_full && !(error = write_certificates_of(w, ENTITY_SUPERSESSION)))
		error = write_certificates_of(w, ENTITY_REVOCATION);
	return error || w->r->is_full ? error : write_held(w);
}

static int write_ledger_entry(struct rows *w, const struct entity *e)
{
	struct arena *a;
	struct buf bytes;
	int error = w->r->is_full ? 0 : rows_run(w, LEDGER_DELETE, "s", e->path);

	if (error || e->is_removed)
		return error;
	a = arena_open(LEDGER_ROOM);
	buf_open(&bytes, a);
	model_encode_ledger(&bytes, e);
	error = rows_run(w, LEDGER_INSERT, "ss", e->path, bytes.data);
	arena_close(a);
	return error;
}

/* All kinds of the ledger but certificates, which have columns. */
static int write_ledger(struct rows *w)
{
	enum entity_kind kind;
	const struct entity **e;
	int error = 0;

	for (kind = 0; kind <= ENTITY_ACCESS && !error; kind++) {
		if (!model_is_ledger(kind) || kind == ENTITY_CERTIFICATE)
			continue;
		for (e = touched_entities(w->r, kind); *e && !error; e++)
			error = write_ledger_entry(w, *e);
	}
	return error;
}

static int write_documents(struct rows *w)
{
	const struct network *n = model_network(w->r->model);
	const struct server *s = model_server(w->r->model);
	struct buf network, server;

	buf_open(&network, w->r->job->arena);
	model_encode_network(&network, n);
	buf_open(&server, w->r->job->arena);
	model_encode_server(&server, s);
	if (rows_run(w, DOCUMENT_INSERT, "ss", n->entity.path, network.data))
		return w->r->job->error;
	return rows_run(w, DOCUMENT_INSERT, "ss", s->entity.path, server.data);
}

int database_clear(struct job *j, struct database *d)
{
	return database_run(j, d,
	    "DELETE FROM users; DELETE FROM gateways; DELETE FROM certificates; DELETE FROM ledger; "
	    "DELETE FROM documents");
}

int rows_write(const struct render_job *r, struct database *d)
{
	struct rows w = { .r = r, .database = d };
	int error = 0;

	if (r->is_full && !(error = database_clear(r->job, d)))
		error = write_documents(&w);
	if (!error && !(error = write_users(&w)) && !(error = write_gateways(&w)) &&
	    !(error = write_certificates(&w)) && !(error = write_ledger(&w)))
		error = rows_run(&w, META_INSERT, "ss", "commit", r->commit);
	database_rest(d);
	return error;
}
