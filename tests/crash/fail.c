/*
 * Preloaded, it makes the calls from the N-th to the M-th that reach the data
 * folder fail: with an errno, by the end of the process, or by a short write.
 * Everything else goes to libc, and children of the process are under it too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk.h"

/* Count a call; is it one that fails? Short writes are left to their callers. */
static bool has_failed(enum disk_call call)
{
	struct disk_control *c = disk_control();
	uint64_t n;

	if (!(c->calls & call))
		return false;
	n = ++c->count;
	if (n < c->first || n > c->last)
		return false;
	c->hits++;
	if (c->how == HOW_EXIT)
		kill(getpid(), SIGKILL);
	errno = c->error;
	return true;
}

static bool fails_path(enum disk_call call, int dir, const char *path)
{
	char full[DISK_PATH];

	return disk_control() && disk_control()->calls && disk_has_path(dir, path, full) && has_failed(call);
}

static bool fails_fd(enum disk_call call, int fd)
{
	char full[DISK_PATH];

	return disk_control() && disk_control()->calls && disk_has_fd(fd, full) && has_failed(call);
}

/* How many bytes of n to write; -1: none, it has failed. */
static ssize_t cut(enum disk_call call, int fd, size_t n)
{
	if (!fails_fd(call, fd))
		return (ssize_t)n;
	return disk_control()->how == HOW_SHORT ? (ssize_t)(n + 1) / 2 : -1;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	ssize_t some = cut(CALL_WRITE, fd, n);

	return some < 0 ? -1 : syscall(SYS_write, fd, bytes, (size_t)some);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	return fails_fd(CALL_WRITE, fd) ? -1 : syscall(SYS_writev, fd, parts, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	ssize_t some = cut(CALL_PWRITE, fd, n);

	return some < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, (size_t)some, at);
}

int fsync(int fd)
{
	return fails_fd(CALL_FSYNC, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails_fd(CALL_FSYNC, fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return fails_fd(CALL_FSYNC, fd) ? -1 : (int)syscall(SYS_syncfs, fd);
}

int rename(const char *from, const char *to)
{
	return fails_path(CALL_RENAME, AT_FDCWD, to) ? -1 : (int)syscall(SYS_rename, from, to);
}

int link(const char *from, const char *to)
{
	return fails_path(CALL_LINK, AT_FDCWD, to) ? -1 : (int)syscall(SYS_link, from, to);
}

int unlink(const char *path)
{
	return fails_path(CALL_UNLINK, AT_FDCWD, path) ? -1 : (int)syscall(SYS_unlink, path);
}

int unlinkat(int dir, const char *path, int flags)
{
	return fails_path(CALL_UNLINK, dir, path) ? -1 : (int)syscall(SYS_unlinkat, dir, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
	return fails_path(CALL_MKDIR, AT_FDCWD, path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int ftruncate64(int fd, off64_t size)
{
	return fails_fd(CALL_TRUNCATE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int disk_open(int dir, const char *path, int flags, mode_t mode)
{
	return fails_path(CALL_OPEN, dir, path) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}
