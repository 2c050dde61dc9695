/*
 * Branch main's file, moved as git's files backend does: what it will say takes
 * the name of the lock, and then main's.  By ourselves, since libgit2 writes and
 * syncs it only then, while all that waits for the disk can wait at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "state/state_int.h"

enum {
	LOCK_WAIT_MS = 5000, /* how long a push or `git pack-refs` may hold the ref */
	LOCK_RETRY_NS = 5000000,
};

static const char *file(struct job *j, const struct state *s, const char *name)
{
	return arena_printf(j->arena, "%s/%s", s->path, name);
}

static const char *next_file(struct job *j, const struct state *s)
{
	return file(j, s, "main.next");
}

static const char *lock_file(struct job *j, const struct state *s)
{
	return file(j, s, STATE_MAIN ".lock");
}

int state_write_tip(struct job *j, struct state *s, const struct oid *new)
{
	const char *text = arena_printf(j->arena, "%s\n", new->hex);

	if (strcmp(s->next.hex, new->hex) == 0)
		return 0;
	s->next.hex[0] = '\0';
	if (fs_write_anew(j, next_file(j, s), text, strlen(text), 0644) == 0)
		s->next = *new;
	return j->error;
}

static int lock(struct job *j, struct state *s)
{
	const struct timespec pause = { .tv_nsec = LOCK_RETRY_NS };
	const char *next = next_file(j, s), *path = lock_file(j, s);
	int64_t end = time_monotonic_ms() + LOCK_WAIT_MS;

	while (link(next, path)) {
		if (errno != EEXIST)
			return job_fail_errno(j, "cannot lock %s with %s", STATE_MAIN, path);
		if (time_monotonic_ms() >= end)
			return job_fail(j, E_BUSY, "locked",
			    "%s: cannot move %s: %s.lock has been there for five seconds; where no git runs, remove it",
			    s->path, STATE_MAIN, STATE_MAIN);
		nanosleep(&pause, NULL);
	}
	s->next.hex[0] = '\0';
	unlink(next); /* where it stays, it is replaced like any other */
	return 0;
}

static int stale(struct job *j)
{
	return job_fail(j, E_STALE, "stale", "branch main moved meanwhile");
}

/* A zero id: there must be no main. */
static int check_unmoved(struct job *j, struct state *s, const git_oid *old)
{
	git_oid tip = { 0 };
	int rc = git_reference_name_to_id(&tip, s->repo, STATE_MAIN);

	if (rc < 0 && rc != GIT_ENOTFOUND)
		return state_fail(j, rc, "%s: cannot read %s", s->path, STATE_MAIN);
	return git_oid_equal(&tip, old) ? 0 : stale(j);
}

static int swap(struct job *j, struct state *s, const git_oid *old)
{
	const char *path = file(j, s, STATE_MAIN);

	if (check_unmoved(j, s, old))
		return j->error;
	state_rest(s);
	s->replaced = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fs_rename(j, lock_file(j, s), path);
}

/* Others may move main again; where they cannot, that is what has failed. */
static int unlock(struct job *j, struct state *s)
{
	struct job removing;

	job_open(&removing);
	if (fs_remove(&removing, lock_file(j, s)))
		job_clear(j);
	job_join(j, &removing);
	return j->error;
}

int state_move_tip(struct job *j, struct state *s, const git_oid *old, const struct oid *new)
{
	if (state_write_tip(j, s, new) || lock(j, s))
		return j->error;
	return swap(j, s, old) ? unlock(j, s) : fs_sync_dir(j, file(j, s, "refs/heads"));
}

/*
 * A move that failed may have happened, with only the last fsync to fail; it may have left its lock, too, which
 * every later move would run into.
 */
bool state_tip_is_unsure(struct job *j, struct state *s, const git_oid *new)
{
	git_oid tip;

	return git_reference_name_to_id(&tip, s->repo, STATE_MAIN) < 0 || git_oid_equal(&tip, new) ||
	    fs_exists(lock_file(j, s));
}

void state_rest(struct state *s)
{
	if (s->replaced >= 0)
		close(s->replaced);
	s->replaced = -1;
}
