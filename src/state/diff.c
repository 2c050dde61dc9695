/*
 * The difference of two commits, file by file.  Subtrees with the same id are
 * never opened, so its cost is that of the difference.  From nothing, it is
 * the walk over all files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/state_int.h"

enum {
	PATH_BYTES = 4096, /* bounds the depth too: what is pushed may be hostile */
	FILE_BYTES = 16 * 1024 * 1024,
};

struct walk {
	struct job *job;
	git_repository *repo;
	const char *commit; /* the one that is compared with, for messages */
	state_visit_change visit;
	state_visit_id visit_id; /* instead: nothing is read but folders */
	void *context;
	char path[PATH_BYTES];
};

static int walk_trees(struct walk *w, const git_oid *from, const git_oid *to, size_t at);

static int walk_corrupt(struct walk *w, const char *what)
{
	return job_fail(w->job, E_CORRUPT, "state_corrupt", "commit %s: %s: %s", w->commit, w->path, what);
}

/* The bytes of one side; *blob, which holds them, is yours to free. */
static int read_side(struct walk *w, const git_oid *id, git_blob **blob, struct state_text *out)
{
	int rc;

	if (!id)
		return 0;
	if ((rc = git_blob_lookup(blob, w->repo, id)) < 0)
		return state_fail(w->job, rc, "commit %s: %s", w->commit, w->path);
	out->bytes = git_blob_rawcontent(*blob);
	out->bytes = out->bytes ? out->bytes : "";
	out->len = (size_t)git_blob_rawsize(*blob);
	return out->len > FILE_BYTES ? walk_corrupt(w, "is too large for a state file") : 0;
}

static int visit_id(struct walk *w, const git_tree_entry *to)
{
	char hex[OID_HEX];

	git_oid_tostr(hex, sizeof(hex), git_tree_entry_id(to));
	return w->visit_id(w->job, w->context, w->path, hex);
}

static int visit_blobs(struct walk *w, const git_oid *from, const git_oid *to)
{
	struct state_change change = { .path = w->path };
	git_blob *before = NULL, *after = NULL;
	int error;

	if (!(error = read_side(w, from, &before, &change.before)) &&
	    !(error = read_side(w, to, &after, &change.after)))
		error = w->visit(w->job, w->context, &change);
	git_blob_free(before);
	git_blob_free(after);
	return error;
}

static bool is_plain(const git_tree_entry *e)
{
	return !e || git_tree_entry_filemode_raw(e) == GIT_FILEMODE_BLOB;
}

static int visit_file(struct walk *w, const git_tree_entry *from, const git_tree_entry *to)
{
	if (w->visit_id)
		return visit_id(w, to);
	if (!is_plain(from) || !is_plain(to))
		return walk_corrupt(w, "is not a plain file");
	return visit_blobs(w, from ? git_tree_entry_id(from) : NULL, to ? git_tree_entry_id(to) : NULL);
}

/* One name; from or to is NULL where it has none. Both are files or both are folders. */
static int walk_entry(struct walk *w, const git_tree_entry *from, const git_tree_entry *to, size_t at)
{
	const git_tree_entry *any = to ? to : from;
	size_t len = strlen(git_tree_entry_name(any));

	if (at + len + 2 > sizeof(w->path))
		return walk_corrupt(w, "a path is too long");
	memcpy(w->path + at, git_tree_entry_name(any), len + 1);
	if (git_tree_entry_type(any) == GIT_OBJECT_TREE) {
		memcpy(w->path + at + len, "/", 2);
		return walk_trees(w, from ? git_tree_entry_id(from) : NULL, to ? git_tree_entry_id(to) : NULL,
		    at + len + 1);
	}
	return visit_file(w, from, to);
}

static bool is_same(const git_tree_entry *a, const git_tree_entry *b)
{
	return git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)) &&
	    git_tree_entry_filemode_raw(a) == git_tree_entry_filemode_raw(b);
}

/* Merge two folders in git's order, where a folder sorts as its name and a slash: that of whole paths. */
static int merge_trees(struct walk *w, const git_tree *from, const git_tree *to, size_t at)
{
	size_t from_n = from ? git_tree_entrycount(from) : 0, to_n = to ? git_tree_entrycount(to) : 0;
	size_t i = 0, k = 0;
	int error = 0;

	while (!error && (i < from_n || k < to_n)) {
		const git_tree_entry *a = i < from_n ? git_tree_entry_byindex(from, i) : NULL;
		const git_tree_entry *b = k < to_n ? git_tree_entry_byindex(to, k) : NULL;
		int order = !a ? 1 : !b ? -1 : git_tree_entry_cmp(a, b);

		i += order <= 0;
		k += order >= 0;
		if (order != 0 || !is_same(a, b))
			error = walk_entry(w, order <= 0 ? a : NULL, order >= 0 ? b : NULL, at);
	}
	return error;
}

