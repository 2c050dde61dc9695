/*
 * Flow: the writer.  The only room that sees the whole line: change, pki,
 * state, render, deploy.  One thread takes the list of waiting changes; callers wait for theirs.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <sys/types.h>

#include "base/job.h"
#include "change/change.h"
#include "deploy/deploy.h"
#include "pki/pki.h"
#include "state/state.h"

struct flow;

struct flow_options {
	const char *data;
	const char *master_key;    /* path; NULL: DATA/secrets/master.key */
	const char *openvpn_group; /* NULL: files for OpenVPN are 0600 */
	bool hooks;
};

struct flow_init {
	const char *prefix, *widths, *name, *server_name, *inbound, *routes; /* NULL: the default */
	const char **endpoints;    /* "vpn.example.org:1194", one at least */
	size_t endpoints_n;
	int64_t validity_days;     /* 0: the default */
};

/* `vpnunit init`: master key (unless one is given), repository, first commit. E_CONFLICT where a state is. */
int flow_initialise(struct job *j, const struct flow_options *o, const struct flow_init *in);

/* Boot: lock, heal, load and check HEAD, bring what is rendered forward; then the writer and the timer run. */
int flow_open(struct job *j, const struct flow_options *o, struct flow **out);
void flow_close(struct flow *f);

struct flow_item { const char *name, *serial; }; /* one gateway's certificate */

/* What a change did, or would do, to people. Lists end with a NULL name or NULL. */
struct flow_summary {
	const struct flow_item *issued, *revoked;
	const char **needs_config;  /* gateways whose configuration is another one now */
	const char **loses_access;  /* gateways that could connect before and cannot now */
	const char **files;         /* state files written or removed, the ledger's aside */
	bool restart_needed;        /* OpenVPN reads some of it at start only */
	bool restarts;              /* and is restarted at once, else by flow_restart */
};

struct flow_preview;

struct flow_result {
	const struct flow_preview *preview; /* of a dry run, which did nothing; NULL: it is done */
	struct oid commit;
	struct flow_summary summary;
	bool is_replay;            /* nothing was done: the commit is of the first request with this Idempotency-Key */
	bool is_deployed;
	const char *warning;       /* NULL or why it is not */
};

/* Hand a change to the writer and wait until it is durable and rendered, and some seconds for deployed. */
int flow_submit(struct job *j, struct flow *f, const struct change *ch, struct flow_result *out);

/* The summary of a replay, off the first request's commit. Costs as much as the state is large. */
int flow_recall(struct job *j, struct flow *f, const struct change *ch, struct flow_result *r);

struct flow_file { /* one file that would change */
	const char *path;
	const char *before, *after; /* a state file's text; NULL: there is none */
	const char *diff;           /* a rendered file's unified diff */
};

struct flow_preview {
	struct oid commit;          /* what it was computed from */
	struct flow_summary summary; /* serials are examples: each issue draws its own */
	const struct flow_file *state, *rendered; /* end with a NULL path; no secret file, no certificate */
};

/*
 * What a change would do, on the caller's thread: nothing is written, the writer goes on.  The same plan,
 * the same checks as flow_submit's, but OpenVPN's own look at a new server.conf.
 */
int flow_preview(struct job *j, struct flow *f, const struct change *ch, struct flow_preview *out);

/* OpenVPN reads its configuration anew, all connections are interrupted. E_CONFLICT "not_running". */
int flow_restart(struct job *j, struct flow *f);
/* Render everything anew, through the writer. */
int flow_render(struct job *j, struct flow *f);
/* Compare the disk with what HEAD renders, through the writer; NULL-terminated, in the arena. */
int flow_check(struct job *j, struct flow *f, char ***differences);

/* Without a service: `vpnunit render [--full] [--out DIR] [--check]`; differences NULL: render. */
int flow_render_offline(struct job *j, const struct flow_options *o, const char *out_dir, bool full, char ***differences);

/*
 * `vpnunit verify`: is the whole history true?  Reads alone and needs no lock: may run beside a service.
 * Fails only where it could not look; what it found wrong is in *out, in the arena.
 */
struct flow_verify {
	const char *expect;         /* a commit (full hex) that has been HEAD; NULL: none is known */
	const char *const *keys;    /* fingerprints of the keys that may have signed; none: the master key's own */
	size_t keys_n;
	char **differences;         /* what the running service found on the disk; NULL: none runs */
};
struct flow_verdict {
	size_t commits, pushed;     /* how many there are; of them, made elsewhere and accepted by the service */
	const char *keys;           /* fingerprints of who signed the others */
	char **lies;                /* one line each: "COMMIT PATH: what is wrong" */
	size_t lies_n;
};
int flow_verify(struct job *j, const struct flow_options *o, const struct flow_verify *in,
    struct flow_verdict *out);

