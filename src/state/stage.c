/*
 * Stage a commit: its objects go into memory, no ref points at it, nothing is
 * on the disk.  A commit may stand on one that is only staged itself.
 */
#include "state/state_int.h"

static int make_commit(
    struct job *j, struct state *s, const git_commit *parent, const struct plan *plan, git_oid *out)
{
	git_signature *author = NULL, *committer = NULL;
	git_tree *tree = NULL, *base = NULL;
	git_buf commit = { 0 };
	git_oid root;
	int rc = 0;

	if (parent && (rc = git_commit_tree(&base, parent)) < 0) {
		state_fail(j, rc, "cannot read the parent's tree");
		goto out;
	}
	if (state_apply(j, s, base, plan, &root))
		goto out;
	if ((rc = git_signature_new(&author, state_author_name(j, plan->actor),
		 state_author_email(j, plan->actor), plan->time, 0)) < 0 ||
	    (rc = git_signature_new(&committer, "vpnunit", "vpnunit@vpnunit", plan->time, 0)) < 0 ||
	    (rc = git_tree_lookup(&tree, s->repo, &root)) < 0 ||
	    (rc = git_commit_create_buffer(&commit, s->repo, author, committer, NULL, state_message(j, plan),
		 tree, parent ? 1 : 0, &parent)) < 0) {
		state_fail(j, rc, "cannot stage a commit");
		goto out;
	}
	if (state_write_commit(j, s, &commit, out) == 0)
		state_keep(s, out);
out:
	git_buf_dispose(&commit);
	git_tree_free(tree);
	git_tree_free(base);
	git_signature_free(author);
	git_signature_free(committer);
	return j->error;
}

/* It was there a moment ago: what libgit2 cannot find now, it cannot read. */
static int read_parent(struct job *j, struct state *s, const struct oid *id, git_commit **out)
{
	if (state_commit(j, s, id, out) != E_NOT_FOUND)
		return j->error;
	job_clear(j);
	return state_fail(j, GIT_ENOTFOUND, "commit %s", id->hex);
}

int state_stage(
    struct job *j, struct state *s, const struct oid *parent, const struct plan *plan, struct oid *out)
{
	git_commit *commit = NULL;
	size_t before;
	git_oid id;

	if (state_use(j, s) || (parent->hex[0] && read_parent(j, s, parent, &commit)))
		return j->error;
	before = s->fresh_n;
	if (make_commit(j, s, commit, plan, &id))
		s->fresh_n = before; /* half a commit is packed by no later publish */
	else
		state_print_oid(&id, out);
	git_commit_free(commit);
	return j->error;
}

void state_discard(struct state *s)
{
	if (s->fresh_n)
		state_let_go(s);
}
