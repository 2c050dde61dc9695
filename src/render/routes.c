/*
 * Renderer of ip/routes: one static route a line, in the order of addresses,
 * in the form that `ip -6 route add $line` takes.  What no gateway has is
 * unreachable: it must not follow the host's default route.
 */
#include "render/render_int.h"

int render_routes(const struct render_job *r)
{
	const struct network *n = model_network(r->model);
	const struct gateway *const *g;
	struct arena *a = r->job->arena;
	struct json *values = json_object(a), *list;

	json_add_string(a, values, "prefix", ip_print_prefix(&n->prefix, arena_alloc(a, IP_TEXT)));
	list = json_add(values, "gateways", json_array(a));
	for (g = r->on; *g; g++) {
		struct ip_prefix p = model_gateway_prefix(n, (*g)->user, (*g)->id);

		json_add_string(a, json_add(list, NULL, json_object(a)), "prefix",
		    ip_print_prefix(&p, arena_alloc(a, IP_TEXT)));
	}
	return template_output(r, "routes", values, "ip/routes", 0);
}
