/* What both shims need to know of a call; see disk.h. */
#include "disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { VARIABLES = 128 };

static char root[DISK_PATH];
static struct disk_control *control;

/* By system calls, since open and its like are the shim's own here. */
__attribute__((constructor)) static void disk_start(void)
{
	const char *folder = getenv("DISK_ROOT"), *file = getenv("DISK_CONTROL");
	int fd;
	void *page;

	if (!folder || !file || strlen(folder) >= sizeof(root))
		return;
	strcpy(root, folder);
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	page = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	control = page == MAP_FAILED ? NULL : page;
	syscall(SYS_close, fd);
}

struct disk_control *disk_control(void)
{
	return control;
}

void *disk_real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

static bool is_inside(const char *path)
{
	size_t n = strlen(root);

	return n && strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Where a descriptor, or the working directory, leads. */
static bool read_link(int fd, char *out)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	n = readlink(link, out, DISK_PATH - 1);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool disk_has_path(int dir, const char *path, char *out)
{
	int saved = errno;
	size_t n = 0;

	if (*path != '/') {
		if (!read_link(dir, out))
			return false;
		n = strlen(out);
		out[n++] = '/';
	}
	errno = saved;
	if (n + strlen(path) >= DISK_PATH)
		return false;
	strcpy(out + n, path);
	return is_inside(out);
}

bool disk_has_fd(int fd, char *out)
{
	int saved = errno;
	bool inside = read_link(fd, out) && is_inside(out);

	errno = saved;
	return inside;
}

/* Children get an environment made for them: the shim comes along. */
int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, char *const argv[], char *const env[])
{
	static const char *const names[] = { "LD_PRELOAD", "DISK_ROOT", "DISK_CONTROL", "DISK_LOG" };
	static int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
	    const posix_spawnattr_t *, char *const[], char *const[]);
	char more[4][DISK_PATH], *all[VARIABLES + 5];
	size_t n = 0, i;

	if (!real)
		real = disk_real("posix_spawnp");
	for (; env[n] && n < VARIABLES; n++)
		all[n] = env[n];
	for (i = 0; i < 4; i++) {
		if (!getenv(names[i]))
			continue;
		snprintf(more[i], DISK_PATH, "%s=%s", names[i], getenv(names[i]));
		all[n++] = more[i];
	}
	all[n] = NULL;
	return real(pid, file, actions, attributes, argv, all);
}

static mode_t take_mode(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = take_mode(flags, ap);
	va_end(ap);
	return disk_open(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = take_mode(flags, ap);
	va_end(ap);
	return disk_open(dir, path, flags, mode);
}

/* The names that programs built with large files, or with FORTIFY, call. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));

int creat(const char *path, mode_t mode)
{
	return disk_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));

int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return disk_open(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
int __openat_2(int dir, const char *path, int flags);
int __openat_2(int dir, const char *path, int flags)
{
	return disk_open(dir, path, flags, 0);
}

int __openat64_2(int dir, const char *path, int flags) __attribute__((alias("__openat_2")));

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}
