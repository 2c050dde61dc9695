/*
 * Renderer of pki/index.txt, the database of `openssl ca` (see its manual
 * page) that easyrsa lists certificates from.  Never says E, which only a
 * clock could tell; a revoked certificate's line carries time and reason.
 */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/map.h"
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

static void add_certificate(
    const struct render_job *r, struct json *list, const struct certificate *c, const struct revocation *gone)
{
	struct arena *a = r->job->arena;
	struct json *row = json_add(list, NULL, json_object(a));
	const char *revoked = "";

	if (gone)
		revoked = arena_printf(a, "%s%s", index_time(a, gone->at), index_reason(gone->reason));
	json_add_string(a, row, "status", gone ? "R" : "V");
	json_add_string(a, row, "not_after", index_time(a, c->not_after));
	json_add_string(a, row, "revocation", revoked);
	json_add_string(a, row, "serial", upper(a, c->serial.hex));
	json_add_string(a, row, "name", c->name);
}

int render_index(const struct render_job *r)
{
	const struct entity **e = model_all(r->job->arena, r->model, ENTITY_CERTIFICATE);
	struct json *values = json_object(r->job->arena);
	struct json *list = json_add(values, "certificates", json_array(r->job->arena));
	const struct revocation **gone = model_withdrawn(r->job->arena, r->model);
	struct map withdrawn = { .len = 0 };

	/* Once for all: a lookup in the model for each certificate would be half of a change's work. */
	for (; *gone; gone++)
		map_put(&withdrawn, (*gone)->serial.hex, (void *)*gone);
	for (; *e; e++) {
		const struct certificate *c = (const struct certificate *)*e;

		if (c->kind != CERTIFICATE_CA)
			add_certificate(r, list, c, map_get(&withdrawn, c->serial.hex));
	}
	map_clear(&withdrawn);
	return template_output(r, "index.txt", values, "pki/index.txt", 0);
}