static int walk_trees(struct walk *w, const git_oid *from, const git_oid *to, size_t at)
{
	git_tree *a = NULL, *b = NULL;
	int rc = 0, error;

	if (from && to && git_oid_equal(from, to))
		return 0;
	if ((from && (rc = git_tree_lookup(&a, w->repo, from)) < 0) ||
	    (to && (rc = git_tree_lookup(&b, w->repo, to)) < 0))
		error = state_fail(w->job, rc, "commit %s: folder \"%s\"", w->commit, w->path);
	else
		error = merge_trees(w, a, b, at);
	git_tree_free(a);
	git_tree_free(b);
	return error;
}

static int by_path(const void *a, const void *b)
{
	const struct staged_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int visit_staged(struct walk *w, const struct staged *last)
{
	size_t i;
	int error = 0;

	qsort(last->files, last->n, sizeof(*last->files), by_path);
	for (i = 0; i < last->n && !error; i++) {
		const struct staged_file *f = &last->files[i];

		snprintf(w->path, sizeof(w->path), "%s", f->path);
		error = visit_blobs(w, git_oid_is_zero(&f->before) ? NULL : &f->before,
		    git_oid_is_zero(&f->after) ? NULL : &f->after);
	}
	return error;
}

/* As with every commit that a turn makes, for the index of the history. */
static bool is_staged_last(const struct state *s, const struct oid *from, const struct oid *to)
{
	return s->last.commit.hex[0] && strcmp(s->last.commit.hex, to->hex) == 0 &&
	    strcmp(s->last.parent.hex, from->hex) == 0;
}

/* NOLINTNEXTLINE(readability-function-size): a visitor and its context count as one */
int state_changes(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    state_visit_change visit, void *context)
{
	git_commit *a = NULL, *b = NULL;
	struct walk *w;
	int error;

	if ((error = state_use(j, s)))
		return error;
	w = arena_alloc(j->arena, sizeof(*w));
	*w = (struct walk){
		.job = j, .repo = s->repo, .commit = to->hex, .visit = visit, .context = context
	};
	if (is_staged_last(s, from, to))
		return visit_staged(w, &s->last);
	if ((from->hex[0] && (error = state_commit(j, s, from, &a))) || (error = state_commit(j, s, to, &b)))
		goto out;
	error = walk_trees(w, a ? git_commit_tree_id(a) : NULL, git_commit_tree_id(b), 0);
out:
	git_commit_free(a);
	git_commit_free(b);
	return error;
}

int state_ids(struct job *j, struct state *s, const struct oid *commit, state_visit_id visit, void *context)
{
	git_commit *c = NULL;
	struct walk *w;

	if (state_commit(j, s, commit, &c))
		return j->error;
	w = arena_alloc(j->arena, sizeof(*w));
	*w = (struct walk){
		.job = j, .repo = s->repo, .commit = commit->hex, .visit_id = visit, .context = context
	};
	walk_trees(w, NULL, git_commit_tree_id(c), 0);
	git_commit_free(c);
	return j->error;
}

struct one_sided {
	state_visit visit;
	void *context;
};

static int visit_after(struct job *j, void *context, const struct state_change *c)
{
	const struct one_sided *o = context;

	return o->visit(j, o->context, c->path, c->after.bytes, c->after.len);
}

/* NOLINTNEXTLINE(readability-function-size): a visitor and its context count as one */
int state_diff(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    state_visit visit, void *context)
{
	struct one_sided o = { visit, context };

	return state_changes(j, s, from, to, visit_after, &o);
}

/* The folder's own tree, or NULL. */
static int find_folder(struct job *j, const git_commit *c, const char *folder, git_tree_entry **out)
{
	git_tree *root = NULL;
	int rc;

	if ((rc = git_commit_tree(&root, c)) == 0)
		rc = git_tree_entry_bypath(out, root, folder);
	git_tree_free(root);
	if (rc < 0 && rc != GIT_ENOTFOUND)
		return state_fail(j, rc, "cannot read %s", folder);
	if (rc == 0 && git_tree_entry_type(*out) != GIT_OBJECT_TREE) {
		git_tree_entry_free(*out);
		*out = NULL;
	}
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): a visitor and its context count as one */
int state_files(struct job *j, struct state *s, const struct oid *commit, const char *folder,
    state_visit_change visit, void *context)
{
	git_tree_entry *entry = NULL;
	git_commit *c = NULL;
	struct walk *w;

	if (strlen(folder) + 2 > PATH_BYTES || state_commit(j, s, commit, &c) ||
	    find_folder(j, c, folder, &entry) || !entry)
		goto out;
	w = arena_alloc(j->arena, sizeof(*w));
	*w = (struct walk){
		.job = j, .repo = s->repo, .commit = commit->hex, .visit = visit, .context = context
	};
	snprintf(w->path, sizeof(w->path), "%s/", folder);
	walk_trees(w, NULL, git_tree_entry_id(entry), strlen(w->path));
out:
	git_tree_entry_free(entry);
	git_commit_free(c);
	return j->error;
}
