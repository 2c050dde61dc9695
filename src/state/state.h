/*
 * The state repository: a bare git repository whose main branch is the truth.
 * The only room that knows libgit2.  Knows paths and bytes, not what they mean.
 *
 * Writing is two steps: state_stage makes a commit that no ref points at (its
 * objects are in memory, nothing is on the disk), state_publish makes all that
 * is staged durable as one pack and moves the ref by compare-and-swap.  One
 * thread writes; any thread may read through a handle of its own.  A handle is
 * used by one thread at a time.
 *
 * Every function that takes a job may fail with E_IO (the disk), E_CORRUPT (an
 * object is broken or missing) or, where a handle was let go and cannot be
 * opened again, as state_open does.
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

/*
 * Make an empty bare repository, folder mode 0700: settings, 256 fan-out folders, synced; it appears
 * at path whole or not at all.  E_CONFLICT where anything is.
 */
int state_init(struct job *j, const char *path);
/*
 * E_NOT_FOUND where there is none, E_DENIED "wrong_owner" when it is another user's.  Exactly path:
 * no search in parents, nothing from the environment, no settings but its own.
 */
int state_open(struct job *j, const char *path, struct state **out);
void state_close(struct state *s); /* NULL is fine; what is staged is forgotten */

/*
 * Put settings, mode and HEAD right (gc.auto=0, receive.*, core.fsync, ... as init makes them; a bare
 * clone has none of them) and remove what a killed writer left: stale *.lock, temporary objects and
 * packs, loose objects of length 0.  Only under the instance's lock and while no push is under way;
 * what is staged is forgotten.
 */
int state_heal(struct job *j, struct state *s);

/*
 * Who signs the commits that state_stage makes from here on: called with a commit's bytes, it appends
 * what goes into their header gpgsig.  context is borrowed for the life of the handle.  Without a
 * signer they are not signed.
 */
typedef int (*state_sign)(struct job *j, void *context, const char *bytes, size_t len, struct buf *signature);
void state_set_signer(struct state *s, state_sign sign, void *context);

/* The tip of refs/heads/main; E_NOT_FOUND before the first commit. */
int state_head(struct job *j, struct state *s, struct oid *out);
/* Staged ones are too. */
bool state_is_commit(struct state *s, const struct oid *c);
/* Is a reachable from b (or equal)? E_NOT_FOUND where one is no commit. */
int state_is_ancestor(struct job *j, struct state *s, const struct oid *a, const struct oid *b, bool *out);

/* The first parent; the empty oid for a first commit. */
int state_parent(struct job *j, struct state *s, const struct oid *commit, struct oid *out);

/* Bytes of one file at a commit; E_NOT_FOUND. Opens out in the job's arena. */
int state_read(struct job *j, struct state *s, const struct oid *commit, const char *path, struct buf *out);

/*
 * One file of a walk or a diff: bytes NULL where it was removed. path and bytes are borrowed for the
 * call, bytes have no NUL behind them. Non-zero (a job's error) ends the walk.
 */
typedef int (*state_visit)(struct job *j, void *context, const char *path, const char *bytes, size_t len);

/*
 * Files of `to` that differ from `from` (empty oid: the empty tree), in order of path. O(difference).
 * E_CORRUPT names commit and path of what is no plain file (a link, a submodule).
 */
int state_diff(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    state_visit visit, void *context);

/* The same with both sides; a side's bytes are NULL where the file is not. */
struct state_text {
	const char *bytes;
	size_t len;
};
struct state_change {
	const char *path;
	struct state_text before, after;
};
typedef int (*state_visit_change)(struct job *j, void *context, const struct state_change *c);
int state_changes(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    state_visit_change visit, void *context);
/* Every file of a commit by its git id, in hex, without its bytes. */
typedef int (*state_visit_id)(struct job *j, void *context, const char *path, const char *blob);
int state_ids(struct job *j, struct state *s, const struct oid *commit, state_visit_id visit, void *context);
/* All files below a folder at a commit ("users/1/f"); none where there is no such folder. */
int state_files(struct job *j, struct state *s, const struct oid *commit, const char *folder,
    state_visit_change visit, void *context);

/*
 * One commit a plan on top of parent (empty oid: the first), which may be staged itself.  Author =
 * actor, committer = vpnunit, both at plan->time, UTC.  E_INVALID "bad_plan": a path is none, is file
 * and folder at once, or is deleted and not there.  A failure leaves what was staged before as it was.
 */
