/*
 * Renderer of ip/routes: one static route a line, in the order of addresses,
 * in the form that `ip -6 route add $line` takes.  What no gateway has is
 * unreachable: it must not follow the host's default route.
 */
#include "render/render_int.h"

int render_routes(const struct render_job *r)
{
	/* The path of a gateway's file is its address, digit by digit: one order for both. */
	const struct entity **e = model_all(r->job->arena, r->model, ENTITY_GATEWAY);
	const struct network *n = model_network(r->model);
	struct arena *a = r->job->arena;
	struct json *values = json_object(a), *list;

	json_add_string(a, values, "prefix", ip_print_prefix(&n->prefix, arena_alloc(a, IP_TEXT)));
	list = json_add(values, "gateways", json_array(a));
	for (; *e; e++) {
		const struct gateway *g = (const struct gateway *)*e;
		struct ip_prefix p = model_gateway_prefix(n, g->user, g->id);

		if (touched_is_on(r->model, g))
			json_add_string(a, json_add(list, NULL, json_object(a)), "prefix",
			    ip_print_prefix(&p, arena_alloc(a, IP_TEXT)));
	}
	return template_output(r, "routes", values, "ip/routes", 0);
}
