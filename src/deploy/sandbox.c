/*
 * What hooks may not read: the folder of secrets, and the master key where it is
 * elsewhere.  They run as our own user, so that modes of files keep nothing
 * from them; Landlock does (landlock(7); Linux 5.13, Debian 12 has it).  It
 * knows what is allowed alone: that is everything beside the way to what is hidden,
 * which is held open, so that it stays hidden under whatever name a hook gives it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deploy/deploy_int.h"

struct hidden {
	dev_t device;
	ino_t number;
	char path[PATH_MAX]; /* where it is now */
};

struct sandbox { /* one being made */
	struct job *job;
	int ruleset;
	struct hidden hidden[SANDBOX_HIDDEN];
	size_t n;
};

/* The kernel's version of Landlock; 0 or less: it has none, or it is off. */
static long find_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool sandbox_is_there(void)
{
	return find_version() > 0;
}

static int allow(struct sandbox *s, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	int error = 0;

	rule.parent_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return 0; /* gone, or not ours to reach: then it is not the hook's either */
	if (syscall(SYS_landlock_add_rule, s->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		error = job_fail_errno(s->job, "cannot allow hooks to read %s", path);
	close(rule.parent_fd);
	return error;
}

/* By what it is, not by its name: there may be links. */
static bool is_hidden(const struct sandbox *s, const struct stat *st)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->hidden[i].device == st->st_dev && s->hidden[i].number == st->st_ino)
			return true;
	return false;
}

static bool leads_to_hidden(const struct sandbox *s, const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < s->n; i++)
		if (strncmp(s->hidden[i].path, path, len) == 0 && s->hidden[i].path[len] == '/')
			return true;
	return false;
}

static int allow_beside(struct sandbox *s, const char *folder);

/*
 * A symbolic link allows nothing by itself: what it leads to counts.  Names move freely between folders, but
 * nothing moves out of a hidden one, or off the way there (Linux 5.19; before, not between folders at all).
 */
static int allow_entry(struct sandbox *s, const char *path)
{
	uint64_t access = LANDLOCK_ACCESS_FS_READ_FILE;
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISLNK(st.st_mode) || is_hidden(s, &st))
		return 0;
	if (leads_to_hidden(s, path))
		return allow_beside(s, path);
	if (S_ISDIR(st.st_mode) && find_version() >= 2)
		access |= LANDLOCK_ACCESS_FS_REFER;
	return allow(s, path, access);
}

/* Everything in the folder but what is hidden; the way there, entry by entry. As deep as a path. */
static int allow_beside(struct sandbox *s, const char *folder)
{
	DIR *dir = opendir(*folder ? folder : "/");
	const struct dirent *e;
	int error = 0;

	while (!error && dir && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			error = allow_entry(s, arena_printf(s->job->arena, "%s/%s", folder, e->d_name));
	if (dir)
		closedir(dir);
	return error;
}

static int make_ruleset(struct sandbox *s)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };

	if (find_version() >= 2)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	s->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	return s->ruleset < 0 ? job_fail_errno(s->job, "cannot hide the master key from hooks") : 0;
}

/* Where it is now, by proc(5): another name of the folder above changes nothing. */
static int find_hidden(struct sandbox *s, int fd)
{
	struct hidden *h = &s->hidden[s->n];
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return job_fail_errno(s->job, "cannot look at what hooks must not read");
	len = readlink(arena_printf(s->job->arena, "/proc/self/fd/%d", fd), h->path, sizeof(h->path) - 1);
	if (len < 0)
		return job_fail_errno(s->job, "cannot find what hooks must not read");
	h->path[len] = '\0';
	h->device = st.st_dev;
	h->number = st.st_ino;
	s->n++;
	return 0;
}

int sandbox_open(struct job *j, const int *hidden, int *fd)
{
	struct sandbox *s = arena_alloc(j->arena, sizeof(*s));
	int error = 0;

	s->job = j;
	s->ruleset = -1;
	for (; !error && *hidden >= 0 && s->n < SANDBOX_HIDDEN; hidden++)
		error = find_hidden(s, *hidden);
	if (!error)
		error = make_ruleset(s) || allow_beside(s, "");
	if (error && s->ruleset >= 0)
		close(s->ruleset);
	*fd = error ? -1 : s->ruleset;
	return error ? j->error : 0;
}

int sandbox_enter(int fd)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, fd, 0))
		return errno;
	return 0;
}
