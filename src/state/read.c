/*
 * Single reads: the tip, a commit, one file of a commit.
 */
#include <string.h>

#include "state/state_int.h"

void state_print_oid(const git_oid *id, struct oid *out)
{
	git_oid_tostr(out->hex, sizeof(out->hex), id);
}

int state_head(struct job *j, struct state *s, struct oid *out)
{
	git_oid id;
	int rc;

	if (state_use(j, s))
		return j->error;
	rc = git_reference_name_to_id(&id, s->repo, STATE_MAIN);
	if (rc == GIT_ENOTFOUND)
		return job_fail(j, E_NOT_FOUND, "no_state",
		    "%s has no commit on branch main; `vpnunit init` makes the first one", s->path);
	if (rc < 0)
		return state_fail(j, rc, "%s: cannot read %s", s->path, STATE_MAIN);
	state_print_oid(&id, out);
	return 0;
}

int state_commit(struct job *j, struct state *s, const struct oid *id, git_commit **out)
{
	git_oid raw;
	int rc;

	if (state_use(j, s))
		return j->error;
	if (strnlen(id->hex, sizeof(id->hex)) != OID_HEX - 1 || git_oid_fromstr(&raw, id->hex) < 0)
		return job_fail(j, E_NOT_FOUND, "not_found", "\"%.40s\" is not the id of a commit", id->hex);
	rc = git_commit_lookup(out, s->repo, &raw);
	if (rc == GIT_ENOTFOUND)
		return job_fail(j, E_NOT_FOUND, "not_found", "there is no commit %s", id->hex);
	if (rc < 0)
		return state_fail(j, rc, "commit %s", id->hex);
	return 0;
}

bool state_is_commit(struct state *s, const struct oid *c)
{
	git_commit *commit = NULL;
	struct job j; /* a no is not the caller's failure */
	bool found;

	job_open(&j);
	found = state_commit(&j, s, c, &commit) == 0;
	git_commit_free(commit);
	job_close(&j);
	return found;
}

static int read_blob(struct job *j, struct state *s, const git_tree *tree, const char *path, struct buf *out)
{
	git_tree_entry *entry = NULL;
	git_blob *blob = NULL;
	int rc;

	if ((rc = git_tree_entry_bypath(&entry, tree, path)) == GIT_ENOTFOUND ||
	    (rc == 0 && git_tree_entry_type(entry) != GIT_OBJECT_BLOB)) {
		job_fail(j, E_NOT_FOUND, "not_found", "there is no %s in it", path);
		goto out;
	}
	if (rc < 0 || (rc = git_blob_lookup(&blob, s->repo, git_tree_entry_id(entry))) < 0) {
		state_fail(j, rc, "cannot read %s", path);
		goto out;
	}
	buf_open(out, j->arena);
	buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
out:
	git_blob_free(blob);
	git_tree_entry_free(entry);
	return j->error;
}

int state_read(struct job *j, struct state *s, const struct oid *commit, const char *path, struct buf *out)
{
	git_commit *c = NULL;
	git_tree *tree = NULL;
	int rc;

	if (state_commit(j, s, commit, &c))
		return j->error;
	rc = git_commit_tree(&tree, c);
	if (rc < 0)
		state_fail(j, rc, "commit %s", commit->hex);
	else
		read_blob(j, s, tree, path, out);
	git_tree_free(tree);
	git_commit_free(c);
	return j->error;
}
