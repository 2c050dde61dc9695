/*
 * Stock git as a child on the repository: no shell, nothing of our environment
 * and none of our files.  For what libgit2 has not: repacking, fsck.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/state_int.h"

enum { WORDS = 1024 };

/* stdin is /dev/null, stdout and stderr are the pipe, nothing else is open, no signal blocked or ignored. */
static int spawn_git(char *const argv[], int out, pid_t *pid)
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
	    (rc = posix_spawn_file_actions_adddup2(&files, out, 1)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, out, 2)) == 0 &&
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

int state_start_git(struct job *j, char *const argv[], struct state_child *out)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return job_fail_errno(j, "pipe");
	rc = spawn_git(argv, ends[1], &pid);
	close(ends[1]);
	if (rc != 0) {
		close(ends[0]);
		errno = rc;
		return job_fail_errno(j, "cannot run git (is it installed?)");
	}
	*out = (struct state_child){ .pid = pid, .words = ends[0] };
	return 0;
}

bool state_git_runs(const struct state_child *c)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

int state_end_git(struct job *j, struct state_child *c, bool *is_fine, const char **words)
{
	pid_t pid = c->pid;
	int rc, status = 0;

	*words = read_words(j, c->words);
	close(c->words);
	c->pid = 0;
	while ((rc = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		continue;
	if (rc < 0)
		return job_fail_errno(j, "waiting for git");
	*is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return 0;
}

int state_run_git(struct job *j, char *const argv[], bool *is_fine, const char **words)
{
	struct state_child c;

	return state_start_git(j, argv, &c) ? j->error : state_end_git(j, &c, is_fine, words);
}
