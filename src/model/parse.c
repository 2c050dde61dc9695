/*
 * State files to structs: users, gateways and the ledger.  Every file is
 * checked as if a stranger had written it.
 */
#include <string.h>

#include "base/pem.h"
#include "model/model_int.h"

static const char *const INBOUND[] = { "deny", "allow", NULL };
static const char *const ROUTES[] = { "prefix", "internet", NULL };
static const char *const KINDS[] = { "ca", "server", "api", "gateway", NULL };
static const char *const REASON_WORDS[] = { "unspecified", "keyCompromise", "superseded",
	"cessationOfOperation", NULL };
static const enum revocation_reason REASONS[] = { REASON_UNSPECIFIED, REASON_KEY_COMPROMISE,
	REASON_SUPERSEDED, REASON_CESSATION_OF_OPERATION };

int model_parse_user(struct job *j, const struct json *o, struct user *v)
{
	static const char *const keys[] = { "created", "enabled", "name", NULL };

	if (json_known(j, o, keys) || model_want_copy(j, v->entity.arena, o, "name", &v->name) ||
	    model_want_time(j, o, "created", &v->created) ||
	    json_want_bool(j, o, "enabled", true, &v->enabled))
		return j->error;
	if (!model_is_user_name(v->name))
		return job_fail_field(j, "name", "not a user name");
	return 0;
}

int model_parse_gateway(struct job *j, const struct network *n, const struct json *o, struct gateway *v)
{
	static const char *const keys[] = { "allow", "created", "device", "enabled", "inbound", "name",
		"routes", NULL };
	const struct json *allow;
	struct arena *saved = j->arena;
	unsigned inbound, routes;

	if (json_known(j, o, keys) || model_want_copy(j, v->entity.arena, o, "name", &v->name) ||
	    model_want_time(j, o, "created", &v->created) || model_want_id128(j, o, "device", &v->device) ||
	    json_want_bool(j, o, "enabled", true, &v->enabled) ||
	    model_want_word(j, o, "inbound", INBOUND, &inbound) ||
	    model_want_word(j, o, "routes", ROUTES, &routes) || json_want_array(j, o, "allow", true, &allow))
		return j->error;
	v->inbound = (enum inbound)inbound;
	v->routes = (enum routes)routes;
	if (!model_is_gateway_name(v->name))
		return job_fail_field(j, "name", "not a host name");
	j->arena = v->entity.arena; /* the list lives as long as the gateway */
	model_parse_allow(j, n, allow, &v->allow, &v->allow_n);
	j->arena = saved;
	return j->error;
}

int model_parse_certificate(struct job *j, const struct json *o, struct certificate *v)
{
	static const char *const keys[] = { "device", "generation", "key", "kind", "name", "not_after",
		"not_before", "pem", NULL };
	static const char *const sources[] = { "derived", NULL };
	const char *pem = "";
	unsigned kind, source;
	int64_t generation;

	if (json_known(j, o, keys) || model_want_word(j, o, "kind", KINDS, &kind) ||
	    model_want_word(j, o, "key", sources, &source) || model_want_id128(j, o, "device", &v->device) ||
	    json_want_int(j, o, "generation", true, &generation) ||
	    model_want_copy(j, v->entity.arena, o, "name", &v->name) ||
	    model_want_time(j, o, "not_before", &v->not_before) ||
	    model_want_time(j, o, "not_after", &v->not_after) || json_want_string(j, o, "pem", true, &pem))
		return j->error;
	v->der = pem_parse(v->entity.arena, "CERTIFICATE", pem, &v->der_len);
	if (!v->der)
		return job_fail_field(j, "pem", "not a certificate in PEM");
	v->kind = (enum certificate_kind)kind;
	if (generation < 1 || generation > 9999)
		return job_fail_field(j, "generation", "not in 1..9999");
	v->generation = (unsigned)generation;
	if ((v->kind == CERTIFICATE_CA) != (strspn(v->device.hex, "0") == ID128_HEX - 1))
		return job_fail_field(j, "device", "all zeros is a CA's device, and nobody else's");
	if (v->not_after <= v->not_before)
		return job_fail_field(j, "not_after", "not after not_before");
	if (v->kind == CERTIFICATE_GATEWAY && !model_is_gateway_name(v->name))
		return job_fail_field(j, "name", "not a host name");
	return 0;
}

