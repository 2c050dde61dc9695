/* Gateways, each with the certificates that its device can use. */
#include "query/query_int.h"

#define GATEWAY_COLUMNS \
	"g.name, u.name, g.hex, g.prefix, g.address, g.blob, g.enabled, " \
	"g.inbound, g.routes, g.allow, g.created, g.device"
#define GATEWAY_TABLES " FROM gateways g JOIN users u ON u.id = g.user "

#define NEWEST_END \
	"(SELECT c.not_after FROM certificates c WHERE c.device = g.device " \
	"AND c.revoked_at IS NULL ORDER BY c.not_before DESC, c.serial DESC LIMIT 1)"

static int read_certificates(
    struct reading *r, sqlite3_stmt *certificates, const char *device, struct query_gateway *row)
{
	size_t cap = 0;
	int more;

	sqlite3_reset(certificates);
	if (sqlite3_bind_text(certificates, 2, device, -1, SQLITE_TRANSIENT) != SQLITE_OK)
		return reading_fail(r);
	while ((more = reading_step(r, certificates)) == 1) {
		row->certificates = query_grow(
		    r->job->arena, row->certificates, row->certificates_n, &cap, sizeof(*row->certificates));
		row->certificates[row->certificates_n++] = (struct query_certificate){
			.serial = reading_text(r, certificates, 0),
			.not_before = sqlite3_column_int64(certificates, 1),
			.not_after = sqlite3_column_int64(certificates, 2),
			.until = sqlite3_column_int64(certificates, 3),
		};
	}
	return more;
}

static void read_gateway(struct reading *r, sqlite3_stmt *s, struct query_gateway *row)
{
	*row = (struct query_gateway){
		.name = reading_text(r, s, 0),
		.user = reading_text(r, s, 1),
		.id = reading_text(r, s, 2),
		.prefix = reading_text(r, s, 3),
		.address = reading_text(r, s, 4),
		.blob = reading_text(r, s, 5),
		.enabled = sqlite3_column_int(s, 6) != 0,
		.inbound = reading_text(r, s, 7),
		.routes = reading_text(r, s, 8),
		.allow = reading_text(r, s, 9),
		.created = sqlite3_column_int64(s, 10),
	};
}

static int prepare_certificates(struct reading *r, sqlite3_stmt **out)
{
	return reading_prepare(r, out,
	    "SELECT serial, not_before, not_after, until FROM certificates "
	    "WHERE not_after > ? AND device = ? AND revoked_at IS NULL ORDER BY not_before DESC, serial DESC",
	    "i", r->job->now);
}

/* All rows of a statement of GATEWAY_COLUMNS, with their certificates. */
static int read_gateways(struct reading *r, sqlite3_stmt *s, struct query_gateways *out)
{
	sqlite3_stmt *certificates = NULL;
	size_t cap = 0;
	int more = prepare_certificates(r, &certificates);

	while (!more && (more = reading_step(r, s)) == 1) {
		out->rows = query_grow(r->job->arena, out->rows, out->n, &cap, sizeof(*out->rows));
		read_gateway(r, s, &out->rows[out->n]);
		more = read_certificates(r, certificates, reading_text(r, s, 11), &out->rows[out->n++]);
	}
	reading_done(certificates);
	return more;
}

int query_gateways(struct job *j, struct query *q, const struct query_gateway_filter *f,
    const struct query_page *page, struct query_gateways *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;

	*out = (struct query_gateways){ .n = 0 };
	if (!reading_join(j, q, page->hold, &r) &&
	    !reading_prepare(&r, &s,
		"SELECT " GATEWAY_COLUMNS GATEWAY_TABLES
		"WHERE g.name > ?1 AND (?2 IS NULL OR u.name = ?2) AND "
		"(?3 = 0 OR " NEWEST_END " < ?3) ORDER BY g.name LIMIT ?4",
		"ssii", page->after ? page->after : "", f->user, f->expires_before,
		page->limit ? (int64_t)page->limit : (int64_t)-1))
		read_gateways(&r, s, out);
	out->commit = r.commit;
	reading_done(s);
	reading_end(&r);
	return j->error;
}

int query_gateway(
    struct job *j, struct query *q, const char *name, struct query_gateway *row, const char **commit)
{
	sqlite3_stmt *s = NULL, *certificates = NULL;
	struct reading r;

	if (!reading_begin_bare(j, q, &r) && !prepare_certificates(&r, &certificates) &&
	    !reading_prepare(&r, &s,
		"SELECT " GATEWAY_COLUMNS ", " QUERY_COMMIT GATEWAY_TABLES "WHERE g.name = ?", "s", name)) {
		if (reading_step(&r, s) == 1) {
			r.commit = reading_text(&r, s, 12);
			read_gateway(&r, s, row);
			read_certificates(&r, certificates, reading_text(&r, s, 11), row);
		} else if (!j->error) {
			job_fail(j, E_NOT_FOUND, "not_found", "there is no gateway %s", name);
		}
	}
	*commit = r.commit;
	reading_done(certificates);
	reading_done(s);
	reading_end(&r);
	return j->error;
}

int query_ends(struct job *j, struct query *q, const struct query_page *page, struct query_ends *out)
{
	sqlite3_stmt *s = NULL;
	struct reading r;
	size_t cap = 0;

	*out = (struct query_ends){ .n = 0 };
	if (!reading_begin(j, q, &r) &&
	    !reading_prepare(&r, &s,
		"SELECT g.name, u.name, " NEWEST_END " FROM gateways g JOIN users u ON u.id = g.user "
		"WHERE g.name > ? ORDER BY g.name LIMIT ?",
		"si", page->after ? page->after : "", page->limit ? (int64_t)page->limit : (int64_t)-1))
		while (reading_step(&r, s) == 1) {
			out->rows = query_grow(j->arena, out->rows, out->n, &cap, sizeof(*out->rows));
			out->rows[out->n++] = (struct query_end){
				.name = reading_text(&r, s, 0),
				.user = reading_text(&r, s, 1),
				.not_after = sqlite3_column_int64(s, 2),
			};
		}
	reading_done(s);
	reading_end(&r);
	return j->error;
}
