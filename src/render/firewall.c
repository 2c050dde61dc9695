/*
 * Renderer of firewall/nftables.conf: the whole table, from every enabled
 * gateway of every enabled user.  Which packets pass is said by
 * templates/nftables.conf; here is only which gateway goes into which set.
 */
#include <string.h>

#include "render/render_int.h"

/* The lists of the template; each is an array of objects. */
struct firewall {
	struct arena *arena;
	const struct model *model;
	const struct network *network;
	struct json *gateways, *inbound, *open_tcp, *open_udp, *special;
};

static const char *firewall_prefix(struct firewall *f, struct ip_prefix p)
{
	return ip_print_prefix(&p, arena_alloc(f->arena, IP_TEXT));
}

/* The first address of a gateway's prefix: what any address in it is, masked. */
static const char *firewall_key(struct firewall *f, const struct gateway *g)
{
	struct ip_prefix p = model_gateway_prefix(f->network, g->user, g->id);

	return ip_print_addr(&p.addr, arena_alloc(f->arena, IP_TEXT));
}

static struct json *firewall_add(struct firewall *f, struct json *list, const char *key)
{
	struct json *element = json_add(list, NULL, json_object(f->arena));

	json_add_string(f->arena, element, "prefix", key);
	return element;
}

/* An opening that is an element of a set: one port of the whole prefix, to anybody. */
static bool firewall_is_simple(const struct allow *a)
{
	return a->from == FROM_ANY && !a->has_to && a->port_low == a->port_high;
}

/* The part of a prefix that an entry opens: an address, or a network of the gateway. */
static const char *firewall_target(struct firewall *f, const struct gateway *g, const struct allow *a)
{
	struct ip_prefix p = model_gateway_prefix(f->network, g->user, g->id);
	struct in6_addr host;

	p = ip_extend(&p, f->network->network_bits, a->to_network);
	if (a->to_whole_network)
		return firewall_prefix(f, p);
	host = ip_host(&p, a->to_iid);
	return ip_print_addr(&host, arena_alloc(f->arena, IP_TEXT));
}

/* One rule of a gateway's own chain; a source that no longer exists opens nothing. */
static void firewall_add_rule(
    struct firewall *f, struct json *rules, const struct gateway *g, const struct allow *a)
{
	const struct user *u = a->from == FROM_USER ? model_user_by_name(f->model, a->from_user) : NULL;
	bool has_from = u || (a->from == FROM_PREFIX && a->from_prefix.len);
	const char *from = "";
	struct json *rule;

	if (a->from == FROM_USER && !u)
		return;
	if (has_from)
		from = firewall_prefix(f, u ? model_user_prefix(f->network, u->id) : a->from_prefix);
	rule = json_add(rules, NULL, json_object(f->arena));
	json_add_bool(f->arena, rule, "vpn", a->from == FROM_VPN || a->from == FROM_USER);
	json_add_string(f->arena, rule, "from", from);
	json_add_string(f->arena, rule, "to", a->has_to ? firewall_target(f, g, a) : "");
	json_add_string(f->arena, rule, "proto", a->proto);
	json_add_string(f->arena, rule, "ports",
	    a->port_low == a->port_high ? arena_printf(f->arena, "%u", a->port_low)
					: arena_printf(f->arena, "%u-%u", a->port_low, a->port_high));
}

static void firewall_add_chain(
    struct firewall *f, const struct gateway *g, const char *key, struct json *rules)
{
	char user[9], id[9];
	struct json *chain = firewall_add(f, f->special, key);

	model_print_user_id(f->network, g->user, user);
	model_print_gateway_id(f->network, g->id, id);
	json_add_string(f->arena, chain, "name", g->name);
	json_add_string(f->arena, chain, "chain", arena_printf(f->arena, "gateway_%s_%s", user, id));
	json_add(chain, "rules", rules);
}

static void firewall_add_gateway(struct firewall *f, const struct gateway *g)
{
	struct json *rules = json_array(f->arena);
	const char *key = firewall_key(f, g);

	firewall_add(f, f->gateways, key);
	if (g->inbound == INBOUND_ALLOW) {
		firewall_add(f, f->inbound, key);
		return;
	}
	for (size_t i = 0; i < g->allow_n; i++) {
		const struct allow *a = &g->allow[i];

		if (firewall_is_simple(a))
			json_add_int(f->arena,
			    firewall_add(f, strcmp(a->proto, "tcp") ? f->open_udp : f->open_tcp, key), "port",
			    a->port_low);
		else
			firewall_add_rule(f, rules, g, a);
	}
	if (rules->child)
		firewall_add_chain(f, g, key, rules);
}

/* A list, and whether there is anything in it: nft refuses empty braces. */
static struct json *firewall_list(struct arena *a, struct json *values, const char *name)
{
	return json_add(values, name, json_array(a));
}

static void firewall_flag(struct arena *a, struct json *values, const char *flag, const struct json *list)
{
	json_add_bool(a, values, flag, list->child != NULL);
}

static struct json *firewall_values(struct firewall *f, const struct gateway *const *g)
{
	const struct network *n = f->network;
	struct in6_addr mask = ip_mask(n->prefix.len + n->user_bits + n->gateway_bits);
	struct json *values = json_object(f->arena);

	json_add_string(f->arena, values, "mask", ip_print_addr(&mask, arena_alloc(f->arena, IP_TEXT)));
	f->gateways = firewall_list(f->arena, values, "gateways");
	f->inbound = firewall_list(f->arena, values, "inbound");
	f->open_tcp = firewall_list(f->arena, values, "open_tcp");
	f->open_udp = firewall_list(f->arena, values, "open_udp");
	f->special = firewall_list(f->arena, values, "special");
	for (; *g; g++)
		firewall_add_gateway(f, *g);
	firewall_flag(f->arena, values, "has_gateways", f->gateways);
	firewall_flag(f->arena, values, "has_inbound", f->inbound);
	firewall_flag(f->arena, values, "has_open_tcp", f->open_tcp);
	firewall_flag(f->arena, values, "has_open_udp", f->open_udp);
	firewall_flag(f->arena, values, "has_special", f->special);
	return values;
}

int render_firewall(const struct render_job *r)
{
	struct firewall f = { .arena = r->job->arena, .model = r->model, .network = model_network(r->model) };
	struct buf text;

	/* One file for the whole network: written where anything that it is made of moved. */
	buf_open(&text, f.arena);
	if (template_expand(r->job, "nftables.conf", firewall_values(&f, r->on), &text))
		return r->job->error;
	output_write(r->output, "firewall/nftables.conf", text.data, text.len, 0);
	return 0;
}
