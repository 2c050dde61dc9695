/*
 * Renderer of firewall/nftables.conf: the whole table, from every enabled
 * gateway of every enabled user.  Which packets pass is said by
 * templates/nftables.conf; here is only which gateway goes into which set.
 */
#include <string.h>

#include "render/render_int.h"

static const struct network *network_of(const struct lines *l)
{
	return model_network(l->r->model);
}

static const char *print_prefix(const struct lines *l, struct ip_prefix p)
{
	return ip_print_prefix(&p, arena_alloc(l->arena, IP_TEXT));
}

static const char *print_mask(struct arena *a, const struct network *n)
{
	struct in6_addr mask = ip_mask(n->prefix.len + n->user_bits + n->gateway_bits);

	return ip_print_addr(&mask, arena_alloc(a, IP_TEXT));
}

/* An element is keyed by the first address of a gateway's prefix: what any address in it is, masked. */
static struct json *add_element(const struct lines *l, const struct gateway *g)
{
	struct ip_prefix p = model_gateway_prefix(network_of(l), g->user, g->id);
	struct json *element = json_add(l->list, NULL, json_object(l->arena));
	char text[IP_TEXT];

	json_add_string(l->arena, element, "prefix", ip_print_addr(&p.addr, text));
	return element;
}

void firewall_gateway(const struct lines *l, const struct entity *e)
{
	const struct gateway *g = (const struct gateway *)e;

	if (touched_is_on(l->r->model, g))
		add_element(l, g);
}

void firewall_inbound(const struct lines *l, const struct entity *e)
{
	const struct gateway *g = (const struct gateway *)e;

	if (g->inbound == INBOUND_ALLOW && touched_is_on(l->r->model, g))
		add_element(l, g);
}

/* Does a gateway have openings of its own? With inbound: allow they change nothing. */
static bool has_openings(const struct lines *l, const struct gateway *g)
{
	return g->allow_n && g->inbound == INBOUND_DENY && touched_is_on(l->r->model, g);
}

/* An opening that is an element of a set: one port of the whole prefix, to anybody. */
static bool is_simple(const struct allow *a)
{
	return a->from == FROM_ANY && !a->has_to && a->port_low == a->port_high;
}

static void add_ports(const struct lines *l, const struct gateway *g, const char *proto)
{
	size_t i;

	for (i = 0; i < g->allow_n && has_openings(l, g); i++)
		if (is_simple(&g->allow[i]) && !strcmp(g->allow[i].proto, proto))
			json_add_int(l->arena, add_element(l, g), "port", g->allow[i].port_low);
}

void firewall_open_tcp(const struct lines *l, const struct entity *e)
{
	add_ports(l, (const struct gateway *)e, "tcp");
}

void firewall_open_udp(const struct lines *l, const struct entity *e)
{
	add_ports(l, (const struct gateway *)e, "udp");
}

/* The part of a prefix that an entry opens: an address, or a network of the gateway. */
static const char *print_target(const struct lines *l, const struct gateway *g, const struct allow *a)
{
	struct ip_prefix p = model_gateway_prefix(network_of(l), g->user, g->id);
	struct in6_addr host;

	if (!a->has_to)
		return "";
	p = ip_extend(&p, network_of(l)->network_bits, a->to_network);
	if (a->to_whole_network)
		return print_prefix(l, p);
	host = ip_host(&p, a->to_iid);
	return ip_print_addr(&host, arena_alloc(l->arena, IP_TEXT));
}

/* One rule of a gateway's own chain; a source that no longer exists opens nothing. */
static void add_rule(
    const struct lines *l, struct json *rules, const struct gateway *g, const struct allow *a)
{
	const struct user *u = a->from == FROM_USER ? model_user_by_name(l->r->model, a->from_user) : NULL;
	bool has_from = u || (a->from == FROM_PREFIX && a->from_prefix.len);
	const char *from = "";
	struct json *rule;

	if (a->from == FROM_USER && !u)
		return;
	if (has_from)
		from = print_prefix(l, u ? model_user_prefix(network_of(l), u->id) : a->from_prefix);
	rule = json_add(rules, NULL, json_object(l->arena));
	json_add_bool(l->arena, rule, "vpn", a->from == FROM_VPN || a->from == FROM_USER);
	json_add_string(l->arena, rule, "from", from);
	json_add_string(l->arena, rule, "to", print_target(l, g, a));
	json_add_string(l->arena, rule, "proto", a->proto);
	json_add_string(l->arena, rule, "ports",
	    a->port_low == a->port_high ? arena_printf(l->arena, "%u", a->port_low)
					: arena_printf(l->arena, "%u-%u", a->port_low, a->port_high));
}

static struct json *special_rules(const struct lines *l, const struct gateway *g)
{
	struct json *rules = json_array(l->arena);
	size_t i;

	for (i = 0; i < g->allow_n && has_openings(l, g); i++)
		if (!is_simple(&g->allow[i]))
			add_rule(l, rules, g, &g->allow[i]);
	return rules;
}

static struct json *add_special(const struct lines *l, const struct gateway *g)
{
	struct json *special = add_element(l, g);
	char user[9], id[9];

	model_print_user_id(network_of(l), g->user, user);
	model_print_gateway_id(network_of(l), g->id, id);
	json_add_string(l->arena, special, "chain", arena_printf(l->arena, "gateway_%s_%s", user, id));
	return special;
}

void firewall_special(const struct lines *l, const struct entity *e)
{
	const struct gateway *g = (const struct gateway *)e;

	if (special_rules(l, g)->child)
		add_special(l, g);
}

void firewall_chain(const struct lines *l, const struct entity *e)
{
	const struct gateway *g = (const struct gateway *)e;
	struct json *rules = special_rules(l, g), *chain;

	if (!rules->child)
		return;
	chain = add_special(l, g);
	json_add_string(l->arena, chain, "name", g->name);
	json_add_string(l->arena, chain, "mask", print_mask(l->arena, network_of(l)));
	json_add(chain, "rules", rules);
}

int render_firewall(const struct render_job *r)
{
	struct json *values = json_object(r->job->arena);

	json_add_string(r->job->arena, values, "mask", print_mask(r->job->arena, model_network(r->model)));
	return listing_output(r, LISTING_GATEWAYS, LISTING_SPECIAL, values);
}
