/*
 * Files: whole reads and durable writes.  A file of ours is seen by others
 * either as it was or as it is meant to be: bytes go to a temporary name in
 * the same folder, are made durable, and only then take the name.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/digest.h"
#include "base/fs.h"

static int fs_read_fd(struct job *j, int fd, const char *path, size_t max, struct buf *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return job_fail_errno(j, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return job_fail(j, E_INVALID, "not_a_file", "%s is not a regular file", path);
	buf_open(out, j->arena);
	if (st.st_size > 0 && (uintmax_t)st.st_size <= max)
		buf_reserve(out, (size_t)st.st_size + 1); /* one more, to see the end without growing */
	do {
		char *end = buf_reserve(out, 1);

		n = read(fd, end, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return job_fail_errno(j, "cannot read %s", path);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > max)
			return job_fail(j, E_INVALID, "too_large", "%s is larger than %zu bytes", path, max);
	} while (n);
	return 0;
}

int fs_read(struct job *j, const char *path, size_t max, struct buf *out)
{
	int error, fd;

	/* O_NONBLOCK, since opening a pipe would wait for its other end. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return job_fail(j, E_NOT_FOUND, "not_found", "there is no file %s", path);
	if (fd < 0)
		return job_fail_errno(j, "cannot open %s", path);
	error = fs_read_fd(j, fd, path, max, out);
	close(fd);
	return error;
}

/* The folder that path lies in. */
static char *fs_parent(struct job *j, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_strdup(j->arena, ".");
	return arena_strndup(j->arena, path, slash == path ? 1 : (size_t)(slash - path));
}

static bool fs_write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* errno, or 0: there is a new file, durable but for its name. */
static int fs_make(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), failure = 0;

	if (fd < 0)
		return errno;
	if (!fs_write_all(fd, data, len) || fchmod(fd, mode) || fsync(fd))
		failure = errno;
	if (close(fd) && !failure)
		failure = errno;
	if (failure)
		unlink(path);
	return failure;
}

static int fs_fail_write(struct job *j, const char *path, int failure)
{
	errno = failure;
	return job_fail_errno(j, "cannot write %s", path);
}

int fs_write(struct job *j, const char *path, const void *data, size_t len, mode_t mode)
{
	uint64_t random;
	char *temp;
	int failure;

	digest_random(&random, sizeof(random));
	temp = arena_printf(j->arena, "%s/.%016" PRIx64 ".tmp", fs_parent(j, path), random);
	failure = fs_make(temp, data, len, mode);
	if (failure)
		return fs_fail_write(j, path, failure);
	if (rename(temp, path) == 0)
		return 0;
	failure = errno;
	unlink(temp);
	return fs_fail_write(j, path, failure);
}

int fs_write_anew(struct job *j, const char *path, const void *data, size_t len, mode_t mode)
{
	int failure = fs_make(path, data, len, mode);

	if (failure == EEXIST)
		failure = unlink(path) ? errno : fs_make(path, data, len, mode);
	return failure ? fs_fail_write(j, path, failure) : 0;
}

static bool is_temporary(const char *name)
{
	size_t len = strlen(name);

	return len == strlen(".0123456789abcdef.tmp") && name[0] == '.' &&
	    strspn(name + 1, "0123456789abcdef") == 16 && strcmp(name + 17, ".tmp") == 0;
}

int fs_sweep(struct job *j, const char *folder)
{
	char **names;
	int error = fs_list(j, folder, &names);

	for (; !error && *names; names++)
		if (is_temporary(*names))
			error = fs_remove(j, arena_printf(j->arena, "%s/%s", folder, *names));
	return error;
}

int fs_write_durable(struct job *j, const char *path, const void *data, size_t len, mode_t mode)
{
	int error = fs_write(j, path, data, len, mode);

	return error ? error : fs_sync_dir(j, fs_parent(j, path));
}

int fs_rename(struct job *j, const char *from, const char *to)
{
	return rename(from, to) ? job_fail_errno(j, "cannot rename %s to %s", from, to) : 0;
}

int fs_remove(struct job *j, const char *path)
{
	return unlink(path) && errno != ENOENT ? job_fail_errno(j, "cannot remove %s", path) : 0;
}

static int fs_remove_at(struct job *j, int dir, const char *name, const char *path);

static int fs_empty(struct job *j, DIR *d, const char *path)
{
	const struct dirent *e;
	int error = 0;

	while (!error && (errno = 0, e = readdir(d))) {
		const char *name = e->d_name, *full;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		full = arena_printf(j->arena, "%s/%s", path, name);
		error = fs_remove_at(j, dirfd(d), name, full);
	}
	return error || !errno ? error : job_fail_errno(j, "cannot list %s", path);
}

