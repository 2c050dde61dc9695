/*
 * A plan's files applied to a tree.  Only the folders on their paths are
 * rewritten; a folder that gets empty disappears; a path that is both a file
 * and a folder is refused.  A folder is changed as the bytes of its object:
 * parsing and building all its entries anew was most of the cost of staging.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "state/state_int.h"

struct span { /* files of one folder, sorted; `at` is where their names in it begin */
	const struct plan_file **files;
	size_t n, at;
};

/* By path, with '/' below every other byte: what is under one name stands together. */
static int path_order(const void *a, const void *b)
{
	const char *p = (*(const struct plan_file *const *)a)->path;
	const char *q = (*(const struct plan_file *const *)b)->path;

	while (*p && *p == *q)
		p++, q++;
	if (*p == *q)
		return 0;
	if (!*p || !*q)
		return *p ? 1 : -1;
	if (*p == '/' || *q == '/')
		return *q == '/' ? 1 : -1;
	return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
}

static int refuse(struct job *j, const char *path, const char *what)
{
	return job_fail(j, E_INVALID, "bad_plan", "%s: %s", path, what);
}

/* An entry of a tree object (gitformat-pack(5)): "MODE NAME", a zero byte and the id of 20 bytes. */
struct entry {
	const char *name;
	size_t len; /* of the name */
	bool is_folder;
	size_t at, end; /* its bytes; none: where it belongs */
};

struct folder { /* a tree object that is being changed */
	char *bytes;
	size_t len;
};

static const char *entry_mode(bool is_folder)
{
	return is_folder ? "40000 " : "100644 ";
}

/* The entry whose bytes begin at e->at. */
static bool read_entry(const struct folder *d, struct entry *e)
{
	const char *from = d->bytes + e->at, *end = d->bytes + d->len, *zero;
	size_t mode;

	e->is_folder = *from == '4';
	mode = strlen(entry_mode(e->is_folder));
	if ((size_t)(end - from) < mode || memcmp(from, entry_mode(e->is_folder), mode) != 0)
		return false;
	e->name = from + mode;
	zero = memchr(e->name, '\0', (size_t)(end - e->name));
	if (!zero || end - zero <= GIT_OID_RAWSZ)
		return false;
	e->len = (size_t)(zero - e->name);
	e->end = (size_t)(zero + 1 - d->bytes) + GIT_OID_RAWSZ;
	return true;
}

/* git's order: that of bytes, with a '/' behind the name of a folder. */
static int entry_order(const struct entry *a, const struct entry *b)
{
	size_t common = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->name, b->name, common);
	unsigned char x, y;

	if (order)
		return order;
	x = common < a->len ? (unsigned char)a->name[common] : a->is_folder ? '/' : '\0';
	y = common < b->len ? (unsigned char)b->name[common] : b->is_folder ? '/' : '\0';
	return x - y;
}

/* Where wanted, of which name and kind are known, is or belongs; another kind may be there. */
static int find_entry(struct job *j, const struct folder *d, struct entry *wanted)
{
	struct entry e;
	bool is_passed = false;

	wanted->at = wanted->end = d->len;
	for (e.at = 0; e.at < d->len; e.at = e.end) {
		if (!read_entry(d, &e))
			return job_fail(j, E_CORRUPT, "state_corrupt",
			    "a folder of the state is damaged, or holds what is no plain file, near %s: "
			    "`vpnunit git fsck` says more",
			    wanted->name);
		if (e.len == wanted->len && memcmp(e.name, wanted->name, e.len) == 0) {
			wanted->is_folder = e.is_folder;
			wanted->at = e.at;
			wanted->end = e.end;
			return 0;
		}
		if (!is_passed && entry_order(&e, wanted) > 0) {
			wanted->at = wanted->end = e.at;
			is_passed = true;
		}
	}
	return 0;
}

static bool is_there(const struct entry *e)
{
	return e->end > e->at;
}

static void entry_id(const struct folder *d, const struct entry *e, git_oid *out)
{
	memcpy(out->id, d->bytes + e->end - GIT_OID_RAWSZ, GIT_OID_RAWSZ);
}

/* Room for size bytes in the place of the entry's. */
static char *replace_entry(struct folder *d, const struct entry *e, size_t size)
{
	size_t behind = d->len - e->end;

	if (size > e->end - e->at)
		d->bytes = mem_realloc(d->bytes, e->at + size + behind);
	if (behind)
		memmove(d->bytes + e->at + size, d->bytes + e->end, behind);
	d->len = e->at + size + behind;
	return d->bytes + e->at;
}

static void put_entry(struct folder *d, const struct entry *e, const git_oid *id)
{
	const char *mode = entry_mode(e->is_folder);
	char *at = replace_entry(d, e, strlen(mode) + e->len + 1 + GIT_OID_RAWSZ);

	at = mempcpy(at, mode, strlen(mode));
	at = mempcpy(at, e->name, e->len);
	*at++ = '\0';
	memcpy(at, id->id, GIT_OID_RAWSZ);
}

