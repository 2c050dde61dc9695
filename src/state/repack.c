/*
 * Keep the number of packs small: every publish adds one, and every look for
 * a new object asks them all.  `git repack` does the work, as a child without
 * a shell, with nothing of our environment.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "state/state_int.h"

enum { PACKS = 20, WORDS = 1024 };

static int count_packs(struct job *j, const char *path, size_t *out)
{
	char **names;

	if (fs_list(j, arena_printf(j->arena, "%s/objects/pack", path), &names))
		return j->error;
	for (; *names; names++) {
		const char *dot = strrchr(*names, '.');

		*out += dot && strcmp(dot, ".pack") == 0;
	}
	return 0;
}

/* stdin and stdout are /dev/null, stderr is the pipe, nothing else is open, no signal blocked or ignored. */
static int spawn_git(char *const argv[], int err, pid_t *pid)
{
	char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	if ((rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, err, 2)) == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files, 3)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&attributes, &none)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&attributes, &all)) == 0 &&
	    (rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

/* What the child says until it closes its end: the first part is kept, all is read. */
static const char *read_words(struct job *j, int fd)
{
	char bytes[WORDS];
	struct buf b;
	ssize_t n;

	buf_open(&b, j->arena);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0 && b.len < WORDS)
			buf_add(&b, bytes, (size_t)n);
	}
	while (b.len && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	return b.data;
}

static int run_git(struct job *j, char *const argv[])
{
	const char *words;
	int ends[2], rc, status = 0;
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return job_fail_errno(j, "pipe");
	rc = spawn_git(argv, ends[1], &pid);
	close(ends[1]);
	if (rc != 0) {
		close(ends[0]);
		errno = rc;
		return job_fail_errno(j, "cannot run git (is it installed?)");
	}
	words = read_words(j, ends[0]);
	close(ends[0]);
	while ((rc = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		continue;
	if (rc < 0)
		return job_fail_errno(j, "waiting for git");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return job_fail(j, E_IO, "io", "git repack failed: %s", words);
	return 0;
}

int state_repack(struct job *j, struct state *s)
{
	char *git_dir = arena_printf(j->arena, "--git-dir=%s", s->path);
	char *argv[] = { "git", git_dir, "repack", "--geometric=2", "-d", "-q", "-n", NULL };
	size_t packs = 0;

	assert(s->fresh_n == 0); /* what is staged would be lost */
	if (count_packs(j, s->path, &packs))
		return j->error;
	if (packs <= PACKS)
		return 0;
	/* Before the child starts: libgit2 keeps deleted packs open. */
	state_let_go(s);
	return run_git(j, argv);
}