int state_stage(struct job *j, struct state *s, const struct oid *parent, const struct plan *plan,
    struct oid *out);
/*
 * Make the objects that are staged durable ahead of state_publish, which does it else.  It may run on
 * another thread, as long as nobody uses s meanwhile.
 */
int state_pack(struct job *j, struct state *s);
/* The same for what main will say; beside state_pack on another thread, too. */
int state_write_tip(struct job *j, struct state *s, const struct oid *new);
/*
 * Make what is staged durable and move main from old (empty: must not exist) to new.  E_STALE: it had
 * moved; E_BUSY: something held the ref for five seconds.  On any failure main is where it was, unless
 * state_is_unsure: the ref's rename or its fsync failed, and what is certain only the next start can tell.
 */
int state_publish(struct job *j, struct state *s, const struct oid *old, const struct oid *new);
bool state_is_unsure(const struct state *s);
/* Free what the last publish replaced: that takes as long as an fsync, and nobody has to wait for it. */
void state_rest(struct state *s);
/* Forget what was staged; the handle is as after state_open. */
void state_discard(struct state *s);

/*
 * Who changed a path (a file or a folder) last, seen from a commit; the removal counts. E_NOT_FOUND:
 * nobody. Walks back to that commit.
 */
struct state_entry {
	struct oid commit;
	int64_t time;
	const char *actor, *subject; /* in the arena */
};
int state_last_change(struct job *j, struct state *s, const struct oid *from, const char *path,
    struct state_entry *out);

/* What a commit says of itself; texts are in the arena, "" where there is none. */
struct state_commit {
	struct oid id, parent;     /* parent: the first one; empty for a root */
	int64_t time;
	const char *actor, *subject;
	const char *change, *reason; /* trailers */
	const char *idempotency;   /* a trailer: digests of a key and of the request that it came with */
	const char *accepts;       /* a trailer: the range of pushed commits that it vouches for, "OLD..NEW" */
	unsigned parents_n;
};
int state_read_commit(struct job *j, struct state *s, const struct oid *id, struct state_commit *out);
/* A commit's signature and the bytes that it covers, in the arena; armour is NULL where there is none. */
struct state_signature {
	const char *armour, *bytes;
	size_t len;
};
int state_read_signature(struct job *j, struct state *s, const struct oid *id, struct state_signature *out);
/*
 * The commits of `to` that `from` (empty: the beginning) has not, parents before children, staged ones
 * too; *out is in the arena.  Reads them all: O(their number).
 */
int state_list_commits(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    struct oid **out, size_t *n);

/* A commit that was made elsewhere, by what a push is judged by. */
struct state_pushed {
	struct oid id;
	int64_t author_time, time;
	const char *message;
};
struct state_push { /* oldest first */
	struct state_pushed *list;
	size_t n;
};
/*
 * The commits that a push puts on top of old, in the arena: a line without merges that
 * begins at old, bounded in number and size, of plain files in plain folders.  E_INVALID "push_refused"
 * names commit and path of what is not.  To be asked before anything else of them is read.
 */
int state_read_push(struct job *j, struct state *s, const struct oid *old, const struct oid *new,
    struct state_push *out);
/* Make durable what stock git brought: it syncs its files, but not the folders that they are in. */
int state_sync_objects(struct job *j, struct state *s);

/*
 * The unified diff of a text, as `git diff` prints it; nothing where both are equal.  Opens out in the
 * job's arena.
 */
int state_diff_text(struct job *j, const char *path, const struct state_text *before,
    const struct state_text *after, struct buf *out);

/*
 * Fold packs together once there are more than twenty, by `git repack` as a child that is not waited for:
 * the next call takes note of its end.  For the writer, with nothing staged.  All handles go on working.
 */
int state_repack(struct job *j, struct state *s);
/* Wait for one that is under way. */
int state_end_repack(struct job *j, struct state *s);

/*
 * Is every object there and as git wants it (`git fsck --strict`, as a child)?  *words is NULL where it
 * is, else the beginning of what git says.  O(the repository); may run beside a writer.
 */
int state_fsck(struct job *j, struct state *s, const char **words);

/*
 * Become git on the repository, as its owner when we are root; args is NULL-terminated. Returns only on
 * failure.
 */
int state_git(struct job *j, const char *path, char **args);

#endif
