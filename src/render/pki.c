/*
 * Renderer of pki/: certificates out of the ledger in easy-rsa's layout, and
 * the server's key.  No other private key is on disk: a gateway's is derived
 * when its configuration is asked for, the CA's file is empty.
 */
#include <ctype.h>
#include <string.h>

#include "base/digest.h"
#include "render/render_int.h"

enum { PEM_ROOM = 4096 };

/* Files that easyrsa 3.1 refuses to work without. */
static const char *const placeholders[] = { "index.txt.attr", "openssl-easyrsa.cnf", "serial" };

static int write_placeholders(const struct render_job *r)
{
	const struct json *nothing = json_object(r->job->arena);
	size_t i;
	int error;

	output_write(r->output, "pki/private/ca.key", "", 0, 0);
	for (i = 0; i < sizeof(placeholders) / sizeof(*placeholders); i++) {
		const char *path = arena_printf(r->job->arena, "pki/%s", placeholders[i]);

		if ((error = template_output(r, placeholders[i], nothing, path, 0)))
			return error;
	}
	return 0;
}

static const char *serial_path(const struct render_job *r, struct id128 serial)
{
	char *p;

	for (p = serial.hex; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return arena_printf(r->job->arena, "pki/certs_by_serial/%s.pem", serial.hex);
}

static void write_pem(
    const struct render_job *r, const char *path, const struct certificate *c, unsigned flags)
{
	struct arena *a = arena_open(PEM_ROOM);
	const char *pem = model_certificate_pem(a, c);

	output_write(r->output, path, pem, strlen(pem), flags);
	arena_close(a);
}

/* What a device holds now; no certificate takes the file away. */
static void write_issued(const struct render_job *r, const char *name, const struct certificate *c)
{
	const char *path = arena_printf(r->job->arena, "pki/issued/%s.crt", name);

	if (!c) {
		output_remove(r->output, path);
		return;
	}
	write_pem(r, path, c, OUTPUT_MANY);
	output_twin(r->output, path, serial_path(r, c->serial));
}

static int write_server(const struct render_job *r)
{
	const struct server *s = model_server(r->model);
	const struct certificate *c = model_current_certificate(r->model, s->device.hex);
	struct buf key;
	int error;

	if (!c)
		return job_fail(r->job, E_CORRUPT, "no_server_certificate",
		    "the ledger has no valid certificate of the server %s", s->name);
	write_issued(r, s->name, c);
	buf_open(&key, r->job->arena);
	error = pki_private_key(r->job, r->pki, c, &key);
	if (!error)
		output_write(r->output, arena_printf(r->job->arena, "pki/private/%s.key", s->name), key.data,
		    key.len, OUTPUT_SECRET);
	digest_cleanse(key.data, key.len);
	return error;
}

static int write_names(const struct render_job *r)
{
	const struct server *s = model_server(r->model);
	const struct gateway *g;
	const char **name;
	int error;

	for (name = r->names; *name; name++) {
		if (!strcmp(*name, s->name)) {
			if ((error = write_server(r)))
				return error;
			continue;
		}
		g = model_gateway_by_name(r->model, *name);
		write_issued(r, *name, g ? model_current_certificate(r->model, g->device.hex) : NULL);
		if ((error = render_relieve(r)))
			return error;
	}
	return 0;
}

static void write_by_serial(const struct render_job *r, const struct entity *e)
{
	struct id128 serial = touched_serial(e->path);
	const struct certificate *c = model_certificate(r->model, serial.hex);
	const char *path = serial_path(r, serial);

	if (c)
		write_pem(r, path, c, OUTPUT_MANY);
	else
		output_remove(r->output, path);
}

int render_pki(const struct render_job *r)
{
	const struct entity **e = touched_entities(r, ENTITY_CERTIFICATE);
	const struct certificate *ca = model_ca(r->model);

	if (!ca)
		return job_fail(r->job, E_CORRUPT, "no_ca", "the ledger has no CA");
	write_pem(r, "pki/ca.crt", ca, 0);
	for (; *e; e++) {
		write_by_serial(r, *e);
		if (render_relieve(r))
			return r->job->error;
	}
	if (r->is_full && write_placeholders(r))
		return r->job->error;
	return write_names(r);
}
