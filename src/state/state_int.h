/*
 * Shared inside state: the handle and what every file here does with it.
 * The only header of the project that shows libgit2; names of the room alone
 * may include it.
 */
#ifndef STATE_STATE_INT_H
#define STATE_STATE_INT_H

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>

#include "base/digest.h"
#include "state/state.h"

#define STATE_MAIN "refs/heads/main"

struct state_child { /* stock git under way */
	pid_t pid; /* 0: none */
	int words; /* where it says what is wrong */
};

/* What the commit that was staged last changed of its parent: known, so never walked for. */
struct staged_file {
	const char *path;
	git_oid before, after; /* blobs; zero: there is no such file */
};

struct staged {
	struct oid parent, commit; /* commit is empty: none */
	struct arena *arena;       /* NULL: none */
	struct staged_file *files;
	size_t n;
};

struct state {
	char *path;
	git_repository *repo;     /* NULL: let go of, opened anew by the next use */
	git_odb *odb;
	git_odb_backend *staging; /* new objects go here, into memory; the odb owns it */
	git_odb_backend *packs;   /* the odb's own */
	git_oid *fresh;           /* what of it a publish has to write; an id may occur twice */
	size_t fresh_n, fresh_cap;
	bool is_packed;           /* all of them */
	size_t staged_bytes;      /* in staging, what is published already among them */
	struct staged last;       /* commit */
	bool is_unsure;           /* whether main moved */
	struct oid next;          /* what main.next holds, durable; "": nothing that is known */
	int replaced;             /* main's file before the last move, open; -1: none */
	struct state_child repack;
	state_sign sign;          /* NULL: commits are not signed */
	void *sign_context;
};

/* Open the libgit2 handles where they are not: every public function starts with it. */
int state_use(struct job *j, struct state *s);
/*
 * Close them, and so forget libgit2's caches, which would go on serving
 * discarded commits and hold deleted packs open.
 */
void state_let_go(struct state *s);
void state_forget_staged(struct state *s);

/* job_fail with libgit2's last message behind the text; rc is its return code. */
int state_fail(struct job *j, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* E_DENIED unless path belongs to who we are; E_NOT_FOUND where nothing is. */
int state_check_owner(struct job *j, const char *path);

/* Settings of the repository at s, in its file config; *changed when one was not right. */
int state_configure(struct job *j, struct state *s, bool *changed);
/* All 256 objects/xx: libgit2 does not sync objects/ after making one. */
int state_make_fanout(struct job *j, const char *path);
int state_sync_file(struct job *j, const char *path);

/* Compare and swap of main, durable; a zero old id: there must be none. Failures are those of state_publish. */
int state_move_tip(struct job *j, struct state *s, const git_oid *old, const struct oid *new);
/* After a failure that is no E_STALE or E_BUSY. */
bool state_tip_is_unsure(struct job *j, struct state *s, const git_oid *new);

/* E_NOT_FOUND on anything but the id of a commit that exists. *out is yours to free. */
int state_commit(struct job *j, struct state *s, const struct oid *id, git_commit **out);
void state_print_oid(const git_oid *id, struct oid *out);

/*
 * Stage an object; publish packs it.  Not by git_odb_write, which looks for it in every pack and as a file first,
 * and reads objects/pack again, which was most of the cost of staging: only blobs are looked for, in the packs that
 * are known.  What else is there already, is packed once more, at worst.
 */
int state_write(
    struct job *j, struct state *s, git_object_t type, const void *data, size_t len, git_oid *out);

/* The tree that plan's files make of base (zero: of nothing), staged. */
int state_apply(struct job *j, struct state *s, const git_oid *base, const struct plan *plan, git_oid *out);

/* --- pack_index.c --- */
struct packed {
	git_oid id;
	uint32_t offset, crc; /* of what the pack has for it */
};
/* CRC-32, as zlib's crc32(). */
uint32_t pack_crc(const uint8_t *bytes, size_t len);
/* Append the index of a pack with that checksum: objects in the order of their ids. */
void pack_index(struct buf *b, const struct packed *objects, size_t n, const uint8_t pack[DIGEST_SHA1]);

/* Put the message behind the headers of a commit, sign and stage it. */
int state_write_signed(
    struct job *j, struct state *s, struct buf *commit, const char *message, git_oid *out);

/* Stock git behind the caller: does it still run, and wait for its end, to be called once. */
int state_start_git(struct job *j, char *const argv[], struct state_child *out);
bool state_git_runs(const struct state_child *c);
int state_end_git(struct job *j, struct state_child *c, bool *is_fine, const char **words);
/* Stock git, to its end; words: the beginning of what it said. E_IO where it cannot be run. */
int state_run_git(struct job *j, char *const argv[], bool *is_fine, const char **words);

/* Remove what a repack that failed has left. */
int state_sweep_repack(struct job *j, struct state *s);

/* Subject and trailers of plan's commit, in the job's arena. */
const char *state_message(struct job *j, const struct plan *plan);
/* The actor as a name, or as the local part of an address, that git takes. */
const char *state_author_name(struct job *j, const char *actor);
const char *state_author_email(struct job *j, const char *actor);

#endif
