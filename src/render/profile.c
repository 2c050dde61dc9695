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

static struct json *profile_values(struct arena *a, const struct network *n, const struct server *s,
    const struct gateway *g, const struct certificate *c)
{
	struct ip_prefix p = model_gateway_prefix(n, g->user, g->id);
	struct json *v = json_object(a), *endpoints, *e;
	size_t i;

	json_add_string(a, v, "network", n->name);
	json_add_string(a, v, "name", g->name);
	json_add_string(a, v, "prefix", ip_print_prefix(&p, arena_alloc(a, IP_TEXT)));
	json_add_string(a, v, "not_after", time_print(c->not_after, arena_alloc(a, TIME_TEXT)));
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

int render_profile(struct job *j, const struct pki *pki, const struct network *n, const struct server *s,
    const struct gateway *g, const struct certificate *c, const struct certificate *ca, struct buf *out)
{
	struct json *v = profile_values(j->arena, n, s, g, c);
	struct buf key, tls_crypt;
	int error;

	/* Room for all of it at once: a buffer that grows leaves a copy behind. */
	buf_open(&key, j->arena);
	buf_reserve(&key, KEY_ROOM);
	buf_open(&tls_crypt, j->arena);
	buf_reserve(&tls_crypt, KEY_ROOM);
	buf_reserve(out, PROFILE_ROOM);
	error = pki_private_key(j, pki, c, &key);
	if (!error)
		error = pki_tls_crypt_client_key(j, pki, s, c, &tls_crypt);
	if (!error) {
		add_lines(j->arena, v, "ca", arena_strdup(j->arena, ca->pem));
		add_lines(j->arena, v, "cert", arena_strdup(j->arena, c->pem));
		add_lines(j->arena, v, "key", key.data);
		add_lines(j->arena, v, "tls_crypt", tls_crypt.data);
		error = template_expand(j, "client.ovpn", v, out);
	}
	digest_cleanse(key.data, key.cap);
	digest_cleanse(tls_crypt.data, tls_crypt.cap);
	return error;
}
