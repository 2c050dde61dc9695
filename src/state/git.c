/*
 * `vpnunit git`: become stock git on the state repository, as its owner.  Git
 * refuses another user's repository, and what root wrote into it the service
 * could not change any more; so root turns into the owner first.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/state_int.h"

/* What would make git look elsewhere (`git rev-parse --local-env-vars`), or read another user's settings. */
static const char *const misleading[] = { "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_PARAMETERS",
	"GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE",
	"GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH",
	"GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE", "XDG_CONFIG_HOME" };

static int become(struct job *j, uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);
	const char *home = pw ? pw->pw_dir : "/";

	if (pw ? initgroups(pw->pw_name, pw->pw_gid) != 0 : setgroups(0, NULL) != 0)
		return job_fail_errno(j, "groups of uid %u", (unsigned)uid);
	if (setgid(pw ? pw->pw_gid : gid) != 0 || setuid(uid) != 0)
		return job_fail_errno(j, "cannot become uid %u", (unsigned)uid);
	/* Root's folder may be closed to the owner, and git starts in none that it cannot read. */
	if (access(".", R_OK | X_OK) != 0 && chdir("/") != 0)
		return job_fail_errno(j, "/");
	return setenv("HOME", home, 1) ? job_fail_errno(j, "HOME") : 0;
}

static char **git_argv(struct job *j, const char *path, char **args)
{
	size_t n = 0, i;
	char **argv;

	while (args[n])
		n++;
	argv = arena_alloc(j->arena, (n + 3) * sizeof(*argv));
	argv[0] = "git";
	argv[1] = arena_printf(j->arena, "--git-dir=%s", path);
	for (i = 0; i < n; i++)
		argv[2 + i] = args[i];
	return argv;
}

int state_git(struct job *j, const char *path, char **args)
{
	char *real = realpath(path, NULL);
	struct stat st;
	size_t i;

	if (real && geteuid() == 0 && stat(real, &st) == 0 && st.st_uid != 0) {
		if (become(j, st.st_uid, st.st_gid))
			goto out;
	}
	if (state_check_owner(j, real ? real : path))
		goto out;
	for (i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++)
		unsetenv(misleading[i]);
	execvp("git", git_argv(j, real, args));
	job_fail_errno(j, "cannot run git (is it installed?)");
out:
	free(real);
	return j->error;
}
