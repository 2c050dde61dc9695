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
	static ssize_t (*real)(int, const void *, size_t);
	ssize_t some = cut(CALL_WRITE, fd, n);

	if (!real)
		real = disk_real("write");
	return some < 0 ? -1 : real(fd, bytes, (size_t)some);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);

	if (!real)
		real = disk_real("writev");
	return fails_fd(CALL_WRITE, fd) ? -1 : real(fd, parts, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	ssize_t some = cut(CALL_PWRITE, fd, n);

	if (!real)
		real = disk_real("pwrite64");
	return some < 0 ? -1 : real(fd, bytes, (size_t)some, at);
}

int fsync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = disk_real("fsync");
	return fails_fd(CALL_FSYNC, fd) ? -1 : real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = disk_real("fdatasync");
	return fails_fd(CALL_FSYNC, fd) ? -1 : real(fd);
}

int syncfs(int fd)
{
	static int (*real)(int);

	if (!real)
		real = disk_real("syncfs");
	return fails_fd(CALL_FSYNC, fd) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	if (!real)
		real = disk_real("rename");
	return fails_path(CALL_RENAME, AT_FDCWD, to) ? -1 : real(from, to);
}

int link(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	if (!real)
		real = disk_real("link");
	return fails_path(CALL_LINK, AT_FDCWD, to) ? -1 : real(from, to);
}

int unlink(const char *path)
{
	static int (*real)(const char *);

	if (!real)
		real = disk_real("unlink");
	return fails_path(CALL_UNLINK, AT_FDCWD, path) ? -1 : real(path);
}

int unlinkat(int dir, const char *path, int flags)
{
	static int (*real)(int, const char *, int);

	if (!real)
		real = disk_real("unlinkat");
	return fails_path(CALL_UNLINK, dir, path) ? -1 : real(dir, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
	static int (*real)(const char *, mode_t);

	if (!real)
		real = disk_real("mkdir");
	return fails_path(CALL_MKDIR, AT_FDCWD, path) ? -1 : real(path, mode);
}

int ftruncate64(int fd, off64_t size)
{
	static int (*real)(int, off64_t);

	if (!real)
		real = disk_real("ftruncate64");
	return fails_fd(CALL_TRUNCATE, fd) ? -1 : real(fd, size);
}

int disk_open(int dir, const char *path, int flags, mode_t mode)
{
	static int (*real)(int, const char *, int, ...);

	if (!real)
		real = disk_real("openat64");
	return fails_path(CALL_OPEN, dir, path) ? -1 : real(dir, path, flags, mode);
}
