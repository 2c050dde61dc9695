/* Structs to canonical JSON: the same entity is always the same bytes. */
#include <assert.h>

#include "base/json.h"
#include "base/time.h"
#include "model/access.h"

static void add_time(struct arena *a, struct json *o, const char *key, int64_t t)
{
	char text[TIME_TEXT];

	json_add_string(a, o, key, time_print(t, text));
}

/* In the largest unit that tells it exactly. */
static void add_duration(struct arena *a, struct json *o, const char *key, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (seconds % units[i].seconds)
		i++;
	json_add_string(
	    a, o, key, arena_printf(a, "%lld%c", (long long)(seconds / units[i].seconds), units[i].letter));
}

static struct json *user_ids(struct arena *a, const struct network *v, const uint32_t *ids, size_t n)
{
	struct json *list = json_array(a);
	char hex[9];
	size_t i;

	for (i = 0; i < n; i++) {
		model_print_user_id(v, ids[i], hex);
		json_add_string(a, list, NULL, hex);
	}
	return list;
}

void model_encode_network(struct buf *b, const struct network *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a), *part;
	char text[IP_TEXT];

	json_add_string(a, o, "name", v->name);
	json_add_string(a, o, "prefix", ip_print_prefix(&v->prefix, text));
	json_add_string(a, o, "master_key", v->master_key);
	part = json_add(o, "widths", json_object(a));
	json_add_int(a, part, "user", v->user_bits);
	json_add_int(a, part, "gateway", v->gateway_bits);
	json_add_int(a, part, "network", v->network_bits);
	part = json_add(o, "reserved", json_object(a));
	json_add(part, "never", user_ids(a, v, v->never, v->never_n));
	json_add(part, "on_request", user_ids(a, v, v->on_request, v->on_request_n));
	part = json_add(o, "policy", json_object(a));
	add_duration(a, part, "validity", v->policy.validity);
	add_duration(a, part, "renewal", v->policy.renewal);
	add_duration(a, part, "overlap", v->policy.overlap);
	add_duration(a, part, "crl", v->policy.crl);
	add_duration(a, part, "server", v->policy.server_validity);
	json_add_int(a, part, "max_clients", v->policy.max_clients);
	part = json_add(o, "defaults", json_object(a));
	json_add_string(a, part, "inbound", model_inbound_word(v->inbound));
	json_add_string(a, part, "routes", model_routes_word(v->routes));
	json_print_canonical(b, o);
}

void model_encode_server(struct buf *b, const struct server *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a), *list;
	size_t i;

	json_add_string(a, o, "name", v->name);
	json_add_string(a, o, "device", v->device.hex);
	json_add_int(a, o, "port", v->port);
	json_add_string(a, o, "proto", v->proto);
	json_add_string(a, o, "tls_version_min", v->tls_version_min);
	add_time(a, o, "created", v->created);
	list = json_add(o, "endpoints", json_array(a));
	for (i = 0; i < v->endpoints_n; i++) {
		const struct endpoint *e = &v->endpoints[i];
		struct in6_addr ip;

		json_add_string(a, list, NULL,
		    arena_printf(a, ip_parse_addr(e->host, &ip) ? "[%s]:%u" : "%s:%u", e->host, e->port));
	}
	list = json_add(o, "extra", json_array(a));
	for (i = 0; i < v->extra_n; i++)
		json_add_string(a, list, NULL, v->extra[i]);
	list = json_add(o, "dns", json_array(a));
	for (i = 0; i < v->dns_n; i++)
		json_add_string(a, list, NULL, v->dns[i]);
	json_add_string(a, o, "restart", v->restarts ? "auto" : "manual");
	json_print_canonical(b, o);
}

void model_encode_user(struct buf *b, const struct user *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a);

	json_add_string(a, o, "name", v->name);
	add_time(a, o, "created", v->created);
	json_add_bool(a, o, "enabled", v->enabled);
	json_print_canonical(b, o);
}

void model_encode_gateway(struct buf *b, const struct gateway *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a);

	json_add_string(a, o, "name", v->name);
	json_add_string(a, o, "device", v->device.hex);
	add_time(a, o, "created", v->created);
	json_add_bool(a, o, "enabled", v->enabled);
	json_add_string(a, o, "inbound", model_inbound_word(v->inbound));
	json_add_string(a, o, "routes", model_routes_word(v->routes));
	json_add(o, "allow", model_allow_json(a, v->allow, v->allow_n));
	json_print_canonical(b, o);
}

void model_encode_certificate(struct buf *b, const struct certificate *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a);

	json_add_string(a, o, "kind", model_kind_word(v->kind));
	json_add_string(a, o, "name", v->name);
	json_add_string(a, o, "device", v->device.hex);
	json_add_string(a, o, "key", "derived");
	json_add_int(a, o, "generation", v->generation);
	add_time(a, o, "not_before", v->not_before);
	add_time(a, o, "not_after", v->not_after);
	json_add_string(a, o, "pem", model_certificate_pem(a, v));
	json_print_canonical(b, o);
}

