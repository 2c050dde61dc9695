/*
 * change is pure: (model, change) -> plan, or an error that says what to do.
 * No clock but the change's own, no randomness but the change's device.
 */
#ifndef CHANGE_CHANGE_H
#define CHANGE_CHANGE_H

#include "base/job.h"
#include "model/access.h"
#include "model/plan.h"

enum change_kind {
	CHANGE_USER_CREATE, CHANGE_USER_PATCH, CHANGE_USER_DELETE,
	CHANGE_GATEWAY_CREATE, CHANGE_GATEWAY_PATCH, CHANGE_GATEWAY_DELETE, CHANGE_GATEWAY_RENEW,
	CHANGE_SERVER_RENEW,        /* the service's own: a new server certificate */
	CHANGE_API_RENEW,           /* the service's own: the first, or a new, certificate of the API under a name */
	CHANGE_SUPERSEDED_END,      /* the service's own: revoke every superseded certificate whose `until` has passed */
	CHANGE_LEDGER_PRUNE,        /* the service's own: entries one CRL period after the certificate's end */
	CHANGE_ROLLBACK,            /* intent as it was at an earlier commit */
	CHANGE_REVERT,              /* what one commit did to the intent, undone */
	CHANGE_CONFIRM,             /* the pending change stays: its holds become revocations */
	CHANGE_UNDO,                /* the pending change goes, holds and all */
	CHANGE_ADOPT,               /* what a newer state had revoked and this older one does not know */
	CHANGE_PUSH,                /* commits that were made elsewhere are accepted */
	CHANGE_BATCH,               /* a list of changes as one commit, later ones seeing earlier ones */
	CHANGE_TOKEN_CREATE, CHANGE_TOKEN_DELETE,
	CHANGE_SIGNER_CREATE, CHANGE_SIGNER_DELETE,
	CHANGE_NETWORK_PATCH, CHANGE_SERVER_PATCH,
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): members stand with what they belong to */
struct change {
	enum change_kind kind;
	const char *actor;          /* never empty */
	const char *token;          /* SHA-256 of the actor's token, which says what the plan may write; NULL: all */
	const char *request_id, *reason; /* "" where there is none; printable */
	int64_t now;
	struct id128 device;        /* drawn by the caller, used where a gateway is created */
	const char *idempotency;    /* a trailer: the digests of actor and key, and of the request; NULL: none */
	const char *if_match;       /* blob id that the object must have; NULL: any */

	const char *name;           /* of the user or gateway, folded */
	const char *user;           /* of a new gateway */
	const char *id;             /* asked for; NULL: any */
	bool cascade;               /* user delete: its gateways too */

	/* fields of PATCH and of creation; what is not set stays */
	const char *new_name;       /* user patch; NULL: stays */
	bool has_enabled, enabled;
	bool has_inbound, has_routes, has_allow;
	enum inbound inbound;
	enum routes routes;
	struct allow *allow;
	size_t allow_n;

	/* token and signer creation; user: of one that is for one user */
	enum role role;
	const char *gateway;        /* of a token that is for one gateway; NULL: it is not */
	int64_t expires;            /* 0: never */
	const char *digest;         /* of the new token */
	const char *key;            /* of a signer */

	const struct json *settings; /* network and server patch: the members that are to be others */

	bool force, revoke_old;     /* renew */

	/* rollback, revert: the commit (40 hex digits); of a rollback, what alone ("user:x", "gateway:y"; NULL: all)
	 * and whether network.json too */
	const char *target;
	const char *const *only;
	bool with_network;
	/* filled in by flow: the intent files to set (data) or to remove (NULL), and the sentence for the log */
	const struct plan_file *intent;
	const char *subject;

	/* push: target is what was pushed, on top of base; by whom, in words */
	const char *base, *pusher;

	int64_t confirm_within;     /* seconds; 0: the change is final at once */
	const struct id128 *issued; /* undo, filled in by flow: certificates that the pending change issued */
	size_t issued_n;

	const char *const *serials; /* adopt; ends with NULL */

	const struct change *list;  /* batch */
	size_t list_n;
};

/*
 * Issue and revoke what the difference of two intents asks for: a device that is gone loses its
 * certificates, one that is back gets one unless it has a live one, ids are noted as given and released.
 * before: the model before; after: a fork of it that holds the new intent.  Adds to the plan.
 */
int change_reconcile(struct job *j, const struct model *before, const struct model *after, const struct change *ch,
    struct plan *plan);

/*
 * Codes: name_taken, id_taken, id_reserved, id_in_use, frozen, plan_full, user_full, has_gateways,
 * not_found, forbidden, token_invalid, pending_confirmation, nothing_pending, not_renewable_yet (with renewable_from), reason_required, stale, ca_expired.
 * *plan lives in the job's arena.  A change that changes nothing has no files.
 */
int change_plan(struct job *j, const struct model *m, const struct change *ch, struct plan **plan);

/* The device of the API's certificates under a name. */
void change_api_device(const char *name, char out[ID128_HEX]);

/* The init plan: format, network.json, servers/main.json, one CA and one server certificate to issue. */
struct change_init {
	const char *actor;
	int64_t now;
	struct network network;     /* name, prefix, widths, policies, defaults, master_key */
	struct server server;       /* name, device, endpoints, port, proto */
};
int change_plan_init(struct job *j, const struct change_init *in, struct plan **plan);

#endif
