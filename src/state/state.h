/*
 * The state repository: a bare git repository whose main branch is the truth.
 * The only room that knows libgit2.  Knows paths and bytes, not what they mean.
 *
 * Writing is two steps: state_stage makes a commit that no ref points at (its
 * objects are in memory), state_publish makes all staged objects durable as one
 * pack and moves the ref by compare-and-swap.  One thread writes; any thread
 * may read through a handle of its own.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/job.h"
#include "model/plan.h"

struct state;

struct oid { char hex[OID_HEX]; }; /* a commit's id; hex[0] == 0: none */

/* Once a process, before anything else here: libgit2's options (fsync, caches, strict objects). */
void state_start(void);
void state_stop(void);

/* Make an empty bare repository: settings, 256 fan-out folders, synced. E_CONFLICT where one is. */
int state_init(struct job *j, const char *path);
/* E_NOT_FOUND where there is none. */
int state_open(struct job *j, const char *path, struct state **out);
void state_close(struct state *s);

/*
 * Put settings right (gc.auto=0, receive.*, core.fsync, ... as libgit2.md lists) and remove what a
 * killed writer left: stale *.lock, temporary objects and packs.  Only under the instance's lock.
 */
int state_heal(struct job *j, struct state *s);

/* The tip of refs/heads/main; E_NOT_FOUND before the first commit. */
int state_head(struct job *j, struct state *s, struct oid *out);
bool state_is_commit(struct state *s, const struct oid *c);
/* Is a reachable from b (or equal)? */
int state_is_ancestor(struct job *j, struct state *s, const struct oid *a, const struct oid *b, bool *out);

/* Bytes of one file at a commit; E_NOT_FOUND. */
int state_read(struct job *j, struct state *s, const struct oid *commit, const char *path, struct buf *out);

/* One file of a walk or a diff: bytes NULL where it was removed. Non-zero (a job's error) ends the walk. */
typedef int (*state_visit)(struct job *j, void *context, const char *path, const char *bytes, size_t len);

/* Files of `to` that differ from `from` (empty oid: the empty tree), in order of path. O(difference). */
int state_diff(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    state_visit visit, void *context);

/* One commit a plan on top of parent (empty oid: the first). Author = actor, committer = vpnunit. */
int state_stage(struct job *j, struct state *s, const struct oid *parent, const struct plan *plan, struct oid *out);
/* Make staged commits durable and move main from old (empty: must not exist) to new. E_STALE: it had moved. */
int state_publish(struct job *j, struct state *s, const struct oid *old, const struct oid *new);
/* Forget what was staged. */
void state_discard(struct state *s);

/* Who changed a path last, seen from a commit. E_NOT_FOUND: nobody. */
struct state_entry {
	struct oid commit;
	int64_t time;
	const char *actor, *subject; /* in the arena */
};
int state_last_change(struct job *j, struct state *s, const struct oid *from, const char *path, struct state_entry *out);

/* Fold small packs together once there are more than a few; `git repack` as a child. */
int state_repack(struct job *j, struct state *s);

/* Become git on the repository: execs, returns only on failure. */
int state_git(struct job *j, const char *path, char **args);

#endif
