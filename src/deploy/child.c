/*
 * One child process: started without a shell, watched by its pidfd, its
 * output read up to a bound, its process group killed when it takes too long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "deploy/deploy_int.h"

enum { CHILD_CHUNK = 16 * 1024, CHILD_DRAIN = 64 };

struct running {
	const struct child *child;
	pid_t pid;
	int in, out, out_write, pidfd; /* out: our end of its output */
	int sandbox; /* its rules; -1: none */
	int spawn_error;
	int64_t deadline;
	struct buf *output;
};

/* Input in memory, not in a pipe: nobody has to feed it, and a program may open /dev/stdin once more. */
static int child_open_input(struct job *j, const struct child *c)
{
	int fd;

	if (!c->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	for (size_t at = 0; fd >= 0 && at < c->input_len;) {
		ssize_t n = write(fd, c->input + at, c->input_len - at);

		if (n < 0 && errno != EINTR) {
			job_fail_errno(j, "cannot hold the input of %s", c->argv[0]);
			close(fd);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int child_spawn(struct running *r)
{
	const struct child *c = r->child;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	error = posix_spawn_file_actions_adddup2(&actions, r->in, STDIN_FILENO);
	error = error ? error : posix_spawn_file_actions_adddup2(&actions, r->out_write, STDOUT_FILENO);
	error = error ? error : posix_spawn_file_actions_adddup2(&actions, r->out_write, STDERR_FILENO);
	error = error ? error : posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (!error && c->cwd)
		error = posix_spawn_file_actions_addchdir_np(&actions, c->cwd);
	if (!error)
		error = posix_spawn(&r->pid, c->path, &actions, &attributes, (char *const *)(void *)c->argv,
		    (char *const *)(void *)c->env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Rules are a thread's, and so one of its own starts the child and ends. */
static void *child_spawn_confined(void *running)
{
	struct running *r = running;

	r->spawn_error = sandbox_enter(r->sandbox);
	if (!r->spawn_error)
		r->spawn_error = child_spawn(r);
	return NULL;
}

static int child_spawn_where(struct running *r)
{
	pthread_t thread;
	int error;

	if (r->sandbox < 0)
		return child_spawn(r);
	error = pthread_create(&thread, NULL, child_spawn_confined, r);
	if (!error)
		pthread_join(thread, NULL);
	return error ? error : r->spawn_error;
}

/* Take what is there; false at the end of the output. */
static bool child_read(struct running *r)
{
	char chunk[CHILD_CHUNK];
	ssize_t n = read(r->out, chunk, sizeof(chunk));

	if (n > 0) {
		size_t room = r->child->output_max - r->output->len;

		buf_add(r->output, chunk, (size_t)n < room ? (size_t)n : room);
	}
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Until it ends or its time is over: true when it ended. */
static bool child_watch(struct running *r)
{
	struct pollfd fds[] = {
		{ .fd = r->pidfd, .events = POLLIN },
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->child->stop_fd, .events = POLLIN },
	};

	while (!(fds[0].revents & POLLIN)) {
		int64_t left = r->deadline - time_monotonic_ms();

		if (left <= 0)
			return false;
		if (poll(fds, 3, left > 1000 ? 1000 : (int)left) < 0)
			fds[0].revents = fds[1].revents = fds[2].revents = 0;
		if (fds[1].revents && !child_read(r))
			fds[1].fd = -1;
		if (fds[2].revents) {
			fds[2].fd = -1;
			if (left > CHILD_STOP_MS)
				r->deadline = time_monotonic_ms() + CHILD_STOP_MS;
		}
	}
	return true;
}

/* The child is ours and not yet waited for: its number, and so its group's, is nobody else's. */
static int child_end(struct running *r, bool ended)
{
	siginfo_t info = { 0 };

	if (!ended)
		kill(-r->pid, SIGKILL);
	while (waitid(P_PID, (id_t)r->pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	/* What it left running may hold the pipe open, and write on: read what a pipe can hold, no more. */
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < CHILD_DRAIN && child_read(r); i++)
		;
	if (!ended)
		return CHILD_TIMED_OUT;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int child_start(struct job *j, struct running *r)
{
	int pipe[2], error;

	r->in = child_open_input(j, r->child);
	if (r->in < 0)
		return j->error ? j->error
				: job_fail_errno(j, "cannot open the input of %s", r->child->argv[0]);
	if (pipe2(pipe, O_CLOEXEC))
		return job_fail_errno(j, "cannot make a pipe");
	r->out = pipe[0];
	r->out_write = pipe[1];
	if (r->child->hidden && sandbox_is_there() && sandbox_open(j, r->child->hidden, &r->sandbox))
		return j->error;
	error = child_spawn_where(r);
	if (error == ENOENT)
		return job_fail(j, E_NOT_FOUND, "not_found", "there is no %s", r->child->path);
	if (error) {
		errno = error;
		return job_fail_errno(j, "cannot run %s", r->child->path);
	}
	r->pidfd = pidfd_open(r->pid, 0);
	if (r->pidfd < 0) {
		job_fail_errno(j, "cannot watch %s", r->child->path);
		child_end(r, false);
	}
	return j->error;
}

static void child_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int child_run(struct job *j, const struct child *c, int *status, struct buf *output)
{
	struct running r = {
		.child = c, .in = -1, .out = -1, .out_write = -1, .pidfd = -1, .sandbox = -1, .output = output
	};
	int error;

	buf_open(output, j->arena);
	r.deadline = time_monotonic_ms() + c->timeout_ms;
	error = child_start(j, &r);
	child_close(&r.in);
	child_close(&r.sandbox);
	child_close(&r.out_write); /* else our own end would keep the output from ending */
	if (!error)
		*status = child_end(&r, child_watch(&r));
	child_close(&r.out);
	child_close(&r.pidfd);
	return error;
}
