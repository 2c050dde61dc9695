/* Shared inside flow: what a running service holds, and the steps of its line. */
#ifndef FLOW_FLOW_INT_H
#define FLOW_FLOW_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/beside.h"
#include "base/map.h"
#include "flow/flow.h"
#include "render/render.h"

enum ticket_kind { TICKET_CHANGE, TICKET_RENDER, TICKET_CHECK };

enum { FLOW_BATCH_MAX = 128 }; /* changes that the writer takes at once */

struct ticket { /* one caller's wish, waiting for the writer */
	enum ticket_kind kind;
	struct job *job;           /* the caller's, who waits: the writer may use it */
	const struct change *change; /* TICKET_CHANGE */
	char **differences;        /* out, TICKET_CHECK */
	struct oid commit;         /* out */
	struct flow_summary summary; /* out */
	const char *subject;       /* out: the commit's; NULL: there was nothing to do, or it has been done before */
	bool is_replay;            /* out: the commit is that of an earlier request with the same Idempotency-Key */
	bool is_done;
	struct ticket *next;
};

/* What other threads may read, under the flow's lock; rewritten by the writer after each turn. */
struct snapshot {
	struct oid head;
	char rendered[OID_HEX];
	struct oid pending;
	int64_t pending_until;
	char *trouble;             /* why rendered is not HEAD; NULL: it is */
	int64_t crl_next_update, ca_not_after, server_not_after;
	int64_t crl_life;          /* policy: how long a CRL is good */
	char **drift;              /* NULL-terminated, malloced */
};

struct flow_key;
struct flow_keys { /* Idempotency-Keys of the last day */
	struct map by_key;
	struct flow_key *first, **last; /* oldest first; last NULL: none yet */
};

struct turn { /* of the writer, over a list of tickets */
	struct job job;
	struct ticket *list;
	int64_t began_at, promoting_at; /* monotonic microseconds */
	struct oid commit;
	struct deploy_task task;
	struct render *render;
	struct beside promotion;
};

struct flow {
	char *data;
	int lock;                  /* of the folder, for the life of the instance */
	struct pki *pki;
	struct pki_issuer *issuer; /* at rest between turns; NULL: none needed yet */
	struct pki_signer *commit_signer; /* at rest between turns */
	struct state *state;
	char signer[PKI_SSH_FINGERPRINT]; /* whose key signs our commits */
	struct render *render;
	struct deploy *deploy;
	struct model *model;       /* of head; written by the writer alone, under model_lock, as is head */
	pthread_rwlock_t model_lock; /* for other threads, which read it: flow_take_model */
	atomic_bool is_in_place;   /* head is what is rendered */
	struct oid head;
	char rendered[OID_HEX];    /* the commit on disk; "": unknown, render everything */
	struct turn *promoting;    /* published, and being put into place; NULL: all is */
	int64_t next_end;          /* when the next superseded certificate ends; INT64_MAX: none */
	int64_t next_check, next_prune;
	struct render_checking *checking; /* the disk is being looked at; NULL: not now */
	int64_t spent_ms;          /* on that and on origin, since the last tick */
	struct {                   /* rows that the model came from and that were not yet held against git */
		bool is_due;
		size_t kind, at;
	} origin;
	int64_t next_ends, heard_ends; /* when to look for what ends soon; up to when listeners have heard it */
	bool is_used, is_grown;    /* by changes: since the last tick, since memory was given back */
	int64_t next_catch_up;     /* by the monotonic clock, ms: not before, after a failure */
	struct flow_keys keys;
	struct indexing *indexing; /* the index of the history catches up; NULL: it does not have to */
	int64_t next_index;        /* not before, after a failure */

	pthread_t writer;
	bool has_writer;
	pthread_mutex_t mutex;
	pthread_cond_t wake, done;
	struct ticket *first, **last;
	bool is_stopping;
	struct snapshot snapshot;
	struct flow_measures measures; /* under mutex */
	int64_t render_us;         /* of this turn's staging */
	struct feed *feed;
};

/* For the writer, which is about to change it; from then on nothing is in place. */
void flow_take_model(struct flow *f);
void flow_give_model(struct flow *f);

/* Lock, key and repository of a folder. */
int flow_open_folder(struct job *j, const struct flow_options *o, bool exclusive, struct flow *f);
/* The model of HEAD: from the rows of what is rendered where that is HEAD, else from git. */
int flow_load_head(struct job *j, struct flow *f);
/* Everything but threads and render: folder, lock, key, repository, model of HEAD from git. */
int flow_load(struct job *j, const struct flow_options *o, bool exclusive, struct flow *f);
void flow_unload(struct flow *f);

