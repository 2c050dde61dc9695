/*
 * Renderer of ovpn/: the server's configuration and its tls-crypt-v2 key, one
 * client-config-dir file an enabled gateway.  The directives are in templates/.
 */
#include <string.h>

#include "base/digest.h"
#include "render/render_int.h"

static const char *print_addr(struct arena *a, struct in6_addr addr)
{
	return ip_print_addr(&addr, arena_alloc(a, IP_TEXT));
}

static const char *print_prefix(struct arena *a, struct ip_prefix p)
{
	return ip_print_prefix(&p, arena_alloc(a, IP_TEXT));
}

static struct json *server_values(const struct render_job *r)
{
	const struct network *n = model_network(r->model);
	const struct server *s = model_server(r->model);
	struct arena *a = r->job->arena;
	struct json *v = json_object(a), *extra;
	size_t i;

	json_add_string(a, v, "network", n->name);
	json_add_string(a, v, "name", s->name);
	json_add_string(a, v, "proto", s->proto);
	json_add_bool(a, v, "udp", !strncmp(s->proto, "udp", 3));
	json_add_int(a, v, "port", s->port);
	json_add_string(a, v, "address", print_addr(a, model_server_address(n)));
	json_add_string(a, v, "peer", print_addr(a, ip_host(&n->prefix, 2)));
	json_add_string(a, v, "prefix", print_prefix(a, n->prefix));
	json_add_string(a, v, "tls_version_min", s->tls_version_min);
	json_add_int(a, v, "max_clients", n->policy.max_clients);
	json_add_bool(a, v, "has_extra", s->extra_n > 0);
	extra = json_add(v, "extra", json_array(a));
	for (i = 0; i < s->extra_n; i++)
		json_add_string(a, extra, NULL, s->extra[i]);
	return v;
}

static int write_server(const struct render_job *r)
{
	struct buf key;
	int error;

	if (template_output(r, "server.conf", server_values(r), "ovpn/server.conf", OUTPUT_RELOAD))
		return r->job->error;
	buf_open(&key, r->job->arena);
	error = pki_tls_crypt_server_key(r->job, r->pki, model_server(r->model), &key);
	if (!error)
		output_write(
		    r->output, "ovpn/tls-crypt-v2.key", key.data, key.len, OUTPUT_SECRET | OUTPUT_RELOAD);
	digest_cleanse(key.data, key.len);
	return error;
}

static int write_client(const struct render_job *r, const struct gateway *g, const char *path)
{
	const struct network *n = model_network(r->model);
	struct arena *a = r->job->arena;
	struct json *v = json_object(a);

	json_add_string(a, v, "name", g->name);
	json_add_string(a, v, "prefix", print_prefix(a, model_gateway_prefix(n, g->user, g->id)));
	json_add_string(a, v, "address", print_addr(a, model_gateway_address(n, g->user, g->id)));
	json_add_string(a, v, "server_address", print_addr(a, model_server_address(n)));
	json_add_bool(a, v, "internet", g->routes == ROUTES_INTERNET);
	return template_output(r, "client", v, path, 0);
}

int render_openvpn(const struct render_job *r)
{
	const char *server = model_server(r->model)->name, *path, **name;
	const struct gateway *g;

	if (r->is_full && write_server(r))
		return r->job->error;
	for (name = r->names; *name; name++) {
		if (!strcmp(*name, server))
			continue;
		path = arena_printf(r->job->arena, "ovpn/clients/%s", *name);
		g = model_gateway_by_name(r->model, *name);
		if (!g || !touched_is_on(r->model, g))
			output_remove(r->output, path);
		else if (write_client(r, g, path))
			return r->job->error;
	}
	return 0;
}
