/*
 * A plan's files applied to a tree.  Only the folders on their paths are
 * rewritten; a folder that gets empty disappears; a path that is both a file
 * and a folder is refused.  (git_tree_create_updated leaves empty trees.)
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

void state_keep(struct state *s, const git_oid *id)
{
	if (!s->staging->exists(s->staging, id))
		return; /* it is in a pack already */
	if (s->fresh_n == s->fresh_cap) {
		s->fresh_cap = s->fresh_cap ? s->fresh_cap * 2 : 64;
		s->fresh = mem_realloc(s->fresh, s->fresh_cap * sizeof(*s->fresh));
	}
	s->fresh[s->fresh_n++] = *id;
	s->is_packed = false;
}

struct state_unasked state_begin_write(struct state *s)
{
	struct state_unasked u = { s->packs->refresh, s->loose->freshen, s->loose->exists };

	s->packs->refresh = NULL;
	s->loose->freshen = NULL;
	s->loose->exists = NULL;
	return u;
}

void state_end_write(struct state *s, const struct state_unasked *u)
{
	s->packs->refresh = u->refresh;
	s->loose->freshen = u->freshen;
	s->loose->exists = u->exists;
}

static int write_blob(struct state *s, const struct plan_file *f, git_oid *out)
{
	struct state_unasked u = state_begin_write(s);
	int rc = git_odb_write(out, s->odb, f->data, f->len, GIT_OBJECT_BLOB);

	state_end_write(s, &u);
	if (rc == 0)
		state_keep(s, out);
	return rc;
}

static int write_tree(struct state *s, git_treebuilder *b, git_oid *out)
{
	struct state_unasked u = state_begin_write(s);
	int rc = git_treebuilder_write(out, b);

	state_end_write(s, &u);
	if (rc == 0)
		state_keep(s, out);
	return rc;
}

static int put_file(
    struct job *j, struct state *s, git_treebuilder *b, const char *name, const struct plan_file *f)
{
	const git_tree_entry *old = git_treebuilder_get(b, name);
	git_oid id;
	int rc;

	if (old && git_tree_entry_type(old) != GIT_OBJECT_BLOB)
		return refuse(j, f->path, "is a folder");
	if (!f->data && !old)
		return refuse(j, f->path, "cannot be deleted: it is not there");
	if (!f->data) {
		rc = git_treebuilder_remove(b, name);
	} else {
		rc = write_blob(s, f, &id);
		if (rc == 0)
			rc = git_treebuilder_insert(NULL, b, name, &id, GIT_FILEMODE_BLOB);
	}
	return rc < 0 ? state_fail(j, rc, "cannot stage %s", f->path) : 0;
}

static int apply_folder(
    struct job *j, struct state *s, const git_tree *base, const struct span *span, git_oid *out);

/* The files under one name that is a folder. A zero id comes back for an empty one. */
static int put_folder(
    struct job *j, struct state *s, git_treebuilder *b, const char *name, const struct span *in)
{
	const git_tree_entry *old = git_treebuilder_get(b, name);
	const char *path = in->files[0]->path;
	git_tree *base = NULL;
	git_oid id;
	int rc = 0, error = 0;

	if (old && git_tree_entry_type(old) != GIT_OBJECT_TREE)
		return refuse(j, path, "lies under a file");
	if (old && (rc = git_tree_lookup(&base, s->repo, git_tree_entry_id(old))) < 0)
		return state_fail(j, rc, "cannot read the folder of %s", path);
	error = apply_folder(j, s, base, in, &id);
	git_tree_free(base);
	if (error)
		return error;
	if (!git_oid_is_zero(&id))
		rc = git_treebuilder_insert(NULL, b, name, &id, GIT_FILEMODE_TREE);
	else if (old)
		rc = git_treebuilder_remove(b, name);
	return rc < 0 ? state_fail(j, rc, "cannot stage the folder of %s", path) : 0;
}

/* All files of span whose name in this folder is that of files[i]; returns how many. */
static int put_name(struct job *j, struct state *s, git_treebuilder *b, const struct span *span, size_t i)
{
	const char *path = span->files[i]->path, *begin = path + span->at;
	size_t len = strcspn(begin, "/"), n = 1;
	struct span under;
	char name[NAME_MAX + 1];
	int error;

	if (len == 0 || len > NAME_MAX)
		return refuse(j, path, "is not a path of a state file");
	memcpy(name, begin, len);
	name[len] = '\0';
	while (i + n < span->n && strncmp(span->files[i + n]->path + span->at, name, len) == 0 &&
	    strchr("/", span->files[i + n]->path[span->at + len]))
		n++;
	if (begin[len] == '\0' && n > 1)
		return refuse(j, path, "is written twice, or as file and folder");
	under = (struct span){ span->files + i, n, span->at + len + 1 };
	error = begin[len] ? put_folder(j, s, b, name, &under) : put_file(j, s, b, name, span->files[i]);
	return error ? error : (int)n;
}

static int apply_folder(
    struct job *j, struct state *s, const git_tree *base, const struct span *span, git_oid *out)
{
	git_treebuilder *b = NULL;
	size_t i = 0;
	int rc, n, error = 0;

	rc = git_treebuilder_new(&b, s->repo, base);
	if (rc < 0)
		return state_fail(j, rc, "cannot stage a folder");
	while (i < span->n) {
		n = put_name(j, s, b, span, i);
		if (n < 0) {
			error = n;
			goto out;
		}
		i += (size_t)n;
	}
	memset(out, 0, sizeof(*out));
	if (span->at && git_treebuilder_entrycount(b) == 0)
		goto out; /* empty: only the root may be */
	rc = write_tree(s, b, out);
	if (rc < 0)
		error = state_fail(j, rc, "cannot stage a folder");
out:
	git_treebuilder_free(b);
	return error;
}

int state_apply(struct job *j, struct state *s, const git_tree *base, const struct plan *plan, git_oid *out)
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
	return apply_folder(j, s, base, &all, out);
}