/* The first steps of it: the repository and HEAD, the master key. */
int flow_open_repository(struct job *j, const struct flow_options *o, struct flow *f);
int flow_open_key(struct job *j, const struct flow_options *o, struct flow *f);
/* From here on the audit key signs what is committed through this handle. */
void flow_set_signer(struct state *s, struct pki_signer *signer);

/* Load a commit's files into an empty model; errors name the commit. */
int flow_load_model(struct job *j, struct state *s, const struct oid *commit, struct model *m);

/* Put the files of a plan, or of the difference of two commits, into a fork. */
int flow_put_plan(struct job *j, struct model *m, const struct plan *plan);
int flow_put_diff(struct job *j, struct state *s, const struct oid *from, const struct oid *to, struct model *m);

/* Bring what is rendered to HEAD: forward from the commit on record, or all anew. */
int flow_bring_forward(struct job *j, struct flow *f, bool full);
/* What a turn could not render is rendered after all; deploy gets what it has missed. */
int flow_catch_up(struct job *j, struct flow *f);
/* Refuse a HEAD that is older than what is rendered: revoked devices would be let in. */
int flow_check_age(struct job *j, struct flow *f);

/* The group's gid, or -1 with a warning. */
gid_t flow_group(struct job *j, const char *name);
/* DATA/secrets/admin.token, made where it is missing. */
int flow_make_token(struct job *j, const char *data);
/* The hook by which a push comes in, for a service with these options. */
int flow_install_receive(struct job *j, const struct flow_options *o);
/* What deploy has to catch up with at a start: from the commit that it deployed last. */
int flow_boot_task(struct job *j, struct flow *f, struct deploy_task *task);

/*
 * Fill in a change's intent from the history: HEAD's files become the target's (rollback), or lose what the
 * target did to them (revert, a three-way merge by member).  at: the commit that the change goes on top of; m: its model.
 */
int flow_read_rollback(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch);
int flow_read_revert(struct job *j, struct state *s, const struct oid *at, struct change *ch);
/* Intent files of `to` that differ from `from`: users/, servers/, and network.json where that is asked for. */
int flow_diff_intent(struct job *j, struct state *s, const struct oid *from, const struct oid *to, bool with_network,
    struct plan_file **out);
/* E_NOT_FOUND unless the commit leads to `at`. */
int flow_check_target(struct job *j, struct state *s, const struct oid *at, const char *target, struct oid *out);
/*
 * The undo of the pending change: like a revert, but where something has been taken away since, that stays;
 * and what it issued.  Confirm: checks that the target is what waits.
 */
int flow_read_undo(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch);
int flow_read_confirm(struct job *j, struct state *s, const struct oid *at, struct change *ch);
int flow_read_merge(struct job *j, struct state *s, const struct oid *at, struct change *ch, bool is_lenient);
/* The commit that waits for its confirmation. */
int flow_find_pending(struct job *j, struct state *s, const struct oid *at, struct oid *out);
/*
 * Judge the commits of a push, each by itself (E_INVALID "push_refused" names commit, file and line), and fill in
 * what they change together.  E_CONFLICT "fetch_first": main is no longer where they begin.
 */
int flow_read_push(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch);
/* All of these: what a change of such a kind needs from the history. */
bool flow_reads_history(enum change_kind kind);
int flow_fill(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch);

/* state_stage; of a push, whose files are committed already, the ledger's part on top of what was pushed. */
int flow_stage(struct job *j, struct state *s, const struct oid *at, const struct change *ch, const struct plan *plan,
    struct oid *out);

/* Commits that this turn has made, for the index of the history. */
struct flow_made {
	struct render_commit commits[FLOW_BATCH_MAX];
	size_t n;
	bool has_push; /* not all of them are here, then */
};
/* Read what the index needs of a ticket's, without a look at what is rendered. */
int flow_read_made(struct job *j, struct flow *f, const struct ticket *t, struct flow_made *made);
/* Add them in the transaction of what is staged; false: they are for flow_index to find. */
bool flow_index_made(struct job *j, struct flow *f, const struct flow_made *made);
/* The same with all that leads to a staged commit; made by these tickets, if any are given. */
int flow_index(struct job *j, struct flow *f, const struct oid *to, const struct ticket *made);