void model_encode_supersession(struct buf *b, const struct supersession *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "until", v->until);
	json_print_canonical(b, o);
}

void model_encode_revocation(struct buf *b, const struct revocation *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "at", v->at);
	json_add_string(b->arena, o, "reason", model_reason_word(v->reason));
	json_add_string(b->arena, o, "by", v->by);
	json_print_canonical(b, o);
}

void model_encode_adoption(struct buf *b, const struct adoption *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "at", v->at);
	json_add_string(b->arena, o, "by", v->by);
	json_print_canonical(b, o);
}

void model_encode_pending(struct buf *b, const struct pending *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a), *list, *e;
	size_t i;

	add_time(a, o, "at", v->at);
	add_time(a, o, "deadline", v->deadline);
	list = json_add(o, "holds", json_array(a));
	for (i = 0; i < v->holds_n; i++) {
		e = json_add(list, NULL, json_object(a));
		json_add_string(a, e, "serial", v->holds[i].serial.hex);
		json_add_string(a, e, "reason", model_reason_word(v->holds[i].reason));
	}
	list = json_add(o, "supersedes", json_array(a));
	for (i = 0; i < v->ends_n; i++) {
		e = json_add(list, NULL, json_object(a));
		json_add_string(a, e, "serial", v->ends[i].serial.hex);
		add_time(a, e, "until", v->ends[i].until);
	}
	json_print_canonical(b, o);
}

void model_encode_id(struct buf *b, const struct id_record *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "given", v->given);
	json_print_canonical(b, o);
}

void model_encode_release(struct buf *b, const struct id_release *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "at", v->at);
	json_add_string(b->arena, o, "user", v->user_name);
	json_add_string(b->arena, o, "gateway", v->gateway_name);
	json_print_canonical(b, o);
}

void model_encode_token(struct buf *b, const struct network *n, const struct token *v)
{
	struct arena *a = b->arena;
	struct json *o = json_object(a), *part;
	char id[9];

	add_time(a, o, "created", v->created);
	json_add_string(a, o, "digest", v->digest);
	json_add_string(a, o, "role", model_role_word(v->role));
	if (v->expires)
		add_time(a, o, "expires", v->expires);
	if (v->has_user) {
		model_print_user_id(n, v->user, id);
		part = json_add(o, "user", json_object(a));
		add_time(a, part, "created", v->user_created);
		json_add_string(a, part, "id", id);
		json_add_string(a, part, "name", v->user_name);
	}
	if (v->has_gateway) {
		part = json_add(o, "gateway", json_object(a));
		json_add_string(a, part, "device", v->device.hex);
		json_add_string(a, part, "name", v->gateway_name);
	}
	json_print_canonical(b, o);
}

void model_encode_token_removal(struct buf *b, const struct token_removal *v)
{
	struct json *o = json_object(b->arena);

	add_time(b->arena, o, "at", v->at);
	json_add_string(b->arena, o, "by", v->by);
	json_add_string(b->arena, o, "name", v->name);
	json_print_canonical(b, o);
}

void model_encode_signer(struct buf *b, const struct signer *v)
{
	struct json *o = json_object(b->arena);

	json_add_string(b->arena, o, "key", v->key);
	json_add_string(b->arena, o, "name", v->name);
	json_print_canonical(b, o);
}

bool model_is_ledger(enum entity_kind k)
{
	return k == ENTITY_CERTIFICATE || k == ENTITY_SUPERSESSION || k == ENTITY_REVOCATION ||
	    k == ENTITY_ID || k == ENTITY_RELEASE || k == ENTITY_ADOPTION || k == ENTITY_TOKEN_REMOVAL;
}

void model_encode_ledger(struct buf *b, const struct entity *e)
{
	switch (e->kind) {
	case ENTITY_CERTIFICATE:
		model_encode_certificate(b, (const struct certificate *)e);
		return;
	case ENTITY_SUPERSESSION:
		model_encode_supersession(b, (const struct supersession *)e);
		return;
	case ENTITY_REVOCATION:
		model_encode_revocation(b, (const struct revocation *)e);
		return;
	case ENTITY_ID:
		model_encode_id(b, (const struct id_record *)e);
		return;
	case ENTITY_RELEASE:
		model_encode_release(b, (const struct id_release *)e);
		return;
	case ENTITY_ADOPTION:
		model_encode_adoption(b, (const struct adoption *)e);
		return;
	case ENTITY_TOKEN_REMOVAL:
		model_encode_token_removal(b, (const struct token_removal *)e);
		return;
	default:
		assert(!"of the ledger");
	}
}
