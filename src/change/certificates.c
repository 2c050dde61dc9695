/*
 * Certificates: what is asked of the PKI, and what becomes of old ones.  A
 * supersession is a planned end, a revocation a fact; the earlier counts.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "change/change_int.h"

enum { DAY = 86400 };

static int64_t max_time(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int change_issue(struct work *w, enum certificate_kind kind, const char *device, const char *name)
{
	const struct certificate *last = model_current_certificate(w->model, device),
				 *ca = model_ca(w->model);
	const struct policy *policy = &w->network->policy;
	int64_t now = w->change->now;
	struct plan_issue *i;

	if (!ca || ca->not_after <= now)
		return job_fail(w->job, E_CONFLICT, "ca_expired",
		    "the CA's certificate has expired: nothing can be "
		    "issued until there is a new CA");
	i = plan_issue(w->job->arena, w->plan, kind);
	snprintf(i->device.hex, sizeof(i->device.hex), "%s", device);
	i->name = name;
	i->not_before = now - BACKDATED;
	if (last)
		i->not_before = max_time(i->not_before, last->not_before + 1);
	i->not_after = now + (kind == CERTIFICATE_GATEWAY ? policy->validity : policy->server_validity);
	return 0;
}

void change_revoke(struct work *w, const struct certificate *c, enum revocation_reason reason, int64_t at)
{
	struct revocation v = { .at = at, .reason = reason, .by = w->change->actor };
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_revocation(&b, &v);
	model_ledger_path(ENTITY_REVOCATION, c->serial.hex, c->not_before, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
}

void change_supersede(struct work *w, const struct certificate *c, int64_t until)
{
	struct supersession v = { .until = until };
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_supersession(&b, &v);
	model_ledger_path(ENTITY_SUPERSESSION, c->serial.hex, c->not_before, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
}

void change_revoke_device(struct work *w, const char *device, enum revocation_reason reason)
{
	const struct certificate **c;

	for (c = model_certificates(w->job->arena, w->model, device); *c; c++)
		if (!model_revocation(w->model, (*c)->serial.hex) && (*c)->not_after > w->change->now)
			change_revoke(w, *c, reason, w->change->now);
}

/* One old certificate at a renewal: the current one is superseded, those before it end now. */
static void retire(struct work *w, const struct certificate *c)
{
	int64_t now = w->change->now, until = now + w->network->policy.overlap;

	if (model_revocation(w->model, c->serial.hex) || c->not_after <= now)
		return;
	if (w->change->revoke_old || model_supersession(w->model, c->serial.hex))
		change_revoke(w, c, REASON_SUPERSEDED, now);
	else
		change_supersede(w, c, until < c->not_after ? until : c->not_after);
}

static int check_renewable(struct work *w, const struct gateway *g, const struct certificate *c)
{
	char from[TIME_TEXT], end[TIME_TEXT];
	int64_t renewable_from = c->not_after - w->network->policy.renewal;

	if (w->change->force && !*w->plan->reason)
		return job_fail(w->job, E_INVALID, "reason_required",
		    "a forced renewal needs a reason: "
		    "{\"force\": true, \"reason\": \"...\"}");
	if (w->change->force || w->change->now >= renewable_from)
		return 0;
	time_print(renewable_from, from);
	time_print(c->not_after, end);
	job_extra(w->job, "renewable_from", from);
	return job_fail(w->job, E_CONFLICT, "not_renewable_yet",
	    "the certificate of %s is good until %s and can be "
	    "renewed from %s; earlier only by {\"force\": true, \"reason\": \"...\"}",
	    g->name, end, from);
}

int change_gateway_renew(struct work *w)
{
	const struct gateway *g = change_find_gateway(w, w->change->name);
	const struct certificate **c, *current;

	if (!g || change_match(w, &g->entity))
		return w->job->error;
	current = model_current_certificate(w->model, g->device.hex);
	if (current &&
	    check_renewable(w, g, current)) /* none: all were revoked, as an old backup may have it */
		return w->job->error;
	for (c = model_certificates(w->job->arena, w->model, g->device.hex); *c; c++)
		retire(w, *c);
	w->plan->subject = arena_printf(w->job->arena, "gateway %s: renew its certificate%s", g->name,
	    w->change->revoke_old ? ", revoke the old one" : "");
	return change_issue(w, CERTIFICATE_GATEWAY, g->device.hex, g->name);
}

int change_server_renew(struct work *w)
{
	const struct server *s = model_server(w->model);

	w->plan->subject = arena_printf(w->job->arena, "server %s: renew its certificate", s->name);
	return change_issue(w, CERTIFICATE_SERVER, s->device.hex, s->name);
}

