/* Shared inside model: the store, and one parser a kind of state file. */
#ifndef MODEL_MODEL_INT_H
#define MODEL_MODEL_INT_H

#include "base/json.h"
#include "base/map.h"
#include "model/access.h"

enum { ENTITY_KINDS = ENTITY_ACCESS + 1 };

struct sorted { /* by path; NULL behind the last one */
	const struct entity **list;
	size_t n, cap;
	size_t placed; /* these; what was added since follows as it came */
};

void sorted_add(struct sorted *s, const struct entity *e); /* sorted_place must follow, one for many */
void sorted_place(struct sorted *s);
void sorted_remove(struct sorted *s, const struct entity *e);
void sorted_clear(struct sorted *s);

struct model {
	const struct model *base;
	struct map entities;       /* path -> entity, graves included */
	struct map user_names;     /* name -> user */
	struct map gateway_names;  /* name -> gateway */
	struct map serials;        /* serial -> certificate */
	struct map devices;        /* device -> device_certificates */
	struct entity **dropped;   /* replaced while a fork: pointers to them may still be held */
	size_t dropped_n;
	long counts[ENTITY_KINDS]; /* over the base's */
	struct sorted sorted[ENTITY_KINDS]; /* a base's */
	bool is_unsorted;          /* until model_sort */
	uint32_t unused_from;      /* every user id below is in the ledger or reserved */
};

struct device_certificates {
	struct id128 device;
	const struct certificate **list;
	size_t n;
};

/* Is the base's entity at this path replaced or removed by m? */
bool model_hides(const struct model *m, const char *path);

/* Put an entity in (m owns it from here), or leave a grave at a path. */
void model_take(struct model *m, struct entity *e);
void model_bury(struct model *m, const char *path);

/* Which file a path names. is_known false: no file of the layout. */
struct path_meaning {
	enum entity_kind kind;
	bool is_known, has_gateway;
	uint32_t user, gateway, number;
	struct id128 serial;
	const char *name;          /* of a token, a token's removal, a signer: what ends with ".json" */
};
struct path_meaning model_read_path(const struct network *n, const char *path);

/* Fill an entity of its kind from JSON; strings go into the entity's arena. */
int model_parse_network(struct job *j, const struct json *o, struct network *v);
int model_parse_server(struct job *j, const struct json *o, struct server *v);
int model_parse_user(struct job *j, const struct json *o, struct user *v);
int model_parse_gateway(struct job *j, const struct network *n, const struct json *o, struct gateway *v);
int model_parse_certificate(struct job *j, const struct json *o, struct certificate *v);
int model_parse_supersession(struct job *j, const struct json *o, struct supersession *v);
int model_parse_revocation(struct job *j, const struct json *o, struct revocation *v);
int model_parse_adoption(struct job *j, const struct json *o, struct adoption *v);
int model_parse_id(struct job *j, const struct json *o, struct id_record *v);
int model_parse_pending(struct job *j, const struct json *o, struct pending *v);
int model_parse_release(struct job *j, const struct json *o, struct id_release *v);
int model_parse_token(struct job *j, const struct network *n, const struct json *o, struct token *v);
int model_parse_token_removal(struct job *j, const struct json *o, struct token_removal *v);
int model_parse_signer(struct job *j, const struct json *o, struct signer *v);

/* Typed members that state files share. */
int model_want_time(struct job *j, const struct json *o, const char *key, int64_t *out);
int model_want_duration(struct job *j, const struct json *o, const char *key, int64_t *out);
int model_want_id128(struct job *j, const struct json *o, const char *key, struct id128 *out);
int model_want_copy(struct job *j, struct arena *a, const struct json *o, const char *key, const char **out);
/* One of the NULL-terminated words; *out is its index. */
int model_want_word(struct job *j, const struct json *o, const char *key, const char *const *words, unsigned *out);

#endif
