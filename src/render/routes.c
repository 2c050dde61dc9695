/*
 * Renderer of ip/routes: one static route a line, in the order of addresses,
 * in the form that `ip -6 route add $line` takes.  What no gateway has is
 * unreachable: it must not follow the host's default route.
 */
#include "render/render_int.h"

void routes_lines(const struct lines *l, const struct entity *e)
{
	const struct gateway *g = (const struct gateway *)e;
	struct ip_prefix p = model_gateway_prefix(model_network(l->r->model), g->user, g->id);
	char text[IP_TEXT];

	if (touched_is_on(l->r->model, g))
		json_add_string(l->arena, json_add(l->list, NULL, json_object(l->arena)), "prefix",
		    ip_print_prefix(&p, text));
}

int render_routes(const struct render_job *r)
{
	struct json *values = json_object(r->job->arena);
	char text[IP_TEXT];

	json_add_string(
	    r->job->arena, values, "prefix", ip_print_prefix(&model_network(r->model)->prefix, text));
	return listing_output(r, LISTING_ROUTES, LISTING_ROUTES, values);
}
