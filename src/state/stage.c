/*
 * Stage a commit: its objects go into memory, no ref points at it, nothing is
 * on the disk.  A commit may stand on one that is only staged itself.
 */
#include <inttypes.h>

#include "base/digest.h"
#include "state/state_int.h"

enum { STAGED_CHUNK = 2 * 1024 };

static void keep(struct state *s, const git_oid *id)
{
	if (s->fresh_n == s->fresh_cap) {
		s->fresh_cap = s->fresh_cap ? s->fresh_cap * 2 : 64;
		s->fresh = mem_realloc(s->fresh, s->fresh_cap * sizeof(*s->fresh));
	}
	s->fresh[s->fresh_n++] = *id;
	s->is_packed = false;
}

/* NOLINTNEXTLINE(readability-function-size): an object is its type, its bytes and their number */
int state_write(struct job *j, struct state *s, git_object_t type, const void *data, size_t len, git_oid *out)
{
	int rc;

	digest_git_object(git_object_type2string(type), data, len, out->id);
	if (type == GIT_OBJECT_BLOB && s->packs->exists(s->packs, out))
		return 0;
	rc = s->staging->write(s->staging, out, data, len, type);
	if (rc < 0)
		return state_fail(j, rc, "cannot stage an object");
	s->staged_bytes += len;
	keep(s, out);
	return 0;
}

/* git cuts off both ends of a name what it can't have there. */
static int add_author(struct job *j, struct buf *b, const struct plan *plan)
{
	git_signature *author = NULL;
	int rc = git_signature_new(
	    &author, state_author_name(j, plan->actor), state_author_email(j, plan->actor), plan->time, 0);

	if (rc < 0)
		return state_fail(j, rc, "cannot stage a commit");
	buf_printf(b, "author %s <%s> %" PRId64 " +0000\n", author->name, author->email, plan->time);
	git_signature_free(author);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): what a commit is made of */
static int write_commit(struct job *j, struct state *s, const git_oid *parent, const struct plan *plan,
    const git_oid *tree, git_oid *out)
{
	struct buf commit;

	buf_open(&commit, j->arena);
	buf_printf(&commit, "tree %s\n", git_oid_tostr_s(tree));
	if (parent)
		buf_printf(&commit, "parent %s\n", git_oid_tostr_s(parent));
	if (add_author(j, &commit, plan))
		return j->error;
	buf_printf(&commit, "committer vpnunit <vpnunit@vpnunit> %" PRId64 " +0000\n", plan->time);
	return state_write_signed(j, s, &commit, state_message(j, plan), out);
}

/* It was there a moment ago: what libgit2 cannot find now, it cannot read. */
static int read_parent(struct job *j, struct state *s, const struct oid *id, git_commit **out)
{
	if (state_commit(j, s, id, out) != E_NOT_FOUND)
		return j->error;
	job_clear(j);
	return state_fail(j, GIT_ENOTFOUND, "commit %s", id->hex);
}

void state_forget_staged(struct state *s)
{
	if (s->last.arena)
		arena_close(s->last.arena);
	s->last = (struct staged){ .arena = NULL };
}

int state_stage(
    struct job *j, struct state *s, const struct oid *parent, const struct plan *plan, struct oid *out)
{
	git_oid base = { 0 }, tree, id;
	git_commit *commit = NULL;
	size_t before;

	if (state_use(j, s) || (parent->hex[0] && read_parent(j, s, parent, &commit)))
		return j->error;
	before = s->fresh_n;
	state_forget_staged(s);
	s->last.arena = arena_open(STAGED_CHUNK);
	if (commit)
		base = *git_commit_tree_id(commit);
	if (state_apply(j, s, &base, plan, &tree) ||
	    write_commit(j, s, commit ? git_commit_id(commit) : NULL, plan, &tree, &id)) {
		s->fresh_n = before; /* half a commit is packed by no later publish */
	} else {
		state_print_oid(&id, out);
		s->last.parent = *parent;
		s->last.commit = *out;
	}
	git_commit_free(commit);
	return j->error;
}

void state_discard(struct state *s)
{
	if (s->fresh_n)
		state_let_go(s);
}