/*
 * `vpnunit restore --accept-loss`: take over a state that is older than what was running here.  What the
 * CRL lists and the ledger lacks, and the certificates of `also` (serials, NULL-terminated) that it does
 * not know, are revoked in one commit; then everything is rendered anew.  E_CONFLICT where it isn't older.
 */
struct flow_restored {
	struct oid commit;
	const char *why;           /* how it is seen that the state is older */
	const char **revoked;      /* serials; NULL-terminated */
};
int flow_restore(struct job *j, const struct flow_options *o, const char *const *also, struct flow_restored *out);

/* `vpnunit check`: would a push from one commit of a repository to another be accepted? Reads alone. */
int flow_check_offline(struct job *j, const char *repository, const char *old, const char *new);

/* A token of access/ as it is now; the secret is nowhere, but for its SHA-256. */
struct flow_token {
	const char *name, *digest;
	enum role role;
	int64_t created, expires;   /* expires 0: never */
	bool has_user;
	struct ip_prefix prefix;    /* the user's */
	const char *user;           /* his name, now or when he was last seen; NULL: it is for no single user */
	const char *gateway;        /* NULL: it is for no single gateway */
	bool stands;                /* the user or gateway that it is for is there */
};
/*
 * Let read look at the model of HEAD, where that is what is rendered: it stands still meanwhile. False: something is
 * being put into place, or could not be; what is rendered is in the database alone. Any thread.
 */
bool flow_read_model(struct flow *f,
    void (*read)(void *context, const struct model *m, const struct oid *commit), void *context);
/* E_NOT_FOUND where no token has this digest. Any thread; the same time for any digest. */
int flow_find_token(struct job *j, struct flow *f, const char *digest, struct flow_token *out);
/* All of them, by name; and the keys that pushed commits may be signed with. */
void flow_list_tokens(struct job *j, struct flow *f, const struct flow_token **out, size_t *n);
struct flow_signer { const char *name, *key; };
void flow_list_signers(struct job *j, struct flow *f, const struct flow_signer **out, size_t *n);

struct flow_check { const char *name; bool ok; const char *detail; };
struct flow_state {
	struct oid head;
	const char *rendered;      /* hex; "" none */
	struct oid pending;        /* waits for its confirmation; empty: nothing does */
	int64_t pending_until;
	struct deploy_status deploy;
	char **drift;              /* NULL-terminated */
	struct flow_check checks[8]; /* crl, ca, server, render, deploy: /readyz */
	size_t checks_n;
	int64_t crl_until, ca_until, server_until; /* their ends; 0: missing or bad */
};
int flow_state(struct job *j, struct flow *f, struct flow_state *out);

/* How the writer does, since it started. */
struct flow_measures {
	size_t waiting;            /* callers whose change it has not begun with */
	struct histogram batches;  /* changes a turn */
	struct histogram turns;    /* microseconds, from the plan to what is rendered */
	struct histogram renders;  /* microseconds: staging files, and putting them into place */
	uint64_t drift;            /* files that somebody else had changed */
};
void flow_measures(struct flow *f, struct flow_measures *out);

/*
 * What happens, for who listens: "commit" (its text says nothing: the index of the history does, and has it by
 * then), "connect" and "disconnect" of gateways, "openvpn", "expiry"; their texts are JSON objects.  Borrowed.
 */
struct feed *flow_feed(const struct flow *f);
/* OpenVPN's connections, as deploy_clients tells them. */
void flow_clients(struct job *j, struct flow *f, const char *name, struct deploy_clients *out);

/*
 * What a commit did to intent and to rendered files, secret ones and the CRL aside. Any thread;
 * O(the state).
 */
struct flow_shown { const struct flow_file *intent, *rendered; }; /* end with a NULL path */
int flow_show(struct job *j, struct flow *f, const struct oid *commit, struct flow_shown *out);

/*
 * Add files and folders ("users/1/f/") of a commit to a model, network.json before the first; what is
 * not there is left out. paths ends with NULL. Any thread.
 */
int flow_read_past(struct job *j, struct flow *f, const struct oid *commit, const char *const *paths,
    struct model *m);

/*
 * The API's certificate by our own CA, under this name (NULL: "api." and the VPN server's); issued, or issued
 * anew, where that is due.  The key is the caller's to cleanse.
 */
struct flow_api {
	const char *name, *serial;
	struct buf chain, key;      /* PEM; the CA stands behind the certificate */
	const char *ca;             /* PEM */
};
int flow_api(struct job *j, struct flow *f, const char *name, struct flow_api *out);
/* The CA's certificate where no service runs; in the arena. */
int flow_read_ca(struct job *j, const struct flow_options *o, const char **pem);

/* Borrowed, for reading: who last changed a path (412), keys for a configuration. */
int flow_last_change(struct job *j, struct flow *f, const char *path, struct state_entry *out);
const struct pki *flow_pki(const struct flow *f);

#endif
