/*
 * `allow` of a gateway: "tcp/22", or an object that says where to and where
 * from.  One parser and one printer for the API and the state file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

enum { ALLOW_MAX = 64 };

/* "22" or "5000-5010": decimal, no sign, no leading zero. */
static bool parse_ports(const char *s, unsigned *low, unsigned *high)
{
	unsigned *at = low;

	*low = *high = 0;
	for (;; s++) {
		if (*s >= '0' && *s <= '9' && *at <= 65535 && !(*at == 0 && *s == '0')) {
			*at = *at * 10 + (unsigned)(*s - '0');
		} else if (*s == '-' && at == low && *low) {
			at = high;
		} else {
			break;
		}
	}
	if (at == low)
		*high = *low;
	return !*s && *low >= 1 && *low <= *high && *high <= 65535;
}

static bool parse_proto(const char *s, const char **out)
{
	*out = strcmp(s, "tcp") == 0 ? "tcp" : strcmp(s, "udp") == 0 ? "udp" : NULL;
	return *out != NULL;
}

/* "1::80": network 1, interface identifier ::80; "1::/64": the whole network 1. */
static bool parse_to(const struct network *n, const char *s, struct allow *out)
{
	struct ip_prefix p;
	struct in6_addr a;

	out->to_whole_network = strchr(s, '/') != NULL;
	if (out->to_whole_network) {
		if (!ip_parse_prefix(s, &p) || p.len != 64)
			return false;
		a = p.addr;
	} else if (!ip_parse_addr(s, &a)) {
		return false;
	}
	if (ip_slice(&a, 16, 48) != 0 || ip_slice(&a, 0, 16) >> n->network_bits)
		return false;
	out->has_to = true;
	out->to_network = (uint32_t)ip_slice(&a, 0, 16);
	out->to_iid = ip_slice(&a, 64, 64);
	return true;
}

static bool parse_from(struct arena *a, const char *s, struct allow *out)
{
	if (strcmp(s, "any") == 0) {
		out->from = FROM_ANY;
	} else if (strcmp(s, "vpn") == 0) {
		out->from = FROM_VPN;
	} else if (strncmp(s, "user:", 5) == 0) {
		out->from = FROM_USER;
		out->from_user = arena_strdup(a, s + 5);
		return model_is_user_name(out->from_user);
	} else {
		out->from = FROM_PREFIX;
		return ip_parse_prefix(s, &out->from_prefix);
	}
	return true;
}

static int parse_text(struct job *j, const char *s, struct allow *out)
{
	const char *slash = strchr(s, '/');

	if (!slash || !parse_proto(arena_strndup(j->arena, s, (size_t)(slash - s)), &out->proto) ||
	    !parse_ports(slash + 1, &out->port_low, &out->port_high))
		return job_fail_field(j, "allow", "an entry is not like tcp/22 or udp/5000-5010");
	return 0;
}

static int parse_object(struct job *j, const struct network *n, const struct json *o, struct allow *out)
{
	static const char *const keys[] = { "from", "ports", "proto", "to", NULL };
	const char *proto, *ports, *to = NULL, *from = "any";

	if (json_known(j, o, keys) || json_want_string(j, o, "proto", true, &proto) ||
	    json_want_string(j, o, "ports", true, &ports) || json_want_string(j, o, "to", false, &to) ||
	    json_want_string(j, o, "from", false, &from))
		return j->error;
	if (!parse_proto(proto, &out->proto))
		return job_fail_field(j, "proto", "tcp or udp, please");
	if (!parse_ports(ports, &out->port_low, &out->port_high))
		return job_fail_field(j, "ports", "not like \"22\" or \"5000-5010\"");
	if (to && !parse_to(n, to, out))
		return job_fail_field(
		    j, "to", "not like 1::80 (network 1, host ::80) or 1::/64 (all of network 1)");
	if (!parse_from(j->arena, from, out))
		return job_fail_field(j, "from", "not any, vpn, user:NAME or a prefix like 2001:db8::/32");
	return 0;
}

int model_parse_allow(
    struct job *j, const struct network *n, const struct json *array, struct allow **out, size_t *out_n)
{
	const struct json *e;
	size_t count = 0;

	for (e = array->child; e; e = e->next)
		count++;
	if (count > ALLOW_MAX)
		return job_fail_field(j, "allow", "at most %d entries a gateway", ALLOW_MAX);
	*out = arena_alloc(j->arena, (count + 1) * sizeof(**out));
	*out_n = 0;
	for (e = array->child; e; e = e->next, (*out_n)++) {
		if (e->type == JSON_STRING && parse_text(j, e->string, &(*out)[*out_n]))
			return j->error;
		if (e->type == JSON_OBJECT && parse_object(j, n, e, &(*out)[*out_n]))
			return j->error;
		if (e->type != JSON_STRING && e->type != JSON_OBJECT)
			return job_fail_field(
			    j, "allow", "an entry is neither a string like tcp/22 nor an object");
	}
	return 0;
}

static const char *print_ports(struct arena *a, const struct allow *v)
{
	if (v->port_low == v->port_high)
		return arena_printf(a, "%u", v->port_low);
	return arena_printf(a, "%u-%u", v->port_low, v->port_high);
}

static const char *print_to(struct arena *a, const struct allow *v)
{
	char text[IP_TEXT];
	struct in6_addr addr = { 0 };
	unsigned i;

	if (v->to_whole_network)
		return arena_printf(a, "%x::/64", v->to_network);
	addr.s6_addr[0] = (uint8_t)(v->to_network >> 8);
	addr.s6_addr[1] = (uint8_t)v->to_network;
	for (i = 0; i < 8; i++)
		addr.s6_addr[15 - i] = (uint8_t)(v->to_iid >> (8 * i));
	return arena_strdup(a, ip_print_addr(&addr, text));
}

static const char *print_from(struct arena *a, const struct allow *v)
{
	char text[IP_TEXT];

	switch (v->from) {
	case FROM_VPN:
		return "vpn";
	case FROM_USER:
		return arena_printf(a, "user:%s", v->from_user);
	case FROM_PREFIX:
		return arena_strdup(a, ip_print_prefix(&v->from_prefix, text));
	default:
		return "any";
	}
}

/* The short form wherever it says everything. */
struct json *model_allow_json(struct arena *a, const struct allow *list, size_t n)
{
	struct json *array = json_array(a), *o;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct allow *v = &list[i];

		if (!v->has_to && v->from == FROM_ANY) {
			json_add_string(
			    a, array, NULL, arena_printf(a, "%s/%s", v->proto, print_ports(a, v)));
			continue;
		}
		o = json_add(array, NULL, json_object(a));
		json_add_string(a, o, "proto", v->proto);
		json_add_string(a, o, "ports", print_ports(a, v));
		if (v->has_to)
			json_add_string(a, o, "to", print_to(a, v));
		if (v->from != FROM_ANY)
			json_add_string(a, o, "from", print_from(a, v));
	}
	return array;
}
