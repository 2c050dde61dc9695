/*
 * Preloaded, it writes down what a process and its children do to the data
 * folder, in order: a log for disk.py, which plays it up to any moment and
 * leaves what a power loss may leave.  Nothing fails here.  DISK_LOG names it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"

struct record { /* followed by path, other path, data */
	uint32_t kind, path, other, data;
	uint64_t inode, at;
};

static int log_fd = -1;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("DISK_LOG");

	if (path) /* high up, where no program expects one of its own */
		log_fd = fcntl((int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC),
		    F_DUPFD_CLOEXEC, 1000);
}

/* One at a time, so that the log has the order of the calls. */
static void lock(void)
{
	struct disk_control *c = disk_control();
	uint32_t free = 0;

	while (c && !atomic_compare_exchange_weak(&c->lock, &free, 1)) {
		free = 0;
		usleep(20);
	}
}

static void unlock(void)
{
	if (disk_control())
		disk_control()->lock = 0;
}

static void put(const void *bytes, size_t n)
{
	if (n && syscall(SYS_write, log_fd, bytes, n) != (ssize_t)n)
		abort();
}

static void note(struct record r, const char *path, const char *other, const void *data)
{
	int saved = errno;

	r.path = path ? (uint32_t)strlen(path) : 0;
	r.other = other ? (uint32_t)strlen(other) : 0;
	put(&r, sizeof(r));
	put(path, r.path);
	put(other, r.other);
	put(data, r.data);
	disk_control()->records++;
	errno = saved;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool is_watched(int fd, char *path)
{
	return disk_control() && log_fd >= 0 && disk_has_fd(fd, path);
}

static bool is_watched_path(int dir, const char *path, char *full)
{
	return disk_control() && log_fd >= 0 && disk_has_path(dir, path, full);
}

static void note_write(int fd, const void *bytes, ssize_t n, off_t at)
{
	note((struct record){ .kind = 'w', .data = (uint32_t)n, .inode = inode_of(fd), .at = (uint64_t)at },
	    NULL, NULL, bytes);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	char path[DISK_PATH];
	ssize_t done;
	if (!is_watched(fd, path))
		return syscall(SYS_write, fd, bytes, n);
	lock();
	done = syscall(SYS_write, fd, bytes, n);
	if (done > 0)
		note_write(fd, bytes, done, lseek(fd, 0, SEEK_CUR) - done);
	unlock();
	return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	char path[DISK_PATH];
	ssize_t done;
	if (!is_watched(fd, path))
		return syscall(SYS_pwrite64, fd, bytes, n, at);
	lock();
	done = syscall(SYS_pwrite64, fd, bytes, n, at);
	if (done > 0)
		note_write(fd, bytes, done, at);
	unlock();
	return done;
}

/* With all of its bytes, since some came by way of mmap. */
static void note_sync_file(int fd, const struct stat *st, const char *path)
{
	char proc[64];
	void *bytes = MAP_FAILED;
	int again;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	again = (int)syscall(SYS_openat, AT_FDCWD, proc, O_RDONLY | O_CLOEXEC);
	if (st->st_size)
		bytes = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_SHARED, again, 0);
	if (st->st_size && bytes == MAP_FAILED)
		abort();
	note((struct record){ .kind = 's', .data = (uint32_t)st->st_size, .inode = st->st_ino }, path, NULL,
	    bytes);
	if (bytes != MAP_FAILED)
		munmap(bytes, (size_t)st->st_size);
	close(again);
}

