/*
 * Renderer of pki/index.txt, the database of `openssl ca` (see its manual
 * page) that easyrsa lists certificates from.  Never says E, which only a
 * clock could tell; a revoked certificate's line carries time and reason.
 */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "render/render_int.h"

/* RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from then on. */
static const char *index_time(struct arena *a, int64_t t)
{
	time_t seconds = (time_t)t;
	char text[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	return arena_strdup(a, tm.tm_year < 150 ? text + 2 : text);
}

/* The words of `openssl ca`; no reason is written as none. */
static const char *index_reason(enum revocation_reason reason)
{
	switch (reason) {
	case REASON_KEY_COMPROMISE:
		return ",keyCompromise";
	case REASON_SUPERSEDED:
		return ",superseded";
	case REASON_CESSATION_OF_OPERATION:
		return ",cessationOfOperation";
	case REASON_CERTIFICATE_HOLD:
		return ",certificateHold";
	case REASON_UNSPECIFIED:
		break;
	}
	return "";
}

static const char *upper(struct arena *a, const char *hex)
{
	char *s = arena_strdup(a, hex), *p;

	for (p = s; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return s;
}

void index_lines(const struct lines *l, const struct entity *e)
{
	const struct certificate *c = (const struct certificate *)e;
	const struct revocation *gone;
	const char *revoked = "";
	struct json *row;

	if (c->kind == CERTIFICATE_CA)
		return;
	gone = model_withdrawal(l->arena, l->r->model, c->serial.hex);
	if (gone)
		revoked = arena_printf(
		    l->arena, "%s%s", index_time(l->arena, gone->at), index_reason(gone->reason));
	row = json_add(l->list, NULL, json_object(l->arena));
	json_add_string(l->arena, row, "status", gone ? "R" : "V");
	json_add_string(l->arena, row, "not_after", index_time(l->arena, c->not_after));
	json_add_string(l->arena, row, "revocation", revoked);
	json_add_string(l->arena, row, "serial", upper(l->arena, c->serial.hex));
	json_add_string(l->arena, row, "name", c->name);
}

int render_index(const struct render_job *r)
{
	return listing_output(r, LISTING_CERTIFICATES, LISTING_CERTIFICATES, json_object(r->job->arena));
}
