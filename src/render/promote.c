/*
 * Staged files take their names, in the order that is safe when the process
 * ends in between: what takes access away is in force, and durable, before
 * anything that gives it; state.json, which tells the commit, comes last.
 *
 * The last name of a replaced file is not its end: it is held open until all
 * is in place, for to free its blocks takes the kernel as long as an fsync.
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

/* Where that fails, and for those there is no room for, the rename takes longer. */
static void hold(struct output_promotion *r, const char *path)
{
	if (r->held_n == OUTPUT_HELD_MAX)
		return;
	r->held[r->held_n] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (r->held[r->held_n] >= 0)
		r->held_n++;
}

static void let_go(void *promotion)
{
	struct output_promotion *r = promotion;

	while (r->held_n)
		close(r->held[--r->held_n]);
}

void output_let_go(struct output_promotion *r)
{
	r->is_letting_go = true;
	beside_start(&r->letting_go, let_go, r);
}

void output_rest(struct output_promotion *r)
{
	if (r->is_letting_go)
		beside_end(&r->letting_go);
	r->is_letting_go = false;
	let_go(r); /* what a promotion held that failed */
}

/* A path may hold anything somebody left in our folders, a folder with files included. */
static int promote_file(
    struct job *j, const struct output_place *p, struct output_promotion *r, const struct output_file *f)
{
	char live[RENDER_PATH_MAX], staged[RENDER_PATH_MAX];

	output_path(p, f->path, live);
	if (!f->data)
		return fs_remove_tree(j, live);
	output_staged_path(p, f, staged);
	if (is_folder(live) && fs_remove_tree(j, live))
		return j->error;
	hold(r, live);
	return fs_rename(j, staged, live);
}

static int open_folder(struct job *j, const struct output_place *p, size_t number)
{
	char path[RENDER_PATH_MAX];
	const char *name = output_folder(number);
	int fd;

	output_path(p, name ? name : ".", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		job_fail_errno(j, "cannot open %s", path);
	return fd;
}

int output_settle(struct job *j, const struct output_place *p, struct output_promotion *r)
{
	int fds[OUTPUT_FOLDERS];
	size_t n = 0, i;

	for (i = 0; i < OUTPUT_FOLDERS && !j->error; i++)
		if (r->is_due[i] && (fds[n] = open_folder(j, p, i)) >= 0)
			n++;
	memset(r->is_due, 0, sizeof(r->is_due));
	if (!j->error && !fs_sync_all(fds, n))
		job_fail_errno(j, "cannot sync a folder of %s", p->data);
	for (i = 0; i < n; i++)
		close(fds[i]);
	return j->error;
}

/* Where it can't be moved, a mount point or a link, its files are, one by one. */
static int promote_folder(struct job *j, const struct output_place *p, size_t number, bool *is_moved)
{
	char live[RENDER_PATH_MAX], staged[RENDER_PATH_MAX];

	output_path(p, arena_printf(j->arena, "staging/%s", output_folder(number)), staged);
	output_path(p, output_folder(number), live);
	if (fs_sync_dir(j, staged))
		return j->error;
	*is_moved = rename(staged, live) == 0;
	return 0;
}

static int promote_folders(struct job *j, const struct output_place *p, const struct output *o,
    bool is_moved[OUTPUT_FOLDERS], bool is_due[OUTPUT_FOLDERS])
{
	size_t i;

	for (i = 0; output_folder(i) && !j->error; i++)
		if (output_is_new(o, i) && promote_folder(j, p, i, &is_moved[i]) == 0 && is_moved[i])
			is_due[output_folder_of(output_folder(i))] = true;
	return j->error;
}

static int promote_step(struct job *j, const struct output_place *p, struct output *o, enum promote_step step,
    struct output_promotion *r)
{
	bool is_moved[OUTPUT_FOLDERS] = { false };
	struct output_file *f;
	size_t it;
	int error;

	if (step == STEP_WRITE && promote_folders(j, p, o, is_moved, r->is_due))
		return j->error;
	for (it = 0; (f = output_next(o, &it));) {
		if (!f->is_staged || file_step(f) != step || (f->data && is_moved[output_folder_of(f->path)]))
			continue;
		if ((error = promote_file(j, p, r, f)))
			return error;
		r->is_due[output_folder_of(f->path)] = true;
	}
	return step == STEP_REVOKE ? output_settle(j, p, r) : 0;
}

int output_promote(struct job *j, const struct output_place *p, struct output *o, struct output_promotion *r)
{
	enum promote_step step;

	output_rest(r); /* from the one before */
	for (step = 0; step < STEPS && !j->error; step++)
		promote_step(j, p, o, step, r);
	if (j->error)
		memset(r->is_due, 0, sizeof(r->is_due)); /* all of it will be done again */
	return j->error;
}

int output_sweep(struct job *j, const struct output_place *p)
{
	char path[RENDER_PATH_MAX];

	output_path(p, "staging", path);
	return fs_remove_tree(j, path) || fs_mkdirs(j, path, 0700) ? j->error : 0;
}
