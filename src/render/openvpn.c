/*
 * Renderer of ovpn/: the server's configuration and its tls-crypt-v2 key, one
 * client-config-dir file an enabled gateway.  The directives are in templates/.
 */
#include <string.h>

#include "base/digest.h"
#include "render/render_int.h"

enum { CLIENT_ROOM = 2048 };

static const char *print_addr(struct arena *a, struct in6_addr addr)
{
	return ip_print_addr(&addr, arena_alloc(a, IP_TEXT));
}

static const char *print_prefix(struct arena *a, struct ip_prefix p)
{
	return ip_print_prefix(&p, arena_alloc(a, IP_TEXT));
}

static void add_list(struct arena *a, struct json *v, const char *name, const char *const *text, size_t n)
{
	struct json *list = json_add(v, name, json_array(a));
	size_t i;

	json_add_bool(a, v, arena_printf(a, "has_%s", name), n > 0);
	for (i = 0; i < n; i++)
		json_add_string(a, list, NULL, text[i]);
}

static struct json *server_values(struct arena *a, const struct model *m, const char *digest)
{
	const struct network *n = model_network(m);
	const struct server *s = model_server(m);
	struct json *v = json_object(a);

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
	json_add_string(a, v, "digest", digest);
	add_list(a, v, "dns", s->dns, s->dns_n);
	add_list(a, v, "extra", s->extra, s->extra_n);
	return v;
}

/* What is in force, so no comments: the network may be renamed without a restart. */
static void add_directives(struct buf *b, const char *text)
{
	const char *end;

	for (; *text; text = end) {
		end = text + strcspn(text, "\n");
		end += *end == '\n';
		if (*text != '#')
			buf_add(b, text, (size_t)(end - text));
	}
}

int render_server_digest(struct job *j, const struct model *m, char out[DIGEST_HEX])
{
	const struct certificate *ca = model_ca(m),
				 *own = model_current_certificate(m, model_server(m)->device.hex);
	struct buf text, read;

	buf_open(&text, j->arena);
	buf_open(&read, j->arena);
	if (template_expand(j, "server.conf", server_values(j->arena, m, ""), &text))
		return j->error;
	add_directives(&read, text.data);
	/* The private keys are functions of what is named here. */
	buf_printf(&read, "%s\n%s%s", model_network(m)->master_key,
	    ca ? model_certificate_pem(j->arena, ca) : "", own ? model_certificate_pem(j->arena, own) : "");
	digest_sha256_hex(read.data, read.len, out);
	return 0;
}

static int write_server(const struct render_job *r)
{
	char digest[DIGEST_HEX];
	struct buf key;
	int error;

	if (render_server_digest(r->job, r->model, digest) ||
	    template_output(
		r, "server.conf", server_values(r->job->arena, r->model, digest), "ovpn/server.conf", 0))
		return r->job->error;
	buf_open(&key, r->job->arena);
	error = pki_tls_crypt_server_key(r->job, r->pki, model_server(r->model), &key);
	if (!error)
		output_write(r->output, "ovpn/tls-crypt-v2.key", key.data, key.len, OUTPUT_SECRET);
	digest_cleanse(key.data, key.len);
	return error;
}

/* Settings make a render full; by itself its certificate alone is another one now and then. */
int render_server(const struct render_job *r)
{
	const char *server = model_server(r->model)->name, **name = r->names;

	while (*name && strcmp(*name, server) != 0)
		name++;
	return r->is_full || *name ? write_server(r) : 0;
}

static int write_client(const struct render_job *r, const struct gateway *g, const char *path)
{
	const struct network *n = model_network(r->model);
	struct arena *a = arena_open(CLIENT_ROOM);
	struct json *v = json_object(a);
	int error;

	json_add_string(a, v, "name", g->name);
	json_add_string(a, v, "prefix", print_prefix(a, model_gateway_prefix(n, g->user, g->id)));
	json_add_string(a, v, "address", print_addr(a, model_gateway_address(n, g->user, g->id)));
	json_add_string(a, v, "server_address", print_addr(a, model_server_address(n)));
	json_add_bool(a, v, "internet", g->routes == ROUTES_INTERNET);
	error = template_output(r, "client", v, path, OUTPUT_MANY);
	arena_close(a);
	return error;
}

int render_openvpn(const struct render_job *r)
{
	const char *server = model_server(r->model)->name, *path, **name;
	const struct gateway *g;

	for (name = r->names; *name; name++) {
		if (!strcmp(*name, server))
			continue;
		path = arena_printf(r->job->arena, "ovpn/clients/%s", *name);
		g = model_gateway_by_name(r->model, *name);
		if (!g || !touched_is_on(r->model, g))
			output_remove(r->output, path);
		else if (write_client(r, g, path) || render_relieve(r))
			return r->job->error;
	}
	return 0;
}