/* path is for messages: what is removed is name in the open folder dir, whatever moved meanwhile. */
static int fs_remove_at(struct job *j, int dir, const char *name, const char *path)
{
	int error, fd;
	DIR *d;

	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		if (unlinkat(dir, name, 0) && errno != ENOENT)
			return job_fail_errno(j, "cannot remove %s", path);
		return 0;
	}
	if (fd < 0)
		return errno == ENOENT ? 0 : job_fail_errno(j, "cannot open %s", path);
	d = fdopendir(fd);
	if (!d) {
		error = job_fail_errno(j, "cannot open %s", path);
		close(fd);
		return error;
	}
	error = fs_empty(j, d, path);
	closedir(d);
	if (!error && unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOENT)
		error = job_fail_errno(j, "cannot remove %s", path);
	return error;
}

int fs_remove_tree(struct job *j, const char *path)
{
	return fs_remove_at(j, AT_FDCWD, path, path);
}

/* Make one folder; its own entry is made durable, its mode is what was asked, whatever the umask. */
static int fs_mkdir(struct job *j, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		if (chmod(path, mode))
			return job_fail_errno(j, "cannot set the mode of %s", path);
		return fs_sync_dir(j, fs_parent(j, path));
	}
	if (errno != EEXIST)
		return job_fail_errno(j, "cannot make the folder %s", path);
	if (stat(path, &st))
		return job_fail_errno(j, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return job_fail_errno(j, "cannot make the folder %s", path);
	}
	return 0;
}

int fs_mkdirs(struct job *j, const char *path, mode_t mode)
{
	char *part = arena_strdup(j->arena, path), *p = part;
	int error = 0;

	for (size_t n = strlen(part); n > 1 && part[n - 1] == '/'; n--)
		part[n - 1] = '\0';
	/* Existing parents are passed over, even those that we may not write or read. */
	while (!error && (p = strchr(p + 1, '/'))) {
		*p = '\0';
		if (!fs_exists(part))
			error = fs_mkdir(j, part, mode);
		*p = '/';
	}
	return error ? error : fs_mkdir(j, part, mode);
}

struct fs_part { /* of files that are to be synced */
	const int *fds;
	size_t n;
	int failure; /* an errno, or 0 */
};

static void fs_sync_part(void *part)
{
	struct fs_part *p = part;
	size_t i;

	for (i = 0; i < p->n && !p->failure; i++)
		if (fsync(p->fds[i]))
			p->failure = errno;
}

bool fs_sync_all(const int *fds, size_t n)
{
	struct fs_part first = { fds, n - n / 2, 0 }, second = { fds + n - n / 2, n / 2, 0 };
	struct beside half;

	if (second.n)
		beside_start(&half, fs_sync_part, &second);
	fs_sync_part(&first);
	if (second.n)
		beside_end(&half);
	errno = first.failure ? first.failure : second.failure;
	return errno == 0;
}

int fs_sync_dir(struct job *j, const char *path)
{
	int error = 0, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return job_fail_errno(j, "cannot open the folder %s", path);
	if (fsync(fd))
		error = job_fail_errno(j, "cannot sync the folder %s", path);
	close(fd);
	return error;
}

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int fs_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Collect the names, as pointers one behind the other in b. */
static int fs_collect(struct job *j, DIR *d, const char *path, struct buf *b)
{
	const struct dirent *e;

	while ((errno = 0, e = readdir(d))) {
		char *name;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		name = arena_strdup(j->arena, e->d_name);
		buf_add(b, &name, sizeof(name));
	}
	return errno ? job_fail_errno(j, "cannot list %s", path) : 0;
}

int fs_list(struct job *j, const char *path, char ***names)
{
	char *end = NULL;
	struct buf b;
	DIR *d = opendir(path);
	int error = 0;

	if (!d && errno != ENOENT)
		return job_fail_errno(j, "cannot open the folder %s", path);
	buf_open(&b, j->arena);
	if (d) {
		error = fs_collect(j, d, path, &b);
		closedir(d);
	}
	if (error)
		return error;
	qsort(b.data, b.len / sizeof(char *), sizeof(char *), fs_compare);
	buf_add(&b, &end, sizeof(end));
	*names = (char **)(void *)b.data;
	return 0;
}

int fs_lock(struct job *j, const char *path, int *fd)
{
	int error, lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (lock < 0)
		return job_fail_errno(j, "cannot open %s", path);
	if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
		*fd = lock;
		return 0;
	}
	if (errno == EWOULDBLOCK)
		error = job_fail(j, E_BUSY, "locked", "another process holds %s", path);
	else
		error = job_fail_errno(j, "cannot lock %s", path);
	close(lock);
	return error;
}
