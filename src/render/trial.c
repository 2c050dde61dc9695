/*
 * One start of openvpn on a folder, watched until it is up, has ended or takes
 * too long.  Arguments only, no shell, an empty environment; where the kernel
 * permits in a network namespace of its own, with no privilege even for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "render/render_int.h"

enum { TRIAL_MS = 5000, TRIAL_OUTPUT_MAX = 256 * 1024 };

/* By the time that it asks for its device it has taken every option and read every file. */
static const char *const is_up[] = { "Cannot ioctl TUNSETIFF", "Cannot open TUN/TAP dev",
	"Initialization Sequence Completed" };

/* In PATH, or where Debian has it and users' PATH doesn't look. */
static const char *find_openvpn(struct arena *a)
{
	const char *path = getenv("PATH"),
		   *dir = arena_printf(a, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");
	const char *end, *program;

	for (; *dir; dir = *end ? end + 1 : end) {
		end = dir + strcspn(dir, ":");
		program = arena_printf(a, "%.*s/openvpn", (int)(end - dir), dir);
		if (*dir == '/' && !access(program, X_OK))
			return program;
	}
	return NULL;
}

/* Between fork and exec of a process with threads: system calls alone. */
static _Noreturn void run_child(const char *program, char *const *argv, int out)
{
	static char *const nothing[] = { NULL };
	sigset_t none;
	int in;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/*
	 * No user is mapped, so that exec leaves no capability.  Some containers
	 * refuse both; without a port and the right to make a device it stays a trial.
	 */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) && unshare(CLONE_NEWNET))
		errno = 0;
	in = open("/dev/null", O_RDONLY);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	execve(program, argv, nothing);
	_exit(127);
}

static bool has_come_far(const char *output)
{
	size_t i;

	for (i = 0; i < sizeof(is_up) / sizeof(*is_up); i++)
		if (strstr(output, is_up[i]))
			return true;
	return false;
}

/* Read what it says until it is up, closes its output by ending, or time is over. */
static enum trial_end watch(int fd, struct buf *output)
{
	int64_t deadline = time_monotonic_ms() + TRIAL_MS, left;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char chunk[4096];
	ssize_t n;

	while ((left = deadline - time_monotonic_ms()) > 0 && output->len < TRIAL_OUTPUT_MAX) {
		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			return TRIAL_EXITED;
		buf_add(output, chunk, (size_t)n);
		if (has_come_far(output->data))
			return TRIAL_UP;
	}
	return TRIAL_LATE;
}

static int start_child(struct job *j, const char *program, char *const *argv, pid_t *pid, int *fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return job_fail_errno(j, "cannot make a pipe");
	*pid = fork();
	if (!*pid)
		run_child(program, argv, ends[1]);
	close(ends[1]);
	*fd = ends[0];
	if (*pid < 0) {
		close(ends[0]);
		return job_fail_errno(j, "cannot start %s", program);
	}
	return 0;
}

int trial_run(struct job *j, const char *folder, struct buf *output, enum trial_end *end)
{
	char *argv[] = { "openvpn", "--cd", arena_strdup(j->arena, folder), "--config", "server.conf",
		"--dev", "null", "--port", "0", "--verb", "3", "--mute", "0", "--suppress-timestamps", NULL };
	const char *program = find_openvpn(j->arena);
	pid_t pid = -1;
	int fd = -1;

	*end = TRIAL_NONE;
	if (!program)
		return 0;
	if (start_child(j, program, argv, &pid, &fd))
		return j->error;
	*end = watch(fd, output);
	kill(pid, SIGKILL);
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
