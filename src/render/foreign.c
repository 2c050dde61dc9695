/*
 * Files in rendered folders that nobody rendered.  What is rendered is the
 * whole truth there: a client file or a certificate that somebody left behind
 * would let a device in.  DATA/run is OpenVPN's own.
 */
#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "render/render_int.h"

/* easyrsa writes these where it reads. */
static const char *const spared[] = { "pki/crl.pem", "pki/safessl-easyrsa.cnf", "pki/vars",
	"pki/vars.example" };

/* The name between a folder and an ending, in out; false: the path has neither. */
static bool name_in(const char *path, const char *folder, const char *ending, char out[RENDER_PATH_MAX])
{
	size_t start = strlen(folder), end = strlen(path), tail = strlen(ending);

	if (strncmp(path, folder, start) != 0 || end <= start + tail || end >= RENDER_PATH_MAX ||
	    strcmp(path + end - tail, ending) != 0)
		return false;
	memcpy(out, path + start, end - start - tail);
	out[end - start - tail] = '\0';
	return true;
}

/* Files carry the serial in upper case. */
static bool is_certificate(const struct model *m, char *serial)
{
	char *p;

	for (p = serial; *p; p++) {
		if (islower((unsigned char)*p))
			return false;
		*p = (char)tolower((unsigned char)*p);
	}
	return model_certificate(m, serial) != NULL;
}

static bool is_rendered(const struct model *m, const char *path)
{
	char name[RENDER_PATH_MAX];
	const struct gateway *g;

	if (name_in(path, "pki/certs_by_serial/", ".pem", name))
		return is_certificate(m, name);
	if (name_in(path, "ovpn/clients/", "", name)) {
		g = model_gateway_by_name(m, name);
		return g && touched_is_on(m, g);
	}
	if (!name_in(path, "pki/issued/", ".crt", name))
		return false;
	g = model_gateway_by_name(m, name);
	return g && model_current_certificate(m, g->device.hex);
}

bool foreign_is(const struct model *m, const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(spared) / sizeof(*spared); i++)
		if (!strcmp(path, spared[i]))
			return false;
	return !is_rendered(m, path);
}

static bool is_foreign(const struct render_job *r, const char *path)
{
	const struct output_file *f = output_find(r->output, path);

	return (!f || !f->data) && foreign_is(r->model, path);
}

int foreign_remove(const struct render_job *r)
{
	char full[RENDER_PATH_MAX], **names;
	const char *folder, *path;
	size_t i;

	for (i = 0; (folder = output_folder(i)); i++) {
		output_path(&r->render->place, folder, full);
		if (fs_list(r->job, full, &names))
			return r->job->error;
		for (; *names; names++) {
			path = arena_printf(r->job->arena, "%s/%s", folder, *names);
			if (!output_is_folder(path) && is_foreign(r, path))
				output_remove(r->output, path);
		}
	}
	return 0;
}
