/*
 * A gateway's .ovpn: one inline file that holds its private key, so that every
 * buffer made on the way is cleansed here and the result by its owner.
 */
#include <string.h>

#include "base/digest.h"
#include "base/time.h"
#include "render/render_int.h"

enum { PROFILE_ROOM = 32 * 1024, KEY_ROOM = 4096 };

/* PEM goes in line by line, for the template takes no line ends in values. The lines are cut out of pem itself. */
static void add_lines(struct arena *a, struct json *values, const char *key, char *pem)
{
	struct json *list = json_add(values, key, json_array(a));
	char *line, *rest = NULL;

	for (line = strtok_r(pem, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		json_add_borrowed(a, list, NULL, line);
}

static struct json *profile_values(struct arena *a, const struct model *m, const struct gateway *g)
{
	struct ip_prefix p = model_gateway_prefix(model_network(m), g->user, g->id);
	const struct server *s = model_server(m);
	struct json *v = json_object(a), *endpoints, *e;
	size_t i;

	json_add_string(a, v, "network", model_network(m)->name);
	json_add_string(a, v, "name", g->name);
	json_add_string(a, v, "prefix", ip_print_prefix(&p, arena_alloc(a, IP_TEXT)));
	json_add_string(a, v, "proto", strncmp(s->proto, "tcp", 3) ? "udp" : "tcp");
	json_add_string(a, v, "server", s->name);
	json_add_string(a, v, "tls_version_min", s->tls_version_min);
	endpoints = json_add(v, "endpoints", json_array(a));
	for (i = 0; i < s->endpoints_n; i++) {
		e = json_add(endpoints, NULL, json_object(a));
		json_add_string(a, e, "host", s->endpoints[i].host);
		json_add_int(a, e, "port", s->endpoints[i].port);
	}
	return v;
}

static void add_certificates(
    struct arena *a, struct json *v, const struct certificate *c, const struct certificate *ca)
{
	json_add_string(a, v, "not_after", time_print(c->not_after, arena_alloc(a, TIME_TEXT)));
	add_lines(a, v, "ca", (char *)model_certificate_pem(a, ca));
	add_lines(a, v, "cert", (char *)model_certificate_pem(a, c));
}

int render_profile(
    struct job *j, const struct pki *pki, const struct model *m, const struct gateway *g, struct buf *out)
{
	const struct certificate *c = model_current_certificate(m, g->device.hex), *ca = model_ca(m);
	struct json *v = profile_values(j->arena, m, g);
	struct buf key, tls_crypt;

	if (!c || !ca)
		return job_fail(
		    j, E_CONFLICT, "no_certificate", "%s has no valid certificate: renew it first", g->name);
	/* Room for all of it at once: a buffer that grows leaves a copy behind. */
	buf_open(&key, j->arena);
	buf_reserve(&key, KEY_ROOM);
	buf_open(&tls_crypt, j->arena);
	buf_reserve(&tls_crypt, KEY_ROOM);
	buf_reserve(out, PROFILE_ROOM);
	if (!pki_private_key(j, pki, c, &key) &&
	    !pki_tls_crypt_client_key(j, pki, model_server(m), c, &tls_crypt)) {
		add_certificates(j->arena, v, c, ca);
		add_lines(j->arena, v, "key", key.data);
		add_lines(j->arena, v, "tls_crypt", tls_crypt.data);
		template_expand(j, "client.ovpn", v, out);
	}
	digest_cleanse(key.data, key.cap);
	digest_cleanse(tls_crypt.data, tls_crypt.cap);
	if (j->error)
		digest_cleanse(out->data, out->cap);
	return j->error;
}
