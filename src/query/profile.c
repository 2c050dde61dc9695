/*
 * What render_profile needs of one gateway, as the entities that it would have
 * in the model: rows are turned back into state files and read by the model's
 * own parsers, so that there is one of each.
 */
#include <string.h>

#include "base/json.h"
#include "query/query_int.h"

#define CERTIFICATE_COLUMNS \
	"SELECT serial, device, kind, name, generation, not_before, not_after, der FROM certificates "

int reading_network(struct reading *r, struct model *m)
{
	sqlite3_stmt *s = NULL;
	int more = reading_prepare(r, &s, "SELECT path, bytes FROM documents ORDER BY path", "");

	while (!more && (more = reading_step(r, s)) == 1)
		more = model_put(r->job, m, reading_text(r, s, 0), (const char *)sqlite3_column_text(s, 1),
		    (size_t)sqlite3_column_bytes(s, 1));
	reading_done(s);
	if (!more && !model_network(m))
		more = job_fail(r->job, E_IO, "database", "the database holds no commit yet");
	return more;
}

int query_network(struct job *j, struct query *q, struct model **out)
{
	struct model *m = model_open();
	struct reading r;

	*out = NULL;
	if (!reading_begin(j, q, &r) && !reading_network(&r, m)) {
		*out = m;
		m = NULL; /* the caller's now */
	}
	reading_end(&r);
	model_close(m);
	return j->error;
}

static struct id128 read_id128(struct reading *r, sqlite3_stmt *s, int column)
{
	struct id128 id = { .hex = "" };

	strncpy(id.hex, reading_text(r, s, column), sizeof(id.hex) - 1);
	return id;
}

static int put_gateway(struct reading *r, struct model *m, sqlite3_stmt *s, struct gateway *g)
{
	const struct network *n = model_network(m);
	char path[MODEL_PATH_MAX];
	struct json *allow;
	struct buf bytes;

	*g = (struct gateway){
		.user = (uint32_t)sqlite3_column_int64(s, 0),
		.id = (uint32_t)sqlite3_column_int64(s, 1),
		.name = reading_text(r, s, 2),
		.device = read_id128(r, s, 3),
		.enabled = sqlite3_column_int(s, 4) != 0,
		.inbound = strcmp(reading_text(r, s, 5), model_inbound_word(INBOUND_ALLOW)) ? INBOUND_DENY
											    : INBOUND_ALLOW,
		.routes = strcmp(reading_text(r, s, 6), model_routes_word(ROUTES_INTERNET)) ? ROUTES_PREFIX
											    : ROUTES_INTERNET,
		.created = sqlite3_column_int64(s, 8),
	};
	if (json_parse(r->job, reading_text(r, s, 7), (size_t)sqlite3_column_bytes(s, 7), &allow) ||
	    model_parse_allow(r->job, n, allow, &g->allow, &g->allow_n))
		return r->job->error;
	buf_open(&bytes, r->job->arena);
	model_encode_gateway(&bytes, g);
	model_gateway_path(n, g->user, g->id, path);
	return model_put(r->job, m, path, bytes.data, bytes.len);
}

static int reading_gateway(struct reading *r, struct model *m, const char *name, struct gateway *g)
{
	sqlite3_stmt *s = NULL;
	int more = reading_prepare(r, &s,
	    "SELECT user, id, name, device, enabled, inbound, routes, allow, created "
	    "FROM gateways WHERE name = ?",
	    "s", name);

	if (!more && (more = reading_step(r, s)) == 1)
		more = put_gateway(r, m, s, g);
	else if (!more)
		more = job_fail(r->job, E_NOT_FOUND, "not_found", "there is no gateway %s", name);
	reading_done(s);
	return more;
}

static enum certificate_kind read_kind(struct reading *r, sqlite3_stmt *s, int column)
{
	const char *word = reading_text(r, s, column);
	enum certificate_kind kind = CERTIFICATE_CA;

	while (kind < CERTIFICATE_GATEWAY && strcmp(word, model_kind_word(kind)))
		kind++;
	return kind;
}

/* The first row of CERTIFICATE_COLUMNS goes into the model; false: there is none, or a job's error. */
static bool put_certificate(struct reading *r, struct model *m, sqlite3_stmt *s)
{
	char path[MODEL_PATH_MAX];
	struct certificate c;
	struct buf bytes;

	if (reading_step(r, s) != 1)
		return false;
	c = (struct certificate){
		.serial = read_id128(r, s, 0),
		.device = read_id128(r, s, 1),
		.kind = read_kind(r, s, 2),
		.name = reading_text(r, s, 3),
		.generation = (unsigned)sqlite3_column_int(s, 4),
		.not_before = sqlite3_column_int64(s, 5),
		.not_after = sqlite3_column_int64(s, 6),
		.der = sqlite3_column_blob(s, 7), /* until the next step */
		.der_len = (size_t)sqlite3_column_bytes(s, 7),
	};
	buf_open(&bytes, r->job->arena);
	model_encode_certificate(&bytes, &c);
	model_ledger_path(ENTITY_CERTIFICATE, c.serial.hex, c.not_before, path);
	return !model_put(r->job, m, path, bytes.data, bytes.len);
}

static int reading_certificates(struct reading *r, struct model *m, const struct gateway *g)
{
	sqlite3_stmt *s = NULL, *ca = NULL;

	if (reading_prepare(r, &ca,
		CERTIFICATE_COLUMNS "WHERE kind = 'ca' ORDER BY not_before DESC, serial DESC LIMIT 1", "") ||
	    reading_prepare(r, &s,
		CERTIFICATE_COLUMNS
		"WHERE device = ?1 AND revoked_at IS NULL "
		"AND not_after > ?2 AND ifnull(until, ?2 + 1) > ?2 ORDER BY not_before DESC, serial DESC LIMIT 1",
		"si", g->device.hex, r->job->now))
		goto out;
	if (!put_certificate(r, m, ca) && !r->job->error)
		job_fail(r->job, E_IO, "database", "the database holds no CA");
	if (!r->job->error && !put_certificate(r, m, s) && !r->job->error)
		job_fail(r->job, E_CONFLICT, "no_certificate", "%s has no valid certificate: renew it first",
		    g->name);
out:
	reading_done(ca);
	reading_done(s);
	return r->job->error;
}

int query_profile(
    struct job *j, struct query *q, const char *name, struct query_profile *out, const char **commit)
{
	struct gateway g;
	struct reading r;

	*out = (struct query_profile){ .model = model_open() };
	if (!reading_begin(j, q, &r) && !reading_network(&r, out->model) &&
	    !reading_gateway(&r, out->model, name, &g) && !reading_certificates(&r, out->model, &g))
		out->gateway = model_gateway(out->model, g.user, g.id);
	*commit = r.commit;
	reading_end(&r);
	if (j->error) {
		model_close(out->model);
		out->model = NULL;
	}
	return j->error;
}