int model_parse_supersession(struct job *j, const struct json *o, struct supersession *v)
{
	static const char *const keys[] = { "until", NULL };

	return json_known(j, o, keys) ? j->error : model_want_time(j, o, "until", &v->until);
}

int model_parse_revocation(struct job *j, const struct json *o, struct revocation *v)
{
	static const char *const keys[] = { "at", "by", "reason", NULL };
	unsigned reason;

	if (json_known(j, o, keys) || model_want_time(j, o, "at", &v->at) ||
	    model_want_copy(j, v->entity.arena, o, "by", &v->by) ||
	    model_want_word(j, o, "reason", REASON_WORDS, &reason))
		return j->error;
	v->reason = REASONS[reason];
	return 0;
}

int model_parse_adoption(struct job *j, const struct json *o, struct adoption *v)
{
	static const char *const keys[] = { "at", "by", NULL };

	if (json_known(j, o, keys) || model_want_time(j, o, "at", &v->at))
		return j->error;
	return model_want_copy(j, v->entity.arena, o, "by", &v->by);
}

int model_parse_id(struct job *j, const struct json *o, struct id_record *v)
{
	static const char *const keys[] = { "given", NULL };

	return json_known(j, o, keys) ? j->error : model_want_time(j, o, "given", &v->given);
}

int model_parse_release(struct job *j, const struct json *o, struct id_release *v)
{
	static const char *const keys[] = { "at", "gateway", "user", NULL };

	if (json_known(j, o, keys) || model_want_time(j, o, "at", &v->at) ||
	    model_want_copy(j, v->entity.arena, o, "user", &v->user_name) ||
	    model_want_copy(j, v->entity.arena, o, "gateway", &v->gateway_name))
		return j->error;
	return 0;
}

static size_t count(const struct json *list)
{
	const struct json *e;
	size_t n = 0;

	for (e = list->child; e; e = e->next)
		n++;
	return n;
}

static int parse_holds(struct job *j, const struct json *list, struct pending *v)
{
	static const char *const keys[] = { "reason", "serial", NULL };
	const struct json *e;
	unsigned reason;

	v->holds = arena_alloc(v->entity.arena, (count(list) + 1) * sizeof(*v->holds));
	for (e = list->child; e; e = e->next) {
		if (json_want_object(j, e) || json_known(j, e, keys) ||
		    model_want_id128(j, e, "serial", &v->holds[v->holds_n].serial) ||
		    model_want_word(j, e, "reason", REASON_WORDS, &reason))
			return j->error;
		v->holds[v->holds_n++].reason = REASONS[reason];
	}
	return 0;
}

int model_parse_pending(struct job *j, const struct json *o, struct pending *v)
{
	static const char *const keys[] = { "at", "deadline", "holds", "supersedes", NULL };
	static const char *const end_keys[] = { "serial", "until", NULL };
	const struct json *holds, *ends, *e;

	if (json_known(j, o, keys) || model_want_time(j, o, "at", &v->at) ||
	    model_want_time(j, o, "deadline", &v->deadline) || json_want_array(j, o, "holds", true, &holds) ||
	    json_want_array(j, o, "supersedes", true, &ends) || parse_holds(j, holds, v))
		return j->error;
	v->ends = arena_alloc(v->entity.arena, (count(ends) + 1) * sizeof(*v->ends));
	for (e = ends->child; e; e = e->next, v->ends_n++)
		if (json_want_object(j, e) || json_known(j, e, end_keys) ||
		    model_want_id128(j, e, "serial", &v->ends[v->ends_n].serial) ||
		    model_want_time(j, e, "until", &v->ends[v->ends_n].until))
			return j->error;
	return 0;
}
