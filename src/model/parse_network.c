/* network.json and servers/main.json: the address plan, policies, OpenVPN's server. */
#include <string.h>

#include "model/model_int.h"

enum { DNS_MAX = 4 };

static int parse_widths(struct job *j, const struct json *o, struct network *v)
{
	static const char *const keys[] = { "gateway", "network", "user", NULL };
	const struct json *w = json_get(o, "widths");
	int64_t user, gateway, network;

	if (json_want_object(j, w) || json_known(j, w, keys) || json_want_int(j, w, "user", true, &user) ||
	    json_want_int(j, w, "gateway", true, &gateway) || json_want_int(j, w, "network", true, &network))
		return j->error;
	if (v->prefix.len % 4 || user % 4 || gateway % 4 || network % 4)
		return job_fail_field(j, "widths",
		    "prefix length and widths must be multiples of 4, so that an "
		    "address reads digit by digit");
	if (user < 4 || user > 24 || gateway < 4 || gateway > 8 || network < 4 || network > 16)
		return job_fail_field(
		    j, "widths", "user must be 4 to 24 bits, gateway 4 or 8, network 4 to 16");
	if (user + gateway + network != 64 - (int64_t)v->prefix.len)
		return job_fail_field(j, "widths", "the sum must be %d, which is 64 minus the prefix length",
		    64 - (int)v->prefix.len);
	v->user_bits = (unsigned)user;
	v->gateway_bits = (unsigned)gateway;
	v->network_bits = (unsigned)network;
	return 0;
}

struct ids {
	uint32_t *list;
	size_t n;
};

static int parse_user_ids(
    struct job *j, const struct json *o, const char *key, const struct network *v, struct ids *out)
{
	const struct json *list, *e;
	size_t n = 0;

	if (json_want_array(j, o, key, true, &list))
		return j->error;
	for (e = list->child; e; e = e->next)
		n++;
	out->list = arena_alloc(v->entity.arena, (n + 1) * sizeof(*out->list));
	for (e = list->child; e; e = e->next)
		if (e->type != JSON_STRING || !model_parse_user_id(v, e->string, &out->list[out->n++]))
			return job_fail_field(j, key, "user ids of %u hex digits, please", v->user_bits / 4);
	return 0;
}

static int parse_reserved(struct job *j, const struct json *o, struct network *v)
{
	static const char *const keys[] = { "never", "on_request", NULL };
	const struct json *r = json_get(o, "reserved");
	struct ids never = { 0 }, on_request = { 0 };
	size_t i;

	if (json_want_object(j, r) || json_known(j, r, keys) || parse_user_ids(j, r, "never", v, &never) ||
	    parse_user_ids(j, r, "on_request", v, &on_request))
		return j->error;
	v->never = never.list;
	v->never_n = never.n;
	v->on_request = on_request.list;
	v->on_request_n = on_request.n;
	for (i = 0; i < v->never_n; i++)
		if (v->never[i] == 0)
			return 0;
	return job_fail_field(j, "reserved", "user 0 is the server's own and must be in never");
}

static int parse_policy(struct job *j, const struct json *o, struct policy *p)
{
	static const char *const keys[] = { "crl", "max_clients", "overlap", "renewal", "server", "validity",
		NULL };
	const struct json *v = json_get(o, "policy");

	if (json_want_object(j, v) || json_known(j, v, keys) ||
	    model_want_duration(j, v, "validity", &p->validity) ||
	    model_want_duration(j, v, "renewal", &p->renewal) ||
	    model_want_duration(j, v, "overlap", &p->overlap) || model_want_duration(j, v, "crl", &p->crl) ||
	    model_want_duration(j, v, "server", &p->server_validity) ||
	    json_want_int(j, v, "max_clients", true, &p->max_clients))
		return j->error;
	if (p->max_clients < 1 || p->max_clients > 16777214)
		return job_fail_field(j, "max_clients", "not in 1..16777214, OpenVPN's bounds");
	return 0;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

int model_parse_network(struct job *j, const struct json *o, struct network *v)
{
	static const char *const keys[] = { "defaults", "master_key", "name", "policy", "prefix", "reserved",
		"widths", NULL };
	static const char *const inbound_words[] = { "deny", "allow", NULL },
				 *const routes_words[] = { "prefix", "internet", NULL };
	const struct json *defaults = json_get(o, "defaults");
	unsigned inbound, routes;
	const char *prefix;

	if (json_known(j, o, keys) || model_want_copy(j, v->entity.arena, o, "name", &v->name) ||
	    model_want_copy(j, v->entity.arena, o, "master_key", &v->master_key) ||
	    json_want_string(j, o, "prefix", true, &prefix) || json_want_object(j, defaults) ||
	    model_want_word(j, defaults, "inbound", inbound_words, &inbound) ||
	    model_want_word(j, defaults, "routes", routes_words, &routes))
		return j->error;
	v->inbound = (enum inbound)inbound;
	v->routes = (enum routes)routes;
	if (!ip_parse_prefix(prefix, &v->prefix) || v->prefix.len < 16 || v->prefix.len > 52)
		return job_fail_field(j, "prefix",
		    "not an IPv6 prefix like 2001:db8::/48, of 16 to 52 bits and with "
		    "no bit set behind its length");
	if (!*v->name || strlen(v->name) > 50 || has_control(v->name))
		return job_fail_field(j, "name", "1 to 50 bytes without control characters, please");
	if (parse_widths(j, o, v) || parse_reserved(j, o, v))
		return j->error;
	return parse_policy(j, o, &v->policy);
}

/* "vpn.example.org:1194", "[2001:db8::1]:1194". */
static bool parse_endpoint(struct arena *a, const char *s, struct endpoint *out)
{
	const char *colon = strrchr(s, ':'), *p;
	struct in6_addr ip;
	unsigned port = 0;

	if (!colon || !colon[1] || strlen(colon + 1) > 5)
		return false;
	for (p = colon + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		port = port * 10 + (unsigned)(*p - '0');
	}
	if (s[0] == '[' && colon[-1] == ']') {
		out->host = arena_strndup(a, s + 1, (size_t)(colon - s) - 2);
		if (!ip_parse_addr(out->host, &ip))
			return false;
	} else {
		out->host = arena_strndup(a, s, (size_t)(colon - s));
		if (!model_is_gateway_name(out->host))
			return false;
	}
	out->port = port;
	return port >= 1 && port <= 65535;
}

static int parse_endpoints(struct job *j, const struct json *o, struct server *v)
{
	const struct json *list, *e;
	size_t n = 0;

	if (json_want_array(j, o, "endpoints", true, &list))
		return j->error;
	for (e = list->child; e; e = e->next)
		n++;
	if (n < 1 || n > 16)
		return job_fail_field(j, "endpoints", "1 to 16 of them, please");
	v->endpoints = arena_alloc(v->entity.arena, n * sizeof(*v->endpoints));
	for (e = list->child; e; e = e->next)
		if (e->type != JSON_STRING ||
		    !parse_endpoint(v->entity.arena, e->string, &v->endpoints[v->endpoints_n++]))
			return job_fail_field(
			    j, "endpoints", "not like vpn.example.org:1194 or [2001:db8::1]:1194");
	return 0;
}

/*
 * Directives that change neither who may connect nor what runs on the server:
 * no script, no file, no plugin, no other key or CA.
 */
static bool is_allowed_directive(const char *s)
{
	static const char *const allowed[] = { "connect-freq", "fast-io", "float", "keepalive", "mssfix",
		"mute", "push \"block-outside-dns\"", "push \"dhcp-option ", "push \"route-ipv6 ", "rcvbuf",
		"reneg-bytes", "sndbuf", "socket-flags", "tcp-nodelay", "tun-mtu", "txqueuelen", "verb" };
	size_t i, len;
	const char *p;

	for (p = s; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '\\')
			return false;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		len = strlen(allowed[i]);
		if (strncmp(s, allowed[i], len) == 0 && (!s[len] || s[len] == ' ' || s[len - 1] == ' '))
			return strlen(s) <= 200;
	}
	return false;
}

