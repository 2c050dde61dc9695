/*
 * Files on their way out: collected by path, compared with the live ones,
 * staged durable under other names, renamed into place.  Nothing live changes
 * before output_promote, and there each file changes whole or not at all.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/map.h"
#include "render/render_int.h"

/* From here on one syncfs is cheaper than an fsync a file. */
enum { SYNC_ALL_FROM = 32, COMPARE_CHUNK = 16384, LARGE = 1024 * 1024, RELIEF_BYTES = 8 * LARGE };

static char staged_bytes[1]; /* stands for bytes that are in the staging folder alone */

struct output {
	struct arena *arena;
	struct map by_path;
	struct output_file **files;
	size_t n, cap;
	size_t held, relieved; /* bytes since the last relief; files that it has seen */
	bool is_unsynced; /* some are in the staging folder already */
	bool is_new[OUTPUT_FOLDERS];
};

void output_path(const struct output_place *p, const char *path, char *out)
{
	int n = snprintf(out, RENDER_PATH_MAX, "%s/%s", p->data, path);

	assert(n > 0 && n < RENDER_PATH_MAX); /* render_open bounds the folder's name */
	(void)n;
}

const char *output_staged_name(const struct output_file *f, char number[32])
{
	if (f->is_in_new)
		return f->path;
	snprintf(number, 32, "%zu", f->number);
	return number;
}

void output_staged_path(const struct output_place *p, const struct output_file *f, char *out)
{
	char number[32];
	int n = snprintf(out, RENDER_PATH_MAX, "%s/staging/%s", p->data, output_staged_name(f, number));

	assert(n > 0 && n < RENDER_PATH_MAX);
	(void)n;
}

int output_stage_folders(struct job *j, const struct output_place *p, struct output *o)
{
	size_t i;

	for (i = 0; output_folder(i) && !j->error; i++)
		if (output_is_leaf(i))
			output_make_staged(j, p, i, &o->is_new[i]);
	return j->error;
}

bool output_is_new(const struct output *o, size_t n)
{
	return o->is_new[n];
}

struct output *output_open(void)
{
	struct output *o = mem_zalloc(sizeof(*o));

	o->arena = arena_open(64 * 1024);
	return o;
}

static void file_drop_bytes(struct output_file *f)
{
	if (f->data && (f->flags & OUTPUT_SECRET))
		digest_cleanse(f->data, f->len);
	if (f->data != staged_bytes && !(f->flags & OUTPUT_LENT))
		free(f->data);
	f->data = NULL;
	f->len = 0;
}

void output_close(struct output *o)
{
	size_t i;

	if (!o)
		return;
	for (i = 0; i < o->n; i++)
		file_drop_bytes(o->files[i]);
	map_clear(&o->by_path);
	free(o->files);
	arena_close(o->arena);
	free(o);
}

static struct output_file *output_take(struct output *o, const char *path)
{
	struct output_file *f = map_get(&o->by_path, path);

	if (f)
		return f;
	f = arena_alloc(o->arena, sizeof(*f));
	f->path = arena_strdup(o->arena, path);
	map_put(&o->by_path, f->path, f);
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 32;
		o->files = mem_realloc(o->files, o->cap * sizeof(*o->files));
	}
	f->number = o->n;
	f->is_in_new = o->is_new[output_folder_of(path)];
	o->files[o->n++] = f;
	return f;
}

void output_write(struct output *o, const char *path, const void *data, size_t len, unsigned flags)
{
	struct output_file *f = output_take(o, path);

	file_drop_bytes(f);
	f->data = mem_alloc(len + 1);
	f->data[len] = '\0';
	if (len)
		memcpy(f->data, data, len);
	o->held += len;
	f->twin = NULL;
	f->len = len;
	f->flags = flags;
}

void output_lend(struct output *o, const char *path, char *data, size_t len, unsigned flags)
{
	struct output_file *f = output_take(o, path);

	file_drop_bytes(f);
	f->data = data;
	f->twin = NULL;
	f->len = len;
	f->flags = flags | OUTPUT_LENT;
}

void output_twin(struct output *o, const char *path, const char *other)
{
	output_take(o, path)->twin = output_find(o, other);
}

void output_remove(struct output *o, const char *path)
{
	output_take(o, path);
}

struct output_file *output_find(const struct output *o, const char *path)
{
	return map_get(&o->by_path, path);
}

struct output_file *output_next(const struct output *o, size_t *it)
{
	return *it < o->n ? o->files[(*it)++] : NULL;
}

mode_t output_mode(const struct output_place *p)
{
	return p->group == (gid_t)-1 ? 0600 : 0640;
}

