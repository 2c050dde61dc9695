/*
 * Publish what is staged: one pack, written and synced, then the ref by
 * compare-and-swap.  The order is the whole of crash safety: a pack that no
 * ref points at is garbage, a ref without its objects would be a loss.
 */
#include "state/state_int.h"

enum {
	STAGED_MAX = 4 * 1024 *
	    1024, /* that stay in memory, for the next change reads what the last one wrote */
};

static int parse_id(struct job *j, const struct oid *in, git_oid *out)
{
	*out = (git_oid){ 0 };
	if (in->hex[0] && git_oid_fromstr(out, in->hex) < 0)
		return job_fail(j, E_INVALID, "bad_id", "\"%.40s\" is not the id of a commit", in->hex);
	return 0;
}

bool state_is_unsure(const struct state *s)
{
	return s->is_unsure;
}

int state_publish(struct job *j, struct state *s, const struct oid *old, const struct oid *new)
{
	git_oid from, to;

	if (state_use(j, s) || parse_id(j, old, &from) || parse_id(j, new, &to) || state_pack(j, s))
		return j->error;
	if (state_move_tip(j, s, &from, new)) {
		s->is_unsure = j->error != E_STALE && j->error != E_BUSY && state_tip_is_unsure(j, s, &to);
		return j->error;
	}
	s->fresh_n = 0;
	if (s->staged_bytes > STAGED_MAX) {
		git_mempack_reset(s->staging);
		s->staged_bytes = 0;
	}
	return 0;
}
