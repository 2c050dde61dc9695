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
	int (*real)(const char *, int, ...) = disk_real("open64");

	if (path)
		log_fd = fcntl(real(path, O_WRONLY | O_APPEND | O_CLOEXEC), F_DUPFD_CLOEXEC, 1000);
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
	static ssize_t (*real)(int, const void *, size_t);

	if (!real)
		real = disk_real("write");
	if (n && real(log_fd, bytes, n) != (ssize_t)n)
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
	static ssize_t (*real)(int, const void *, size_t);
	char path[DISK_PATH];
	ssize_t done;

	if (!real)
		real = disk_real("write");
	if (!is_watched(fd, path))
		return real(fd, bytes, n);
	lock();
	done = real(fd, bytes, n);
	if (done > 0)
		note_write(fd, bytes, done, lseek(fd, 0, SEEK_CUR) - done);
	unlock();
	return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	char path[DISK_PATH];
	ssize_t done;

	if (!real)
		real = disk_real("pwrite64");
	if (!is_watched(fd, path))
		return real(fd, bytes, n, at);
	lock();
	done = real(fd, bytes, n, at);
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
	int (*real)(const char *, int, ...) = disk_real("open64"), again;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	again = real(proc, O_RDONLY | O_CLOEXEC);
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

static int sync_fd(int fd, int (*real)(int))
{
	char path[DISK_PATH];
	struct stat st;
	int rc;

	if (!is_watched(fd, path))
		return real(fd);
	lock();
	rc = real(fd);
	if (rc == 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		note((struct record){ .kind = 'd' }, path, NULL, NULL);
	else if (rc == 0)
		note_sync_file(fd, &st, path);
	unlock();
	return rc;
}

int fsync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = disk_real("fsync");
	return sync_fd(fd, real);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (!real)
		real = disk_real("fdatasync");
	return sync_fd(fd, real);
}

int syncfs(int fd)
{
	static int (*real)(int);
	char path[DISK_PATH];
	int rc;

	if (!real)
		real = disk_real("syncfs");
	if (!is_watched(fd, path))
		return real(fd);
	lock();
	rc = real(fd);
	if (rc == 0)
		note((struct record){ .kind = 'S' }, NULL, NULL, NULL);
	unlock();
	return rc;
}

static int two_paths(char kind, const char *from, const char *to, int (*real)(const char *, const char *))
{
	char a[DISK_PATH], b[DISK_PATH];
	int rc;

	if (!is_watched_path(AT_FDCWD, from, a) || !is_watched_path(AT_FDCWD, to, b))
		return real(from, to);
	lock();
	rc = real(from, to);
	if (rc == 0)
		note((struct record){ .kind = (uint32_t)kind }, a, b, NULL);
	unlock();
	return rc;
}

int rename(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	if (!real)
		real = disk_real("rename");
	return two_paths('r', from, to, real);
}

int link(const char *from, const char *to)
{
	static int (*real)(const char *, const char *);

	if (!real)
		real = disk_real("link");
	return two_paths('l', from, to, real);
}

int symlink(const char *text, const char *path)
{
	static int (*real)(const char *, const char *);
	char full[DISK_PATH];

	if (!real)
		real = disk_real("symlink");
	if (is_watched_path(AT_FDCWD, path, full))
		abort(); /* disk.py knows none */
	return real(text, path);
}

static int remove_at(int dir, const char *path, int flags)
{
	static int (*real)(int, const char *, int);
	char full[DISK_PATH];
	int rc;

	if (!real)
		real = disk_real("unlinkat");
	if (!is_watched_path(dir, path, full))
		return real(dir, path, flags);
	lock();
	rc = real(dir, path, flags);
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
	static int (*real)(const char *, mode_t);
	char full[DISK_PATH];
	int rc;

	if (!real)
		real = disk_real("mkdir");
	if (!is_watched_path(AT_FDCWD, path, full))
		return real(path, mode);
	lock();
	rc = real(path, mode);
	if (rc == 0)
		note((struct record){ .kind = 'm' }, full, NULL, NULL);
	unlock();
	return rc;
}

int ftruncate64(int fd, off64_t size)
{
	static int (*real)(int, off64_t);
	char path[DISK_PATH];
	int rc;

	if (!real)
		real = disk_real("ftruncate64");
	if (!is_watched(fd, path))
		return real(fd, size);
	lock();
	rc = real(fd, size);
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
	static int (*real)(int, const char *, int, ...);
	char full[DISK_PATH];
	bool was_there;
	struct stat st;
	int fd;

	if (!real)
		real = disk_real("openat64");
	if (!(flags & (O_CREAT | O_TRUNC)) || !is_watched_path(dir, path, full))
		return real(dir, path, flags, mode);
	lock();
	was_there = fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	fd = real(dir, path, flags, mode);
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
