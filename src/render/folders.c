/*
 * The folders below DATA that rendered files go to, with the modes that let
 * OpenVPN's group in and nobody else.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "render/render_int.h"

struct folder {
	const char *name;
	mode_t mode, lone_mode; /* with a group, without */
};

static const struct folder folders[] = {
	{ "pki", 0750, 0700 }, { "pki/private", 0750, 0700 }, { "pki/issued", 0750, 0700 },
	{ "pki/certs_by_serial", 0750, 0700 }, { "pki/reqs", 0750, 0700 }, { "ovpn", 0750, 0700 },
	{ "ovpn/clients", 0750, 0700 }, { "ip", 0750, 0700 }, { "firewall", 0750, 0700 },
	{ "audit", 0750, 0700 }, { "run", 0770, 0700 }, /* OpenVPN makes its management socket here */
};

/* Nothing is narrowed that the administrator made wider: DATA itself only has to let the group through. */
static int open_data_folder(struct job *j, const struct output_place *p, bool *is_refused)
{
	struct stat st;

	if (fs_mkdirs(j, p->data, 0750))
		return j->error;
	if (p->group == (gid_t)-1)
		return 0;
	if (stat(p->data, &st))
		return job_fail_errno(j, "cannot look at %s", p->data);
	if (st.st_mode & 0001 || (st.st_gid == p->group && st.st_mode & 0010))
		return 0;
	*is_refused = chown(p->data, (uid_t)-1, p->group) || chmod(p->data, (st.st_mode & 07777) | 0050);
	return 0;
}

static int open_folder(struct job *j, const struct output_place *p, const struct folder *f, bool *is_refused)
{
	bool has_group = p->group != (gid_t)-1;
	mode_t mode = has_group ? f->mode : f->lone_mode;
	char path[RENDER_PATH_MAX];
	struct stat st;

	output_path(p, f->name, path);
	if (fs_mkdirs(j, path, mode))
		return j->error;
	if (stat(path, &st))
		return job_fail_errno(j, "cannot look at %s", path);
	if (has_group && st.st_gid != p->group && chown(path, (uid_t)-1, p->group))
		*is_refused = true;
	if ((st.st_mode & 07777) != mode && chmod(path, mode))
		return job_fail_errno(j, "cannot set the mode of %s", path);
	return 0;
}

int output_folders(struct job *j, const struct output_place *p)
{
	bool is_refused = false;
	size_t i;

	if (open_data_folder(j, p, &is_refused))
		return j->error;
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (open_folder(j, p, &folders[i], &is_refused))
			return j->error;
	if (is_refused)
		job_warn(j,
		    "cannot give files in %s to group %u: OpenVPN may not be able to read them; "
		    "make this user a member of the group",
		    p->data, (unsigned)p->group);
	return 0;
}

bool output_is_folder(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (!strcmp(folders[i].name, name))
			return true;
	return false;
}

static_assert(sizeof(folders) / sizeof(*folders) == OUTPUT_FOLDERS, "and DATA itself in the place of run");

const char *output_folder(size_t n)
{
	const size_t rendered = sizeof(folders) / sizeof(*folders) - 1; /* all but run, the last */

	return n < rendered ? folders[n].name : NULL;
}

size_t output_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name;
	size_t len = slash ? (size_t)(slash - path) : 0, i;

	for (i = 0; (name = output_folder(i)); i++)
		if (strlen(name) == len && strncmp(name, path, len) == 0)
			break;
	return i;
}

bool output_is_leaf(size_t n)
{
	size_t i, len = strlen(folders[n].name);

	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (!strncmp(folders[i].name, folders[n].name, len) && folders[i].name[len] == '/')
			return false;
	return true;
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	bool is_empty = false;

	if (d) {
		errno = 0;
		/* The third entry is the first beside "." and "..". NOLINTNEXTLINE(misc-redundant-expression) */
		is_empty = readdir(d) && readdir(d) && !readdir(d) && !errno;
		closedir(d);
	}
	return is_empty;
}

int output_make_staged(struct job *j, const struct output_place *p, size_t n, bool *is_made)
{
	struct folder staged = folders[n];
	char path[RENDER_PATH_MAX];
	bool is_refused = false;

	output_path(p, staged.name, path);
	if (!is_empty(path))
		return 0;
	staged.name = arena_printf(j->arena, "staging/%s", folders[n].name);
	*is_made = open_folder(j, p, &staged, &is_refused) == 0;
	return j->error;
}