/* One device a name, which no gateway is drawn: each name has certificates of its own. */
void change_api_device(const char *name, char out[ID128_HEX])
{
	char text[sizeof("api/") + GATEWAY_NAME_MAX], digest[DIGEST_HEX];
	int len = snprintf(text, sizeof(text), "api/%s", name);

	digest_sha256_hex(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1, digest);
	memcpy(out, digest, ID128_HEX - 1);
	out[ID128_HEX - 1] = '\0';
}

int change_api_renew(struct work *w)
{
	const char *name = w->change->name;
	char device[ID128_HEX];

	if (!model_is_gateway_name(name))
		return job_fail(w->job, E_INVALID, "invalid",
		    "%s can be no name in the API's certificate: name it by --tls-name, a host name of at most %d "
		    "characters",
		    name, GATEWAY_NAME_MAX);
	if (strcmp(name, model_server(w->model)->name) == 0)
		return job_fail(w->job, E_INVALID, "invalid",
		    "%s is the VPN server's name, for which the API's key must not speak: name another one by "
		    "--tls-name",
		    name);
	change_api_device(name, device);
	w->plan->subject = arena_printf(w->job->arena, "api %s: issue a certificate", name);
	return change_issue(w, CERTIFICATE_API, device, name);
}

/* The moment has come: what was superseded is revoked, with the moment that was planned. */
int change_superseded_end(struct work *w)
{
	const struct entity **e;
	unsigned n = 0;

	for (e = model_all(w->job->arena, w->model, ENTITY_SUPERSESSION); *e; e++) {
		const struct supersession *s = (const struct supersession *)*e;
		const struct certificate *c = model_certificate(w->model, s->serial.hex);

		if (s->until > w->change->now || model_revocation(w->model, s->serial.hex) ||
		    c->not_after <= w->change->now)
			continue;
		change_revoke(w, c, REASON_SUPERSEDED, s->until);
		n++;
	}
	w->plan->subject = arena_printf(w->job->arena, "certificates: revoke %u superseded", n);
	return 0;
}

static void adopt(struct work *w, const char *serial)
{
	struct adoption v = { .at = w->change->now, .by = w->change->actor };
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, w->job->arena);
	model_encode_adoption(&b, &v);
	model_adoption_path(serial, path);
	plan_write(w->job->arena, w->plan, path, b.data, b.len);
}

/* Of a certificate that the ledger knows, that it is revoked; of another one, that its serial is. */
int change_adopt(struct work *w)
{
	const char *const *serial;
	unsigned n = 0;

	for (serial = w->change->serials; *serial; serial++) {
		const struct certificate *c = model_certificate(w->model, *serial);

		if (c ? model_revocation(w->model, *serial) != NULL
		      : model_adoption(w->model, *serial) != NULL)
			continue;
		if (c)
			change_revoke(w, c, REASON_UNSPECIFIED, w->change->now);
		else
			adopt(w, *serial);
		n++;
	}
	w->plan->subject = arena_printf(
	    w->job->arena, "restore: adopt %u certificates of a newer state as revoked", n);
	return 0;
}

static void prune(struct work *w, const struct certificate *c)
{
	static const enum entity_kind kinds[] = { ENTITY_CERTIFICATE, ENTITY_SUPERSESSION,
		ENTITY_REVOCATION };
	char path[MODEL_PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		model_ledger_path(kinds[i], c->serial.hex, c->not_before, path);
		if (kinds[i] == ENTITY_CERTIFICATE ||
		    (kinds[i] == ENTITY_SUPERSESSION && model_supersession(w->model, c->serial.hex)) ||
		    (kinds[i] == ENTITY_REVOCATION && model_revocation(w->model, c->serial.hex)))
			plan_delete(w->job->arena, w->plan, path);
	}
}

/*
 * Entries go one CRL period after the certificate's end, when no CRL that is still valid can need them;
 * a device's current certificate stays, since its file names it.
 */
int change_ledger_prune(struct work *w)
{
	const struct entity **e;
	unsigned n = 0;

	for (e = model_all(w->job->arena, w->model, ENTITY_CERTIFICATE); *e; e++) {
		const struct certificate *c = (const struct certificate *)*e;

		if (c->kind == CERTIFICATE_CA ||
		    c->not_after + w->network->policy.crl > w->change->now - DAY ||
		    model_current_certificate(w->model, c->device.hex) == c)
			continue;
		prune(w, c);
		n++;
	}
	w->plan->subject = arena_printf(w->job->arena, "ledger: prune %u certificates that ended", n);
	return 0;
}