/* --- stage.c: the commits of a turn, beside the planning of what comes after them --- */
struct staging;
struct stager {
	struct flow *flow;       /* whose state is nobody else's but after stager_wait */
	struct job job;          /* fails with the first that could not be staged: none is after it, and the model is ahead */
	struct flow_made made;
	struct oid at;           /* the last one; HEAD where nothing is staged */
	pthread_mutex_t mutex;
	pthread_cond_t more, done;
	struct staging *first, **last;
	bool is_ending, is_working, is_staging;
	bool has_plan;           /* one that was added: there will be a commit */
	struct beside beside;
};
/* Commit and job are to be looked at after stager_wait, which any thread may call. */
struct stager *stager_open(struct flow *f);
/*
 * A change that was planned; plan is NULL where there is nothing to do.  Sets the ticket's commit, or fails its job,
 * which is the stager's from here on.  Where no ticket comes after it, no thread is woken for it: stager_wait does it.
 */
void stager_add(struct stager *s, struct ticket *t, const struct change *filled, const struct plan *plan);
void stager_wait(struct stager *s);
void stager_close(struct stager *s);

/* What a plan means for people. after: the fork that holds it. */
void flow_summarise(struct job *j, const struct model *before, const struct model *after, const struct plan *plan,
    struct flow_summary *out);

/* Some milliseconds of catching up; is there more to do? */
bool flow_index_more(struct flow *f);
void flow_stop_indexing(struct flow *f);

/* The keys that the commits of the last day carry. */
int flow_load_keys(struct job *j, struct flow *f);
void flow_close_keys(struct flow_keys *keys);
/*
 * Has a ticket's request been answered before, by a kept key or by one before it in the list?  Then its
 * commit is set, or its job has failed since the key came with another request.
 */
bool flow_is_replay(struct flow *f, const struct ticket *list, struct ticket *t);
/* Once a list is published. */
void flow_keep_keys(struct flow *f, const struct ticket *list);

/* Changes that came meanwhile, up to so many and the first push. */
struct ticket *flow_take_more(struct flow *f, unsigned max);

/* --- turn.c --- */

/* Of one turn over a list of tickets all up to the fact; who publishes nothing is answered. */
void flow_begin(struct flow *f, struct ticket *list);
/* Wait until what was published is in place, and answer those who wait for it.  Comes before any use of f->render. */
void flow_settle(struct flow *f);
/* Both: each is answered when it returns. */
void flow_run(struct flow *f, struct ticket *list);
void *flow_writer(void *flow);
/* Do git and the model that came from rows hold the same files?  E_CORRUPT "stale_rows". */
int flow_compare_ids(struct job *j, struct flow *f);
/* Hold some of them against their ids; is there more to do? */
bool flow_check_origin(struct flow *f);
/* Begin to look whether the disk holds what HEAD renders, unless that is going on. */
void flow_start_checking(struct flow *f);
/* Some milliseconds of it; is there more to do now? */
bool flow_check_more(struct flow *f);
/* For what nobody waits for: is its share of this second, in ms, left?  A fifth of it while changes come. */
bool flow_has_time(const struct flow *f, int64_t share);
/* What time brings: the CRL, the server's certificate, ends of overlaps, pruning, drift. */
void flow_tick(struct flow *f);
/* One line of the log: who did what. Not on the writer's thread where somebody waits: a log may be slow. */
void flow_log(const struct ticket *t);
/* Has this device no certificate by the server's policy, or one that is past two thirds of its life? */
bool flow_is_due(const struct flow *f, const char *device, int64_t now);
/* Plan, issue, publish and render one change of the service's own. */
int flow_apply(struct job *j, struct flow *f, const struct change *ch);

/* Does OpenVPN run with something else, once `after` is rendered? */
bool flow_needs_restart(struct job *j, const struct model *before, const struct model *after);
/* Tell deploy what a fork changed: whom to disconnect, whether to restart. Before the fork is absorbed. */
void flow_collect_cuts(struct job *j, const struct model *fork, struct deploy_task *task);

void flow_note_end(struct flow *f, struct job *j, const struct model *m, bool all);
void flow_publish_snapshot(struct flow *f, const char *trouble);
void flow_set_drift(struct flow *f, char **drift);

/* Tell what ends soon, if it is time to. */
void flow_tell_ends(struct flow *f, int64_t now);

/* --- measure.c --- */

/* A turn over a list that began then (monotonic microseconds) is over. */
void flow_measure_turn(struct flow *f, const struct ticket *list, int64_t began_at);
/* Staging took so long; and with it, putting into place. */
void flow_measure_stage(struct flow *f, int64_t began_at);
void flow_measure_promote(struct flow *f, int64_t began_at);

#endif
