/*
 * Publish what is staged: one pack, written and synced, then the ref by
 * compare-and-swap.  The order is the whole of crash safety: a pack that no
 * ref points at is garbage, a ref without its objects would be a loss.
 */
#include <time.h>

#include "base/fs.h"
#include "base/time.h"
#include "state/state_int.h"

enum {
	LOCK_WAIT_MS = 5000, /* how long a push or `git pack-refs` may hold the ref */
	LOCK_RETRY_NS = 5000000,
	STAGED_MAX = 4 * 1024 *
	    1024, /* that stay in memory, for the next change reads what the last one wrote */
};

static int stale(struct job *j)
{
	return job_fail(j, E_STALE, "stale", "branch main moved meanwhile");
}

static int parse_id(struct job *j, const struct oid *in, git_oid *out)
{
	*out = (git_oid){ 0 };
	if (in->hex[0] && git_oid_fromstr(out, in->hex) < 0)
		return job_fail(j, E_INVALID, "bad_id", "\"%.40s\" is not the id of a commit", in->hex);
	return 0;
}

/* What the swap will find out too; asked before, a lost race costs no pack. */
static int check_unmoved(struct job *j, struct state *s, const git_oid *old)
{
	git_oid tip = { 0 };
	int rc = git_reference_name_to_id(&tip, s->repo, STATE_MAIN);

	if (rc < 0 && rc != GIT_ENOTFOUND)
		return state_fail(j, rc, "%s: cannot read %s", s->path, STATE_MAIN);
	return git_oid_equal(&tip, old) ? 0 : stale(j);
}

static int move_main(struct job *j, struct state *s, const git_oid *old, const git_oid *new)
{
	const struct timespec pause = { .tv_nsec = LOCK_RETRY_NS };
	int64_t end = time_monotonic_ms() + LOCK_WAIT_MS;
	int rc;

	for (;;) {
		/* A zero old id means "must not exist" to libgit2, checked under the ref's lock. */
		rc = git_reference_create_matching(NULL, s->repo, STATE_MAIN, new, 1, old, "publish");
		if (rc != GIT_ELOCKED || time_monotonic_ms() >= end)
			break;
		nanosleep(&pause, NULL);
	}
	if (rc == GIT_EMODIFIED || rc == GIT_ENOTFOUND)
		return stale(j);
	if (rc < 0)
		return state_fail(j, rc, "%s: cannot move %s", s->path, STATE_MAIN);
	return 0;
}

/*
 * A move that failed may have happened, with only the last fsync to fail; it may have left its lock, too, which
 * every later move would run into.
 */
static bool is_unsure(struct job *j, const struct state *s, const git_oid *new)
{
	git_oid tip;

	return git_reference_name_to_id(&tip, s->repo, STATE_MAIN) < 0 || git_oid_equal(&tip, new) ||
	    fs_exists(arena_printf(j->arena, "%s/" STATE_MAIN ".lock", s->path));
}

bool state_is_unsure(const struct state *s)
{
	return s->is_unsure;
}

int state_publish(struct job *j, struct state *s, const struct oid *old, const struct oid *new)
{
	git_oid from, to;

	if (state_use(j, s) || parse_id(j, old, &from) || parse_id(j, new, &to) ||
	    check_unmoved(j, s, &from) || state_pack(j, s))
		return j->error;
	if (move_main(j, s, &from, &to)) {
		s->is_unsure = j->error != E_STALE && j->error != E_BUSY && is_unsure(j, s, &to);
		return j->error;
	}
	s->fresh_n = 0;
	if (s->staged_bytes > STAGED_MAX) {
		git_mempack_reset(s->staging);
		s->staged_bytes = 0;
	}
	return 0;
}
