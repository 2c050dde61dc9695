/*
 * Deploy: what happens outside once HEAD has moved.  Runs the hooks (with time-outs, on a
 * thread of its own) and holds OpenVPN's management socket to disconnect by serial.  The kernel's side
 * is deploy_kernel, the body of `vpnunit deploy`: it reads rendered files only
 * and runs where CAP_NET_ADMIN is.
 */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "base/digest.h"
#include "base/feed.h"
#include "base/histogram.h"
#include "base/job.h"

struct deploy;

struct deploy_options {
	const char *data;    /* the folder; the state repository is DATA/state.git */
	const char *master_key; /* its file, which hooks cannot read; NULL: in DATA/secrets, where they read nothing */
	struct feed *feed;   /* who connects and disconnects is told there; borrowed */
	bool hooks;          /* false: --hooks none; no hook runs and nothing is reported as not deployed */
	int repair_ms;       /* how often hooks/post-commit runs to repair; 0: once a minute */
};

/*
 * Installs hooks/post-commit into the repository, and hooks/post-commit.d/ with an example where it is
 * missing: from then on that folder is the administrator's.
 */
int deploy_install(struct job *j, const char *data);
/*
 * Installs hooks/proc-receive, which runs `PROGRAM receive --data DATA OPTION...` for each push: this
 * program, with the options (NULL-terminated) of this service.
 */
int deploy_install_receive(struct job *j, const char *data, const char *const *options);

/* Starts the threads; until then nothing outside is touched. */
int deploy_open(struct job *j, const struct deploy_options *o, struct deploy **out);
void deploy_close(struct deploy *d); /* waits for a running hook, bounded */

/* One connection to end: by serial where known, else by common name. */
struct deploy_cut {
	const char *serial;  /* NULL: every connection of the name */
	const char *name;    /* CN */
};

struct deploy_task {
	const char *old_commit, *new_commit; /* hex; old "": first */
	bool restart;        /* SIGHUP OpenVPN, if it runs with another configuration than ovpn/server.conf */
	const struct deploy_cut *cuts;
	size_t cuts_n;
};

/*
 * hooks/expiring is told what ends soon.  deploy_told: *until is the moment up to which it has been (0: it never
 * was); false: nobody wants to know, or is being told right now.  deploy_tell runs it, on a thread of its own, with a JSON
 * text as its input; once it was content all up to `until` is told, also after a restart.  Copies.
 */
bool deploy_told(struct job *j, struct deploy *d, int64_t *until);
void deploy_tell(struct deploy *d, const char *commit, const char *text, int64_t until);

/* Copies the task and returns; tasks that wait are folded into one. */
void deploy_submit(struct deploy *d, const struct deploy_task *t);

/*
 * SIGHUP OpenVPN, whatever it runs with: it reads its configuration anew, and connections are interrupted.
 * False: it does not run.
 */
bool deploy_restart(struct deploy *d);

/*
 * Wait at most ms for a commit to be deployed (or overtaken by a later one).
 * True: done, or hooks are off.  False: *warning (in the job's arena) says why not.
 */
bool deploy_wait(struct job *j, struct deploy *d, const char *commit, int ms, const char **warning);

struct deploy_status {
	const char *commit;       /* deployed; "" when unknown */
	const char *detail;       /* the last failure, or "" */
	bool hooks;
	bool openvpn_running;     /* its management socket answers */
	bool restart_needed;      /* it runs with another configuration than ovpn/server.conf */
	struct histogram turns;   /* microseconds that the hooks took, for each commit or several */
	const char **drift;       /* what the last `deploy` found changed, or could not do; NULL-terminated */
};
void deploy_status(struct job *j, struct deploy *d, struct deploy_status *out);

struct deploy_client { /* a connection of OpenVPN's */
	const char *name;         /* CN */
	const char *remote;       /* the address that it comes from; "" unknown */
	int64_t since;
	uint64_t received, sent;  /* bytes, from and to it; usually five seconds old at most */
};
struct deploy_clients {
	bool is_known;            /* OpenVPN's management socket answers */
	struct deploy_client *list; /* in order of names */
	size_t n;
};
/* The connections of one name, or (NULL) all that there are. */
void deploy_clients(struct job *j, struct deploy *d, const char *name, struct deploy_clients *out);

/*
 * `vpnunit deploy [--watch]`: the kernel equal to DATA's rendered files.  Warnings in the job say what could
 * not be done; so does DATA/deployed.json.  Routes carry the protocol number 217.  watch: deploys whenever
 * state.json moves and once a minute, until a signal.
 */
int deploy_kernel(struct job *j, const char *data, bool watch);

#endif
