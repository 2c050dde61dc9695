/*
 * Who may do what: the tokens and signers of access/, which keep the newest
 * commit's content through every rollback, and the ledger's note of each token
 * that was taken away, so that none comes back.
 */
#ifndef MODEL_ACCESS_H
#define MODEL_ACCESS_H

#include "model/model.h"

/*
 * auditor: reads, but no private key.  gateway: the configuration and the renewal of one gateway.
 * operator: all but tokens, settings and rollback.  admin: all.
 */
enum role { ROLE_AUDITOR, ROLE_GATEWAY, ROLE_OPERATOR, ROLE_ADMIN };

struct token { /* access/tokens/<name>.json */
	struct entity entity;
	const char *name;
	char digest[DIGEST_HEX];  /* SHA-256 of what its holder sends */
	enum role role;
	int64_t created, expires; /* expires 0: never */
	/* for one user: the one who had this id then, not the next of that name, nor of that id */
	bool has_user;
	uint32_t user;
	int64_t user_created;
	const char *user_name;    /* as it was then, for people */
	/* for one gateway: this device under this name */
	bool has_gateway;
	struct id128 device;
	const char *gateway_name;
};

struct token_removal { /* ledger/tokens/<digest>.json */
	struct entity entity;
	char digest[DIGEST_HEX];
	const char *name;
	int64_t at;
	const char *by;           /* the actor */
};

struct signer { /* access/signers/<name>.json: a key that pushed commits may be signed with */
	struct entity entity;
	const char *name;
	const char *key;          /* "ssh-ed25519 AAAA...", perhaps with a comment behind */
};

/* As a user's: a token's name is the actor of its commits. */
bool model_is_token_name(const char *s);
/* A public key of ssh-keygen's Ed25519 form, one line. */
bool model_is_signer_key(const char *s);

const char *model_role_word(enum role v);
/* False where it is no role's word. */
bool model_parse_role(const char *word, enum role *out);

/* Each writes at most MODEL_PATH_MAX bytes. */
void model_token_path(const char *name, char *out);
void model_token_removal_path(const char *digest, char *out);
void model_signer_path(const char *name, char *out);

/* NULL where there is none. */
const struct token *model_token(const struct model *m, const char *name);
const struct signer *model_signer(const struct model *m, const char *name);
/*
 * The token with this digest; all are looked at, each in constant time, so that how long it takes
 * tells nothing.  For a base: what it returns is borrowed as every entity is.
 */
const struct token *model_find_token(struct job *j, const struct model *m, const char digest[DIGEST_HEX]);
/* The user that it is for, the gateway that it is for; NULL: it is for none, or that one is gone. */
const struct user *model_token_user(const struct model *m, const struct token *t);
const struct gateway *model_token_gateway(const struct model *m, const struct token *t);
/* Is what it is for still there? */
bool model_token_stands(const struct model *m, const struct token *t);

/* Is this file that of a gateway of the user, or the ledger's about the id of one? */
bool model_is_gateway_path_of(const struct network *n, const char *path, uint32_t user);

void model_encode_token(struct buf *b, const struct network *n, const struct token *v);
void model_encode_token_removal(struct buf *b, const struct token_removal *v);
void model_encode_signer(struct buf *b, const struct signer *v);

#endif
