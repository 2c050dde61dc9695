/* Shared inside deploy: child processes, hooks, the record, OpenVPN's socket, the kernel's parts. */
#ifndef DEPLOY_DEPLOY_INT_H
#define DEPLOY_DEPLOY_INT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/ip.h"
#include "base/job.h"
#include "base/map.h"
#include "deploy/deploy.h"

/* --- child.c: one program, run to its end --- */

enum { CHILD_TIMED_OUT = -1 };

/* No shell, a process group of its own, no descriptors but the standard three. */
struct child {
	const char *path;        /* absolute */
	const char *const *argv; /* argv[0] is the name it sees; NULL-terminated */
	const char *const *env;
	const char *cwd;         /* NULL: ours */
	const char *input;       /* what it reads; NULL: /dev/null */
	size_t input_len;
	size_t output_max;       /* of what it writes, standard error included; the rest is thrown away */
	int timeout_ms;          /* then its whole group is killed */
	int stop_fd;             /* once readable, it has CHILD_STOP_MS at most; -1: none */
	const int *hidden;       /* what it cannot read (sandbox.c); NULL: it reads what we may */
};
enum { CHILD_STOP_MS = 5000 };

/*
 * Run it.  *status is its exit code, 128 and the signal's number, or
 * CHILD_TIMED_OUT.  E_NOT_FOUND: there is no such program.
 */
int child_run(struct job *j, const struct child *c, int *status, struct buf *output);

/* --- sandbox.c --- */

/* Has this kernel what it takes? */
bool sandbox_is_there(void);
enum { SANDBOX_HIDDEN = 2 };
/*
 * Rules that let everything be read as before, but for these and what is below them: at most so many
 * descriptors (O_PATH), -1 behind the last.  fd is the caller's.
 */
int sandbox_open(struct job *j, const int *hidden, int *fd);
/* For the calling thread and what it starts, for ever. 0, or errno. */
int sandbox_enter(int fd);

/* --- hooks.c --- */

enum { HOOK_TIMEOUT_MS = 30000, HOOK_LEFT = 75 }; /* EX_TEMPFAIL: the kernel's side is the unit's */

enum hook_outcome { HOOK_DONE, HOOK_LATER, HOOK_FAILED };
enum hook_set { HOOK_KERNEL, HOOK_OTHERS, HOOK_EXPIRING }; /* post-commit; post-commit.d/; expiring */

struct hook_run {
	const char *data, *old_commit, *new_commit;
	const char *input; /* NULL: none */
	int timeout_ms, stop_fd;
	const int *hidden;       /* as of struct child */
};
/* The scripts of a set, as absolute paths in their order; NULL-terminated, in the arena. */
/* The program that runs, by its path. */
const char *hook_binary(struct job *j);
int hooks_list(struct job *j, const char *data, enum hook_set set, char ***paths);
/* Run them one behind the other; *detail says which failed and how. HOOK_LATER: left to the unit. */
enum hook_outcome hooks_run(struct job *j, const struct hook_run *r, enum hook_set set, const char **detail);

/* --- record.c: DATA/deployed.json, what the kernel's side was brought to --- */

struct record {
	char commit[OID_HEX];
	const char *boot;       /* the kernel's boot_id */
	const char *firewall;   /* digest of the file that was loaded; "" none */
	const char *rules;      /* digest of what nft then listed */
	const char **warnings;  /* what could not be done; NULL-terminated */
	const char **drift;     /* what somebody else had changed, as this run found it; NULL-terminated */
};
/* A missing or broken file is an empty record. */
void record_read(struct job *j, const char *data, struct record *out);
/* Durable; writes nothing where the file says so already. */
int record_write(struct job *j, const char *data, const struct record *r);
bool record_is_commit(const char *s);

/* --- clients.c: what OpenVPN tells about its connections; no input or output --- */

enum { CLIENT_ID = 11, CLIENT_LINE = 4096, CLIENT_SERIAL = 33, CLIENT_NAME = 65, CLIENT_REMOTE = 46 };

struct client {
	char id[CLIENT_ID];        /* OpenVPN's CID */
	char serial[CLIENT_SERIAL]; /* 32 lower-case digits; "" when it connected before we listened */
	char name[CLIENT_NAME];    /* CN; "" unknown: UNDEF after a failed renegotiation */
	char remote[CLIENT_REMOTE]; /* the address that it comes from; "" unknown */
	int64_t since;             /* when it connected; 0 unknown */
	uint64_t received, sent;   /* bytes, from and to it, as told last */
	bool has_address;          /* it got a tunnel address: it is past its handshake */
	unsigned seen;             /* the status that listed it last */
	struct client *next;       /* of those that are gone */
};
struct clients {
	struct map by_id;
	struct client *event;      /* the one whose >CLIENT:ENV lines are coming */
	struct client told;        /* whom CLIENTS_CONNECTED is about */
	struct client *gone;       /* who is not there any more, until clients_take_gone */
	unsigned status;           /* counts the status commands */
};
enum clients_news {
	CLIENTS_NOTHING,
	CLIENTS_GREETING,
	CLIENTS_STATUS_END,
	CLIENTS_CONNECTED,
};

enum clients_news clients_line(struct clients *c, const char *line);
/* A status was asked for: what its answer doesn't list is gone. */
void clients_expect_status(struct clients *c);
void clients_clear(struct clients *c);
/* One that is not there any more; false: no more of them. */
bool clients_take_gone(struct clients *c, struct client *out);
/* 32 lower-case digits out of "40:0a:..."; false when it is none. */
bool clients_parse_serial(const char *text, char out[CLIENT_SERIAL]);
/* Is this the connection that the cut means? */
bool clients_is_meant(const struct client *c, const char *serial, const char *name);

