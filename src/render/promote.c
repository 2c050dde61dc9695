/*
 * Staged files take their names, in the order that is safe when the process
 * ends in between: what takes access away is in force, and durable, before
 * anything that gives it; state.json, which tells the commit, comes last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "render/render_int.h"

enum promote_step { STEP_REVOKE, STEP_WRITE, STEP_REMOVE, STEP_TELL, STEPS };

static enum promote_step file_step(const struct output_file *f)
{
	if (!strcmp(f->path, "pki/crl.pem") || (!f->data && !strncmp(f->path, "ovpn/clients/", 13)))
		return STEP_REVOKE;
	if (!strcmp(f->path, "state.json"))
		return STEP_TELL;
	return f->data ? STEP_WRITE : STEP_REMOVE;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A path may hold anything somebody left in our folders, a folder with files included. */
static int promote_file(struct job *j, const struct output_place *p, const struct output_file *f)
{
	char live[RENDER_PATH_MAX], staged[RENDER_PATH_MAX];

	output_path(p, f->path, live);
	if (!f->data)
		return fs_remove_tree(j, live);
	output_staged_path(p, f, staged);
	if (is_folder(live) && fs_remove_tree(j, live))
		return j->error;
	return fs_rename(j, staged, live);
}

static int sync_parent(struct job *j, const struct output_place *p, const char *path)
{
	char live[RENDER_PATH_MAX], *slash;

	output_path(p, path, live);
	slash = strrchr(live, '/');
	*slash = '\0';
	return fs_sync_dir(j, live);
}

static bool same_folder(const char *a, const char *b)
{
	const char *slash = strrchr(a, '/');
	size_t len = slash ? (size_t)(slash - a) + 1 : 0;

	return !strncmp(a, b, len) && !strchr(b + len, '/');
}

/* One step of the order; its folders are durable when it returns. */
static int promote_step(struct job *j, const struct output_place *p, struct output *o, enum promote_step step)
{
	const char *synced = NULL;
	struct output_file *f;
	size_t it;
	int error;

	for (it = 0; (f = output_next(o, &it));)
		if (f->is_staged && file_step(f) == step && (error = promote_file(j, p, f)))
			return error;
	for (it = 0; (f = output_next(o, &it));) {
		/* Files of one folder mostly come one after the other, and syncing twice only costs time. */
		if (!f->is_staged || file_step(f) != step || (synced && same_folder(synced, f->path)))
			continue;
		if ((error = sync_parent(j, p, f->path)))
			return error;
		synced = f->path;
	}
	return 0;
}

int output_promote(struct job *j, const struct output_place *p, struct output *o)
{
	enum promote_step step;
	int error;

	for (step = 0; step < STEPS; step++)
		if ((error = promote_step(j, p, o, step)))
			return error;
	return 0;
}

int output_sweep(struct job *j, const struct output_place *p)
{
	char path[RENDER_PATH_MAX];

	output_path(p, "staging", path);
	return fs_remove_tree(j, path) || fs_mkdirs(j, path, 0700) ? j->error : 0;
}
