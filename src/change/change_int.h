/* Shared inside change: the work at hand, small steps that several changes take. */
#ifndef CHANGE_CHANGE_INT_H
#define CHANGE_CHANGE_INT_H

#include "change/change.h"

struct work { /* one change being planned */
	struct job *job;
	const struct model *model;
	const struct network *network;
	const struct change *change;
	struct plan *plan;
};

int change_user_create(struct work *w);
int change_user_patch(struct work *w);
int change_user_delete(struct work *w);
int change_gateway_create(struct work *w);
int change_gateway_patch(struct work *w);
int change_gateway_delete(struct work *w);
int change_gateway_renew(struct work *w);
int change_server_renew(struct work *w);
int change_api_renew(struct work *w);
int change_superseded_end(struct work *w);
int change_ledger_prune(struct work *w);
int change_set_intent(struct work *w); /* rollback, revert */
int change_push(struct work *w);
int change_adopt(struct work *w);
int change_batch(struct work *w);
int change_token_create(struct work *w);
int change_token_delete(struct work *w);
int change_signer_create(struct work *w);
int change_signer_delete(struct work *w);
int change_network_patch(struct work *w);
int change_server_patch(struct work *w);
int change_confirm(struct work *w);
int change_undo(struct work *w);

/* May the actor's token do what is planned? Whatever the kind of change: the files of the plan say it. */
int change_check_access(struct work *w);
/* While a change is pending only what takes access away is planned, and the service's own. */
int change_check_pending(struct work *w);
/* Turn a plan into a pending one: what it revokes is put on hold, what it supersedes waits. */
int change_make_pending(struct work *w);
/* Set the intent that flow read, reconcile, check that the whole fits; fork is the caller's. */
int change_apply_intent(struct work *w, struct model *fork);
/* The gateways that an undo brings back let nobody in who has been deleted since. */
int change_forget_gone(struct work *w, struct model *fork);

/* E_STALE unless the change has no If-Match or it is this blob. */
int change_match(struct work *w, const struct entity *e);
const struct user *change_find_user(struct work *w, const char *name);          /* NULL: failed */
const struct gateway *change_find_gateway(struct work *w, const char *name);    /* NULL: failed */

/* State files into the plan. */
void change_write_user(struct work *w, const struct user *u);
void change_write_gateway(struct work *w, const struct gateway *g);
void change_write_file(struct work *w, const char *path, const struct buf *b);

/* Choose an id and note in the ledger that it is given. */
int change_give_user_id(struct work *w, uint32_t *id);
int change_give_gateway_id(struct work *w, const struct user *u, uint32_t *id);
/* The ledger's note alone, where the id is chosen already; gateway -1: the user's. */
void change_note_given(struct work *w, uint32_t user, int64_t gateway);
/* Note that it came back. */
void change_release_user(struct work *w, const struct user *u);
void change_release_gateway(struct work *w, const struct gateway *g, const char *user_name);

/* Ask for a certificate; strictly newer than the device's others, so that it is its current one. */
int change_issue(struct work *w, enum certificate_kind kind, const char *device, const char *name);
void change_revoke(struct work *w, const struct certificate *c, enum revocation_reason reason, int64_t at);
/* Its planned end. */
void change_supersede(struct work *w, const struct certificate *c, int64_t until);
/* Every certificate of a device that is live or not yet expired. */
void change_revoke_device(struct work *w, const char *device, enum revocation_reason reason);
/* One gateway goes: its file, its certificates, its id. */
void change_remove_gateway(struct work *w, const struct gateway *g, const char *user_name);

/*
 * `allow ... from user:OLD` of every gateway: follows the user's new name, or goes
 * when new_name is NULL, so that the next user of that name is not let in.
 */
void change_rename_references(struct work *w, const char *old, const char *new_name);

const char *change_prefix_text(struct work *w, uint32_t user, int64_t gateway);

#endif