static int sync_fd(int fd, long call)
{
	char path[DISK_PATH];
	struct stat st;
	int rc;

	if (!is_watched(fd, path))
		return (int)syscall(call, fd);
	lock();
	rc = (int)syscall(call, fd);
	if (rc == 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		note((struct record){ .kind = 'd' }, path, NULL, NULL);
	else if (rc == 0)
		note_sync_file(fd, &st, path);
	unlock();
	return rc;
}

int fsync(int fd)
{
	return sync_fd(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return sync_fd(fd, SYS_fdatasync);
}

int syncfs(int fd)
{
	char path[DISK_PATH];
	int rc;
	if (!is_watched(fd, path))
		return (int)syscall(SYS_syncfs, fd);
	lock();
	rc = (int)syscall(SYS_syncfs, fd);
	if (rc == 0)
		note((struct record){ .kind = 'S' }, NULL, NULL, NULL);
	unlock();
	return rc;
}

static int two_paths(char kind, const char *from, const char *to, long call)
{
	char a[DISK_PATH], b[DISK_PATH];
	int rc;

	if (!is_watched_path(AT_FDCWD, from, a) || !is_watched_path(AT_FDCWD, to, b))
		return (int)syscall(call, from, to);
	lock();
	rc = (int)syscall(call, from, to);
	if (rc == 0)
		note((struct record){ .kind = (uint32_t)kind }, a, b, NULL);
	unlock();
	return rc;
}

int rename(const char *from, const char *to)
{
	return two_paths('r', from, to, SYS_rename);
}

int link(const char *from, const char *to)
{
	return two_paths('l', from, to, SYS_link);
}

/* libgit2 makes one to see whether it can: played as an empty file. */
int symlink(const char *text, const char *path)
{
	char full[DISK_PATH];
	struct stat st;
	int rc;
	if (!is_watched_path(AT_FDCWD, path, full))
		return (int)syscall(SYS_symlink, text, path);
	lock();
	rc = (int)syscall(SYS_symlink, text, path);
	if (rc == 0 && lstat(path, &st) == 0)
		note((struct record){ .kind = 'c', .inode = st.st_ino }, full, NULL, NULL);
	unlock();
	return rc;
}

static int remove_at(int dir, const char *path, int flags)
{
	char full[DISK_PATH];
	int rc;
	if (!is_watched_path(dir, path, full))
		return (int)syscall(SYS_unlinkat, dir, path, flags);
	lock();
	rc = (int)syscall(SYS_unlinkat, dir, path, flags);
	if (rc == 0)
		note((struct record){ .kind = 'u' }, full, NULL, NULL);
	unlock();
	return rc;
}

int unlinkat(int dir, const char *path, int flags)
{
	return remove_at(dir, path, flags);
}

int unlink(const char *path)
{
	return remove_at(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return remove_at(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
	char full[DISK_PATH];
	int rc;
	if (!is_watched_path(AT_FDCWD, path, full))
		return (int)syscall(SYS_mkdir, path, mode);
	lock();
	rc = (int)syscall(SYS_mkdir, path, mode);
	if (rc == 0)
		note((struct record){ .kind = 'm' }, full, NULL, NULL);
	unlock();
	return rc;
}

static void note_mode(const char *path, mode_t mode)
{
	note((struct record){ .kind = 'M', .at = mode & 07777 }, path, NULL, NULL);
}

int chmod(const char *path, mode_t mode)
{
	char full[DISK_PATH];
	int rc;
	if (!is_watched_path(AT_FDCWD, path, full))
		return (int)syscall(SYS_chmod, path, mode);
	lock();
	rc = (int)syscall(SYS_chmod, path, mode);
	if (rc == 0)
		note_mode(full, mode);
	unlock();
	return rc;
}

int fchmod(int fd, mode_t mode)
{
	char path[DISK_PATH];
	int rc;
	if (!is_watched(fd, path))
		return (int)syscall(SYS_fchmod, fd, mode);
	lock();
	rc = (int)syscall(SYS_fchmod, fd, mode);
	if (rc == 0)
		note_mode(path, mode);
	unlock();
	return rc;
}

int ftruncate64(int fd, off64_t size)
{
	char path[DISK_PATH];
	int rc;
	if (!is_watched(fd, path))
		return (int)syscall(SYS_ftruncate, fd, size);
	lock();
	rc = (int)syscall(SYS_ftruncate, fd, size);
	if (rc == 0)
		note((struct record){ .kind = 't', .inode = inode_of(fd), .at = (uint64_t)size }, NULL, NULL,
		    NULL);
	unlock();
	return rc;
}

/* A new file, or one that lost its bytes. */
static void note_open(int fd, const char *full, bool was_there, int flags)
{
	if (!was_there)
		note((struct record){ .kind = 'c', .inode = inode_of(fd) }, full, NULL, NULL);
	else if (flags & O_TRUNC)
		note((struct record){ .kind = 't', .inode = inode_of(fd) }, NULL, NULL, NULL);
}

int disk_open(int dir, const char *path, int flags, mode_t mode)
{
	char full[DISK_PATH];
	bool was_there;
	struct stat st;
	int fd;
	if (!(flags & (O_CREAT | O_TRUNC)) || !is_watched_path(dir, path, full))
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	lock();
	was_there = fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	fd = (int)syscall(SYS_openat, dir, path, flags, mode);
	if (fd >= 0)
		note_open(fd, full, was_there, flags);
	unlock();
	return fd;
}

int mkstemp64(char *pattern)
{
	static int (*real)(char *);
	char full[DISK_PATH];
	int fd;

	if (!real)
		real = disk_real("mkstemp64");
	if (!is_watched_path(AT_FDCWD, pattern, full))
		return real(pattern);
	lock();
	fd = real(pattern);
	if (fd >= 0 && disk_has_path(AT_FDCWD, pattern, full))
		note_open(fd, full, false, 0);
	unlock();
	return fd;
}
