/*
 * Files in rendered folders that nobody rendered.  What is rendered is the
 * whole truth there: a client file or a certificate that somebody left behind
 * would let a device in.  DATA/run is OpenVPN's own.
 */
#include <string.h>

#include "base/fs.h"
#include "render/render_int.h"

static const char *const roots[] = { "pki", "ovpn", "ip", "firewall", "audit" };

/* easyrsa writes these where it reads. */
static const char *const spared[] = { "pki/crl.pem", "pki/safessl-easyrsa.cnf", "pki/vars",
	"pki/vars.example" };

static bool is_foreign(const struct render_job *r, const char *path)
{
	const struct output_file *f = output_find(r->output, path);
	size_t i;

	for (i = 0; i < sizeof(spared) / sizeof(*spared); i++)
		if (!strcmp(path, spared[i]))
			return false;
	return !f || !f->data;
}

static int walk_folder(const struct render_job *r, const char *folder, foreign_visit visit, void *context)
{
	char full[RENDER_PATH_MAX], **names;
	const char *path;
	int error;

	output_path(&r->render->place, folder, full);
	if ((error = fs_list(r->job, full, &names)))
		return error;
	for (; *names; names++) {
		path = arena_printf(r->job->arena, "%s/%s", folder, *names);
		if (output_is_folder(path))
			error = walk_folder(r, path, visit, context);
		else if (is_foreign(r, path))
			error = visit(r, path, context);
		if (error)
			return error;
	}
	return 0;
}

int foreign_walk(const struct render_job *r, foreign_visit visit, void *context)
{
	size_t i;
	int error;

	for (i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if ((error = walk_folder(r, roots[i], visit, context)))
			return error;
	return 0;
}