static int parse_dns(struct job *j, const struct json *o, struct server *v)
{
	const struct json *list = NULL, *e;
	struct in6_addr ip;
	size_t n = 0;

	if (json_want_array(j, o, "dns", false, &list) || !list)
		return j->error;
	for (e = list->child; e; e = e->next)
		n++;
	if (n > DNS_MAX)
		return job_fail_field(j, "dns", "at most %d of them, please", DNS_MAX);
	v->dns = arena_alloc(v->entity.arena, (n + 1) * sizeof(*v->dns));
	for (e = list->child; e; e = e->next) {
		if (e->type != JSON_STRING || !ip_parse_addr(e->string, &ip))
			return job_fail_field(j, "dns", "not IPv6 addresses like 2001:db8::53");
		v->dns[v->dns_n++] = arena_strdup(v->entity.arena, e->string);
	}
	return 0;
}

/* Settings of later versions than the first: a state without them is as good as ever. */
static int parse_later(struct job *j, const struct json *o, struct server *v)
{
	static const char *const restarts[] = { "manual", "auto", NULL };
	unsigned restart = 0;

	if (json_get(o, "restart") && model_want_word(j, o, "restart", restarts, &restart))
		return j->error;
	v->restarts = restart == 1;
	return parse_dns(j, o, v);
}

static int parse_extra(struct job *j, const struct json *o, struct server *v)
{
	const struct json *list, *e;
	size_t n = 0;

	if (json_want_array(j, o, "extra", true, &list))
		return j->error;
	for (e = list->child; e; e = e->next)
		n++;
	v->extra = arena_alloc(v->entity.arena, (n + 1) * sizeof(*v->extra));
	for (e = list->child; e; e = e->next) {
		if (e->type != JSON_STRING || !is_allowed_directive(e->string))
			return job_fail_field(j, "extra",
			    "only OpenVPN directives that open no door: connect-freq, fast-io, "
			    "float, keepalive, mssfix, mute, push of dhcp-option or route-ipv6, buffers, tun-mtu, verb");
		v->extra[v->extra_n++] = arena_strdup(v->entity.arena, e->string);
	}
	return 0;
}

int model_parse_server(struct job *j, const struct json *o, struct server *v)
{
	static const char *const keys[] = { "created", "device", "dns", "endpoints", "extra", "name", "port",
		"proto", "restart", "tls_version_min", NULL };
	static const char *const protos[] = { "udp6", "tcp6-server", NULL },
				 *const versions[] = { "1.2", "1.3", NULL };
	unsigned proto, version;
	int64_t port;

	if (json_known(j, o, keys) || model_want_copy(j, v->entity.arena, o, "name", &v->name) ||
	    model_want_time(j, o, "created", &v->created) || model_want_id128(j, o, "device", &v->device) ||
	    json_want_int(j, o, "port", true, &port) || model_want_word(j, o, "proto", protos, &proto) ||
	    model_want_word(j, o, "tls_version_min", versions, &version))
		return j->error;
	v->proto = protos[proto];
	v->tls_version_min = versions[version];
	if (!model_is_gateway_name(v->name))
		return job_fail_field(j, "name", "not a host name of at most 64 characters");
	if (port < 1 || port > 65535)
		return job_fail_field(j, "port", "not in 1..65535");
	v->port = (unsigned)port;
	return parse_endpoints(j, o, v) || parse_extra(j, o, v) ? j->error : parse_later(j, o, v);
}