/* --- live.c: what is told about them --- */

/* Connections with a name and an address, of one name or (NULL) of all, into the arena in order of names. */
void live_copy(struct job *j, const struct clients *c, const char *name, struct deploy_clients *out);
void live_tell_running(struct feed *feed, bool is_running);
void live_tell_client(struct feed *feed, const struct client *v, bool has_come);
void live_tell_gone(struct feed *feed, struct clients *c); /* takes them */

/* --- wire.c: a unix socket that speaks lines; never blocks --- */

enum { WIRE_IN = 16 * 1024, WIRE_OUT_MAX = 4 * 1024 * 1024 };

struct wire {
	char *folder;              /* the socket's */
	int fd;                    /* -1: closed */
	char in[WIRE_IN];
	size_t in_len, in_taken;
	bool is_skipping;          /* within a line that was too long */
	char *out;
	size_t out_len, out_cap;
};

void wire_init(struct wire *w, const char *data);
void wire_free(struct wire *w);
int wire_open(struct wire *w);         /* 0 or errno */
void wire_close(struct wire *w);
bool wire_is_open(const struct wire *w);
short wire_events(const struct wire *w); /* for poll */
bool wire_move(struct wire *w);        /* read and write what goes; false: the other side is gone */
/* The next whole line, good until the next call; NULL: none yet. Longer ones than WIRE_IN are thrown away. */
const char *wire_line(struct wire *w);
void wire_send(struct wire *w, const char *text);

/* --- configuration.c: which configuration OpenVPN runs with, by the digest in its line of `echo` --- */

enum { CONFIGURATION_DIGEST = 65 };

/* A line of the management socket: is it that echo, from the history or as it happens? */
bool configuration_heard(const char *line, char out[CONFIGURATION_DIGEST]);
/* What DATA/ovpn/server.conf says; "" where it cannot be read. */
void configuration_wanted(const char *data, char out[CONFIGURATION_DIGEST]);

/* --- notice.c: hooks/expiring, as deploy_told and deploy_tell say --- */

struct notice;
int notice_open(struct job *j, const char *data, int stop_fd, const int *hidden, struct notice **out);
void notice_close(struct notice *n); /* waits for a running hook, bounded; NULL is fine */
bool notice_told(struct job *j, struct notice *n, int64_t *until);
void notice_tell(struct notice *n, const char *commit, const char *text, int64_t until);

/* --- cuts.c: connections that are to be ended --- */

struct cut;
void cuts_add(struct cut **list, const struct deploy_cut *cut, int64_t now); /* times are monotonic milliseconds */
void cuts_clear(struct cut **list);
/* Has each been done once? */
bool cuts_are_settled(const struct cut *list);
/* When the next is due; INT64_MAX: there is none. */
int64_t cuts_next(const struct cut *list);
/* Ask OpenVPN to end what is due; the table has to be fresh. */
void cuts_execute(struct cut **list, const struct clients *clients, struct wire *w, int64_t now);

/* --- management.c: the thread that holds DATA/run/openvpn.sock --- */

struct management;
enum restart { RESTART_NOT, RESTART_IF_OTHER /* than ovpn/server.conf */, RESTART_ANYWAY };
/* Tells the feed who connects and disconnects; borrowed. */
int management_open(struct job *j, const char *data, struct feed *feed, struct management **out);
void management_close(struct management *m);
/* Cut at once and once more after the hand-window; restart it by SIGHUP after the cuts. Copies. */
void management_submit(struct management *m, const struct deploy_cut *cuts, size_t n, enum restart restart);
/* Restart it, whatever it runs with. False: nobody is there to be told. */
bool management_restart(struct management *m);
/* Wait until nothing that was submitted awaits its first cut, at most ms. */
void management_settle(struct management *m, int ms);
/* running: the digest of what it runs with, CONFIGURATION_DIGEST bytes, "" unknown. False: it doesn't run. */
bool management_status(struct management *m, char *running);
void management_clients(struct job *j, struct management *m, const char *name, struct deploy_clients *out);

/* --- the kernel's side --- */

struct target { /* DATA/state.json */
	char commit[OID_HEX];
	const char *device, *user;  /* user: who may open the tun, "" anybody */
	unsigned mtu;
	struct in6_addr address;    /* the server's own, on the device */
	struct ip_prefix prefix;
};
int target_read(struct job *j, const char *data, struct target *out);

/* Run ip or nft; input may be NULL. A failure's message has the program's words. */
int tool_run(struct job *j, const char *const *argv, const struct buf *input, struct buf *output);

/* tun.c: the device with its address; forwarding. Fail with what is missing. */
int tun_make(struct job *j, const struct target *t);
int tun_forward(struct job *j);

enum { ROUTE_PROTO = 217, ROUTE_TEXT = 128, ROUTES_MAX = 256 * 1024 * 1024 };

/* One line of ip/routes, checked and in the form that routes are compared in. */
bool route_parse(const struct target *t, const char *line, char out[ROUTE_TEXT]);
struct routes { /* commands for `ip -6 -batch` */
	struct buf removals, additions;
};
int routes_compare(struct job *j, const char *data, const struct target *t, struct routes *out);
int routes_apply(struct job *j, const struct buf *commands);

/* One run, under its lock. */
int kernel_once(struct job *j, const char *data);

/* Does text replace the table inet vpnunit and nothing else? */
int ruleset_check(struct job *j, const char *text, size_t len);
/*
 * Load firewall/nftables.conf unless `old` says that it is loaded and nft still lists what it listed then.
 * *has_drift: it was loaded, and somebody has changed what is in force.
 */
int ruleset_load(struct job *j, const char *data, const struct record *old, struct record *now, bool *has_drift);

#endif