static bool bytes_are(int fd, const char *expected, size_t len)
{
	char chunk[COMPARE_CHUNK];
	bool same = true;
	ssize_t n = 0;

	while (same && len) {
		n = read(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		same = n > 0 && !memcmp(chunk, expected, (size_t)n);
		expected += same ? n : 0;
		len -= same ? (size_t)n : 0;
	}
	digest_cleanse(chunk, sizeof(chunk));
	return same;
}

bool output_is_live(const struct output_place *p, const struct output_file *f)
{
	char path[RENDER_PATH_MAX];
	struct stat st;
	bool same;
	int fd;

	output_path(p, f->path, path);
	if (!f->data)
		return lstat(path, &st) && errno == ENOENT;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	same = !fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == output_mode(p) &&
	    st.st_size == (off_t)f->len && bytes_are(fd, f->data, f->len);
	close(fd);
	return same;
}

/* What a staged file needs before its name: bytes, group, mode and, for the CRL, its time. */
static bool fill_staged(int fd, const struct output_place *p, const struct output_file *f)
{
	struct timespec times[2] = { { .tv_sec = f->mtime }, { .tv_sec = f->mtime } };
	const char *from = f->data;
	size_t left = f->len;

	while (left) {
		ssize_t n = write(fd, from, left);

		if (n < 0 && errno != EINTR)
			return false;
		from += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	/* A group that this process is no member of was reported when the folders were made. */
	if (p->group != (gid_t)-1 && fchown(fd, (uid_t)-1, p->group) && errno != EPERM)
		return false;
	return !fchmod(fd, output_mode(p)) && (!f->mtime || !futimens(fd, times));
}

static bool is_linked(const struct output_place *p, const struct output_file *f, const char *path)
{
	char other[RENDER_PATH_MAX];

	if (!f->twin || !f->twin->is_staged)
		return false;
	output_staged_path(p, f->twin, other);
	return link(other, path) == 0; /* else a file of its own does as well */
}

/* Bytes on their way to the disk, while others are written: a hint, what failed is told by the sync. */
static void send_off(int fd)
{
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* The file is left open where its owner syncs it himself. */
static int stage_file(struct job *j, const struct output_place *p, const struct output_file *f, int *open_fd)
{
	char path[RENDER_PATH_MAX];
	int fd;

	output_staged_path(p, f, path);
	if (is_linked(p, f, path))
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return job_fail_errno(j, "cannot write %s", path);
	if (!fill_staged(fd, p, f))
		job_fail_errno(j, "cannot write %s for %s", path, f->path);
	else if (f->len >= LARGE)
		send_off(fd);
	if (open_fd)
		*open_fd = fd;
	else if (close(fd))
		job_fail_errno(j, "cannot write %s for %s", path, f->path);
	return j->error;
}

/*
 * Few files: their bytes are sent on their way together, and mostly the first
 * fsync then commits the others' inodes too.
 */
static int stage_few(struct job *j, const struct output_place *p, struct output *o)
{
	int fds[SYNC_ALL_FROM], n = 0, i;
	size_t at;

	for (at = 0; at < o->n && !j->error; at++)
		if (o->files[at]->is_staged && o->files[at]->data) {
			fds[n] = -1;
			stage_file(j, p, o->files[at], &fds[n]);
			n += fds[n] >= 0;
		}
	for (i = 0; i < n && !j->error; i++)
		send_off(fds[i]);
	if (!j->error && !fs_sync_all(fds, (size_t)n))
		job_fail_errno(j, "cannot sync a file in %s/staging", p->data);
	for (i = 0; i < n; i++) {
		if (close(fds[i]) && !j->error)
			job_fail_errno(j, "cannot close a file in %s/staging", p->data);
	}
	return j->error;
}

static int sync_file_system(struct job *j, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd))
		job_fail_errno(j, "cannot sync %s", path);
	if (fd >= 0)
		close(fd);
	return j->error;
}

static int stage_many(struct job *j, const struct output_place *p, struct output *o)
{
	char staging[RENDER_PATH_MAX];
	size_t i;
	int error;

	for (i = 0; i < o->n; i++)
		if (o->files[i]->is_staged && o->files[i]->data && o->files[i]->data != staged_bytes &&
		    (error = stage_file(j, p, o->files[i], NULL)))
			return error;
	output_path(p, "staging", staging);
	return sync_file_system(j, staging);
}

static int relieve(struct job *j, const struct output_place *p, struct output *o, struct output_file *f)
{
	f->is_staged = f->is_in_new || !output_is_live(p, f);
	if (f->is_staged && stage_file(j, p, f, NULL))
		return j->error;
	o->is_unsynced = o->is_unsynced || f->is_staged;
	free(f->data);
	f->data = staged_bytes;
	return 0;
}

int output_relieve(struct job *j, const struct output_place *p, struct output *o)
{
	if (o->held < RELIEF_BYTES)
		return 0;
	for (; o->relieved < o->n && !j->error; o->relieved++)
		if (o->files[o->relieved]->data && (o->files[o->relieved]->flags & OUTPUT_MANY))
			relieve(j, p, o, o->files[o->relieved]);
	o->held = 0;
	return j->error;
}

int output_stage(struct job *j, const struct output_place *p, struct output *o)
{
	size_t i, staged = 0;

	for (i = 0; i < o->n; i++) {
		if (o->files[i]->data == staged_bytes)
			continue;
		o->files[i]->is_staged = o->files[i]->is_in_new || (o->files[i]->flags & OUTPUT_NEW) ||
		    !output_is_live(p, o->files[i]);
		staged += o->files[i]->is_staged && o->files[i]->data;
	}
	return staged < SYNC_ALL_FROM && !o->is_unsynced ? stage_few(j, p, o) : stage_many(j, p, o);
}

static void write_output(void *writing)
{
	struct output_writing *w = writing;

	output_stage(&w->job, w->place, w->output);
}

void output_start(const struct output_place *p, struct output *o, struct output_writing *w)
{
	*w = (struct output_writing){ .place = p, .output = o };
	job_open(&w->job);
	beside_start(&w->beside, write_output, w);
}

int output_await(struct job *j, struct output_writing *w)
{
	if (!w->output)
		return j->error;
	beside_end(&w->beside);
	w->output = NULL;
	job_join(j, &w->job);
	return j->error;
}
