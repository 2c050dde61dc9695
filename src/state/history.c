/*
 * Questions about the past that walk commits: who changed a path last, is one
 * commit an ancestor of another.  Cost grows with the commits walked; lists
 * and searches are the business of the derived database.
 */
#include <stdlib.h>
#include <string.h>

#include "state/state_int.h"

/*
 * Has path the same content in both trees (NULL: none)?  Goes down name by
 * name and stops where the folders are equal, which is at once for most commits.
 */
static int compare_path(
    git_repository *repo, const git_oid *a, const git_oid *b, const char *path, bool *same)
{
	git_tree *left = NULL, *right = NULL;
	const git_tree_entry *x = NULL, *y = NULL;
	size_t len = strcspn(path, "/");
	char *name = NULL;
	int rc = 0;

	*same = a && b ? git_oid_equal(a, b) : a == b;
	if (*same || !*path)
		return 0;
	if ((a && (rc = git_tree_lookup(&left, repo, a)) < 0) ||
	    (b && (rc = git_tree_lookup(&right, repo, b)) < 0))
		goto out;
	name = mem_zalloc(len + 1);
	memcpy(name, path, len);
	x = left ? git_tree_entry_byname(left, name) : NULL;
	y = right ? git_tree_entry_byname(right, name) : NULL;
	path += len;
	path += *path == '/';
	/* A file where the path goes on holds nothing of it. */
	if (*path && x && git_tree_entry_type(x) != GIT_OBJECT_TREE)
		x = NULL;
	if (*path && y && git_tree_entry_type(y) != GIT_OBJECT_TREE)
		y = NULL;
	rc = compare_path(repo, x ? git_tree_entry_id(x) : NULL, y ? git_tree_entry_id(y) : NULL, path, same);
out:
	free(name);
	git_tree_free(left);
	git_tree_free(right);
	return rc;
}

/*
 * One step back: *next is a parent that has path as c has it, NULL where none
 * has.  At a root, *is_there says whether it brought the path.
 */
static int step_back(git_repository *repo, git_commit *c, const char *path, git_commit **next, bool *is_there)
{
	const git_oid *here = git_commit_tree_id(c);
	unsigned i, n = git_commit_parentcount(c);
	bool same = false;
	int rc;

	*next = NULL;
	*is_there = true;
	if (n == 0) {
		rc = compare_path(repo, here, NULL, path, &same);
		*is_there = !same;
		return rc;
	}
	for (i = 0; i < n; i++) {
		if ((rc = git_commit_parent(next, c, i)) < 0 ||
		    (rc = compare_path(repo, here, git_commit_tree_id(*next), path, &same)) < 0)
			return rc;
		if (same)
			return 0;
		git_commit_free(*next);
		*next = NULL;
	}
	return 0;
}

static void fill_entry(struct job *j, git_commit *c, struct state_entry *out)
{
	const char *subject = git_commit_summary(c);

	state_print_oid(git_commit_id(c), &out->commit);
	out->time = git_commit_time(c);
	out->actor = arena_strdup(j->arena, git_commit_author(c)->name);
	out->subject = arena_strdup(j->arena, subject ? subject : "");
}

int state_last_change(
    struct job *j, struct state *s, const struct oid *from, const char *path, struct state_entry *out)
{
	git_commit *c = NULL, *next = NULL;
	bool is_there = true;
	int rc;

	if (state_commit(j, s, from, &c))
		return j->error;
	while ((rc = step_back(s->repo, c, path, &next, &is_there)) == 0 && next) {
		git_commit_free(c);
		c = next;
		next = NULL;
	}
	if (rc < 0)
		state_fail(j, rc, "history of %s", path);
	else if (!is_there)
		job_fail(j, E_NOT_FOUND, "not_found", "nobody ever changed %s", path);
	else
		fill_entry(j, c, out);
	git_commit_free(next);
	git_commit_free(c);
	return j->error;
}

int state_is_ancestor(struct job *j, struct state *s, const struct oid *a, const struct oid *b, bool *out)
{
	git_commit *old = NULL, *new = NULL;
	int rc;

	if (state_commit(j, s, a, &old) || state_commit(j, s, b, &new))
		goto out;
	rc = git_oid_equal(git_commit_id(old), git_commit_id(new))
	    ? 1
	    : git_graph_descendant_of(s->repo, git_commit_id(new), git_commit_id(old));
	if (rc < 0)
		state_fail(j, rc, "history of %s", b->hex);
	else
		*out = rc > 0;
out:
	git_commit_free(old);
	git_commit_free(new);
	return j->error;
}

int state_parent(struct job *j, struct state *s, const struct oid *commit, struct oid *out)
{
	git_commit *c = NULL;

	out->hex[0] = '\0';
	if (state_commit(j, s, commit, &c))
		return j->error;
	if (git_commit_parentcount(c))
		git_oid_tostr(out->hex, sizeof(out->hex), git_commit_parent_id(c, 0));
	git_commit_free(c);
	return 0;
}