static void note_change(struct staged *last, const char *path, const git_oid *before, const git_oid *after)
{
	if (!git_oid_equal(before, after))
		last->files[last->n++] = (struct staged_file){ arena_strdup(last->arena, path), *before,
			*after };
}

static int put_file(
    struct job *j, struct state *s, struct folder *d, struct entry *e, const struct plan_file *f)
{
	git_oid old = { 0 }, id = { 0 };

	if (find_entry(j, d, e))
		return j->error;
	if (e->is_folder)
		return refuse(j, f->path, "is a folder");
	if (!f->data && !is_there(e))
		return refuse(j, f->path, "cannot be deleted: it is not there");
	if (is_there(e))
		entry_id(d, e, &old);
	if (!f->data)
		replace_entry(d, e, 0);
	else if (state_write(j, s, GIT_OBJECT_BLOB, f->data, f->len, &id) == 0)
		put_entry(d, e, &id);
	note_change(&s->last, f->path, &old, &id);
	return j->error;
}

static int apply_folder(
    struct job *j, struct state *s, const git_oid *base, const struct span *span, git_oid *out);

/* The files under one name that is a folder. A zero id comes back for an empty one. */
static int put_folder(
    struct job *j, struct state *s, struct folder *d, struct entry *e, const struct span *in)
{
	git_oid old = { 0 }, id;

	if (find_entry(j, d, e))
		return j->error;
	if (!e->is_folder)
		return refuse(j, in->files[0]->path, "lies under a file");
	if (is_there(e))
		entry_id(d, e, &old);
	if (apply_folder(j, s, &old, in, &id))
		return j->error;
	if (!git_oid_is_zero(&id))
		put_entry(d, e, &id);
	else
		replace_entry(d, e, 0);
	return 0;
}

/* Names that git refuses, or that lead elsewhere in a clone. */
static bool is_name(const char *name, size_t len)
{
	return len && len <= NAME_MAX && !(len <= 2 && strncmp(name, "..", len) == 0) &&
	    !(len == 4 && strncasecmp(name, ".git", len) == 0);
}

/* All files of span whose name in this folder is that of files[i]; returns how many. */
static int put_name(struct job *j, struct state *s, struct folder *d, const struct span *span, size_t i)
{
	const char *path = span->files[i]->path, *name = path + span->at;
	struct entry e = { .name = name, .len = strcspn(name, "/"), .is_folder = strchr(name, '/') };
	size_t n = 1;
	struct span under;
	int error;

	if (!is_name(name, e.len))
		return refuse(j, path, "is not a path of a state file");
	while (i + n < span->n && strncmp(span->files[i + n]->path + span->at, name, e.len) == 0 &&
	    strchr("/", span->files[i + n]->path[span->at + e.len]))
		n++;
	if (!e.is_folder && n > 1)
		return refuse(j, path, "is written twice, or as file and folder");
	under = (struct span){ span->files + i, n, span->at + e.len + 1 };
	error = e.is_folder ? put_folder(j, s, d, &e, &under) : put_file(j, s, d, &e, span->files[i]);
	return error ? error : (int)n;
}

static int read_folder(struct job *j, struct state *s, const git_oid *id, struct folder *out)
{
	git_odb_object *object = NULL;
	int rc = git_odb_read(&object, s->odb, id);

	if (rc < 0)
		return state_fail(j, rc, "cannot read a folder of the state");
	out->len = git_odb_object_size(object);
	out->bytes = mem_alloc(out->len + 1);
	memcpy(out->bytes, git_odb_object_data(object), out->len);
	git_odb_object_free(object);
	return 0;
}

/* base: the folder's tree as it is; zero: there is none. */
static int apply_folder(
    struct job *j, struct state *s, const git_oid *base, const struct span *span, git_oid *out)
{
	struct folder d = { NULL, 0 };
	size_t i = 0;
	int n;

	*out = (git_oid){ 0 };
	if (!git_oid_is_zero(base) && read_folder(j, s, base, &d))
		return j->error;
	for (; i < span->n; i += (size_t)n)
		if ((n = put_name(j, s, &d, span, i)) < 0)
			goto out;
	if (d.len || !span->at) /* only the root may be empty */
		state_write(j, s, GIT_OBJECT_TREE, d.bytes, d.len, out);
out:
	free(d.bytes);
	return j->error;
}

int state_apply(struct job *j, struct state *s, const git_oid *base, const struct plan *plan, git_oid *out)
{
	const struct plan_file *f;
	struct span all = { 0 };

	for (f = plan->files; f; f = f->next)
		all.n++;
	all.files = arena_alloc(j->arena, (all.n + 1) * sizeof(*all.files));
	all.n = 0;
	for (f = plan->files; f; f = f->next)
		all.files[all.n++] = f;
	qsort(all.files, all.n, sizeof(*all.files), path_order);
	s->last.files = arena_alloc(s->last.arena, (all.n + 1) * sizeof(*s->last.files));
	return apply_folder(j, s, base, &all, out);
}
