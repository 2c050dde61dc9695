/*
 * Render: derives everything that the VPN runs on from the model at one commit.
 * A table of renderers (sqlite, pki, openvpn, routes, firewall), each of which
 * turns what a fork touched into files to write and files to remove.
 *
 * Two steps: render_stage has the new files written under DATA/staging, which
 * render_await waits for, and changes nothing that is live; render_promote renames them into place, what
 * takes access away before what gives it, and commits the SQLite transaction.
 * Used by one thread at a time: the writer's, or the helper that promotes for it.
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/job.h"
#include "model/model.h"
#include "pki/pki.h"

struct render;

/*
 * data: the folder.  group: gid for what OpenVPN reads (0640), or (gid_t)-1: 0600.
 * pki is borrowed.  Makes missing folders.
 */
int render_open(struct job *j, const char *data, gid_t group, const struct pki *pki, struct render **out);
void render_close(struct render *r);

/* The commit (hex) that the files on disk were rendered from; "" when there is none or another version wrote them. */
int render_commit(struct job *j, struct render *r, const char **out);

/*
 * Users, gateways and the ledger of that commit into m, which holds its settings already: much quicker
 * than git.  Once it fails, m is good for nothing.
 */
int render_load_model(struct job *j, struct render *r, struct model *m);

/*
 * Stage what m touched over its base, as of commit; when m has no base, everything (a full render):
 * then foreign files in rendered folders are removed too.  The CRL is always among it when m touched
 * a revocation, or the live one is missing, bad or due.  openvpn refuses server.conf: E_INVALID "openvpn_refuses"
 * with its words; not installed: a warning.
 */
int render_stage(struct job *j, struct render *r, const struct model *m, const char *commit);
/* The same where the commit is still being made: it is asked for, by this thread, once all the rest is expanded. */
typedef int (*render_ask)(struct job *j, void *asked, char out[OID_HEX]);
int render_stage_early(struct job *j, struct render *r, const struct model *m, render_ask ask, void *asked);
/* m stays until this is called: by then files are durable, and the CRL has been read back; render_promote calls it too. */
int render_await(struct job *j, struct render *r);
int render_promote(struct job *j, struct render *r);
void render_discard(struct render *r);

/*
 * A digest of all that OpenVPN reads at start only: server.conf, CA, the server's certificate and keys.  The
 * rendered server.conf has it in a line of `echo`, by which a running OpenVPN tells what it was started with.
 */
int render_server_digest(struct job *j, const struct model *m, char out[DIGEST_HEX]);

/* The CRL alone: read the live one; build, check and rename a new one when it is due (a third of its life gone) or bad. */
int render_refresh_crl(struct job *j, struct render *r, const struct model *m, bool *renewed);
/* What the live one says of itself, zeroed where it is missing or bad; parsed once a file. */
void render_look_at_crl(struct job *j, struct render *r, const struct model *m, struct pki_crl *out);
int render_read_crl(struct job *j, struct render *r, const struct model *m, struct pki_crl *out, char ***serials);

/* Compare disk with what m renders: one line a difference ("missing ip/routes"), sorted, NULL-terminated, in the arena. */
int render_check(struct job *j, struct render *r, const struct model *m, const char *commit, char ***differences);

/*
 * The same in parts of some milliseconds, for who has other work in between; each looks at the model as it
 * is by then.  is_thorough: whole-network files are expanded anew, not compared with what is kept of them.
 * What was found is borrowed, NULL-terminated.
 */
struct render_checking;
struct render_checking *render_checking_open(bool is_thorough);
void render_checking_close(struct render_checking *c); /* NULL is fine */
int render_check_part(struct job *j, struct render *r, const struct model *m, const char *commit,
    struct render_checking *c, bool *more);
char **render_checking_found(const struct render_checking *c);

/*
 * How the rendered files of m differ from those of its base, in memory: no disk, no writer; any thread
 * may call.  Without a base every file is new.  Neither private keys nor the CRL, which knows the clock.
 * from and to name both commits for state.json.  In order of path; the bytes are in the job's arena.
 */
struct render_change {
	const char *path;          /* below DATA */
	const char *before, *after; /* NULL: there is no such file */
	size_t before_len, after_len;
};
struct render_preview {
	struct render_change *files;
	size_t n;
};
int render_preview(struct job *j, struct render *r, const struct model *m, const char *from,
    const char *to, struct render_preview *out);

/*
 * The index of the history, beside the read model: which commits there are, what each touched, who had
 * an address.  render_indexed tells the commit that it reaches to, "" where there is none; borrowed
 * until the next call.  render_add_commits adds the commits that follow, oldest first, to what is staged,
 * else by itself: then they are in force when it returns.
 */
struct render_commit {
	const char *id;            /* hex */
	int64_t time;
	const char *actor, *subject;
	const char *change, *reason; /* "" where there is none */
	const char *signed_by;     /* NULL where nobody did */
	struct network plan;       /* of addresses, as of this commit: prefix and widths alone are read */
	const struct render_change *files; /* of the state, that it changed */
	size_t files_n;
};
const char *render_indexed(const struct render *r);
int render_add_commits(struct job *j, struct render *r, const struct render_commit *list, size_t n);
/* Forget it, to begin anew. */
int render_forget_index(struct job *j, struct render *r);

/*
 * For who is not the writer, and must write nothing below data: compares the folder with what m renders,
 * as render_check does.
 */
struct render_view {
	const char *data;
	gid_t group;
	const struct pki *pki;
	const char *database;      /* a copy of the database, by render_copy_database */
};
int render_check_folder(struct job *j, const struct render_view *v, const struct model *m, const char *commit,
    char ***differences);
/* While no service runs: the database of a folder, as it would be found at the next start. */
int render_copy_database(struct job *j, const char *data, const char *to);
/*
 * How far the index of a database goes ("": there is none), and how its tables differ from truth's, which
 * was built anew up to there; lines as those of render_check.  moved: it goes elsewhere by now, and was not
 * compared.  Beside a running service too.
 */
int render_read_indexed(struct job *j, const char *database, char out[OID_HEX]);
int render_compare_index(struct job *j, const struct render *truth, const char *database, char ***differences,
    bool *moved);

/*
 * A gateway's inline .ovpn from templates/client.ovpn, with its newest certificate in m that is not
 * revoked (E_CONFLICT "no_certificate").  Holds its private key: the caller cleanses it.
 */
int render_profile(struct job *j, const struct pki *pki, const struct model *m, const struct gateway *g,
    struct buf *out);

#endif
