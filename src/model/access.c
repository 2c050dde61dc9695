/* Tokens and signers: their files as structs, and which token is whose. */
#include "model/access.h"

#include <stdio.h>
#include <string.h>

#include "model/model_int.h"

static const char *const ROLES[] = {
	[ROLE_AUDITOR] = "auditor",
	[ROLE_GATEWAY] = "gateway",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMIN] = "admin",
	NULL,
};

bool model_is_token_name(const char *s)
{
	return model_is_user_name(s);
}

bool model_is_signer_key(const char *s)
{
	static const char head[] = "ssh-ed25519 ";
	const char *base64 = s + sizeof(head) - 1;
	size_t len;

	if (strncmp(s, head, sizeof(head) - 1) != 0)
		return false;
	len = strspn(base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
	return len == 68 && (base64[len] == '\0' || base64[len] == ' ') && strlen(s) < 512;
}

const char *model_role_word(enum role v)
{
	return ROLES[v];
}

bool model_parse_role(const char *word, enum role *out)
{
	unsigned i;

	for (i = 0; ROLES[i]; i++)
		if (strcmp(word, ROLES[i]) == 0) {
			*out = (enum role)i;
			return true;
		}
	return false;
}

void model_token_path(const char *name, char *out)
{
	snprintf(out, MODEL_PATH_MAX, "access/tokens/%s.json", name);
}

void model_token_removal_path(const char *digest, char *out)
{
	snprintf(out, MODEL_PATH_MAX, "ledger/tokens/%s.json", digest);
}

void model_signer_path(const char *name, char *out)
{
	snprintf(out, MODEL_PATH_MAX, "access/signers/%s.json", name);
}

const struct token *model_token(const struct model *m, const char *name)
{
	char path[MODEL_PATH_MAX];
	const struct entity *e;

	model_token_path(name, path);
	e = model_entity(m, path);
	return e && e->kind == ENTITY_TOKEN ? (const struct token *)e : NULL;
}

const struct signer *model_signer(const struct model *m, const char *name)
{
	char path[MODEL_PATH_MAX];
	const struct entity *e;

	model_signer_path(name, path);
	e = model_entity(m, path);
	return e && e->kind == ENTITY_SIGNER ? (const struct signer *)e : NULL;
}

const struct token *model_find_token(struct job *j, const struct model *m, const char digest[DIGEST_HEX])
{
	const struct entity **e = model_all(j->arena, m, ENTITY_TOKEN);
	const struct token *found = NULL;

	for (; *e; e++)
		if (digest_equal(((const struct token *)*e)->digest, digest, DIGEST_HEX))
			found = (const struct token *)*e;
	return found;
}

const struct user *model_token_user(const struct model *m, const struct token *t)
{
	const struct user *u = t->has_user ? model_user(m, t->user) : NULL;

	return u && u->created == t->user_created ? u : NULL;
}

const struct gateway *model_token_gateway(const struct model *m, const struct token *t)
{
	const struct gateway *g = t->has_gateway ? model_gateway_by_name(m, t->gateway_name) : NULL;

	return g && strcmp(g->device.hex, t->device.hex) == 0 ? g : NULL;
}

bool model_token_stands(const struct model *m, const struct token *t)
{
	return (!t->has_user || model_token_user(m, t)) && (!t->has_gateway || model_token_gateway(m, t));
}

bool model_is_gateway_path_of(const struct network *n, const char *path, uint32_t user)
{
	struct path_meaning p = model_read_path(n, path);

	if (!p.is_known || !p.has_gateway || p.user != user)
		return false;
	return p.kind == ENTITY_GATEWAY || p.kind == ENTITY_ID || p.kind == ENTITY_RELEASE;
}

static int parse_token_user(struct job *j, const struct network *n, const struct json *o, struct token *v)
{
	static const char *const keys[] = { "created", "id", "name", NULL };
	const char *id;

	if (json_want_object(j, o) || json_known(j, o, keys) ||
	    model_want_copy(j, v->entity.arena, o, "name", &v->user_name) ||
	    model_want_time(j, o, "created", &v->user_created) || json_want_string(j, o, "id", true, &id))
		return j->error;
	v->has_user = true;
	return n && model_parse_user_id(n, id, &v->user) ? 0 : job_fail_field(j, "id", "not a user's id");
}

static int parse_token_gateway(struct job *j, const struct json *o, struct token *v)
{
	static const char *const keys[] = { "device", "name", NULL };

	v->has_gateway = true;
	return json_want_object(j, o) || json_known(j, o, keys) ||
		model_want_copy(j, v->entity.arena, o, "name", &v->gateway_name) ||
		model_want_id128(j, o, "device", &v->device)
	    ? j->error
	    : 0;
}

/* A gateway's token is for one gateway, an admin's for no single user: what could be meant by that? */
static int check_token(struct job *j, const struct token *v)
{
	if ((v->role == ROLE_GATEWAY) != v->has_gateway)
		return job_fail_field(j, "gateway", "goes with the role gateway, and with no other");
	if (v->has_user && v->role != ROLE_OPERATOR && v->role != ROLE_AUDITOR)
		return job_fail_field(j, "user", "goes with the roles operator and auditor alone");
	return 0;
}

int model_parse_token(struct job *j, const struct network *n, const struct json *o, struct token *v)
{
	static const char *const keys[] = { "created", "digest", "expires", "gateway", "role", "user", NULL };
	const struct json *user = json_get(o, "user"), *gateway = json_get(o, "gateway");
	uint8_t bytes[(DIGEST_HEX - 1) / 2];
	const char *digest;
	unsigned role;

	if (json_known(j, o, keys) || model_want_time(j, o, "created", &v->created) ||
	    json_want_string(j, o, "digest", true, &digest) || model_want_word(j, o, "role", ROLES, &role) ||
	    (json_get(o, "expires") && model_want_time(j, o, "expires", &v->expires)) ||
	    (user && parse_token_user(j, n, user, v)) || (gateway && parse_token_gateway(j, gateway, v)))
		return j->error;
	v->role = (enum role)role;
	if (!digest_unhex(digest, bytes, sizeof(bytes)))
		return job_fail_field(j, "digest", "not 64 lower-case hex digits");
	memcpy(v->digest, digest, DIGEST_HEX);
	return check_token(j, v);
}

int model_parse_token_removal(struct job *j, const struct json *o, struct token_removal *v)
{
	static const char *const keys[] = { "at", "by", "name", NULL };

	return json_known(j, o, keys) || model_want_time(j, o, "at", &v->at) ||
		model_want_copy(j, v->entity.arena, o, "by", &v->by) ||
		model_want_copy(j, v->entity.arena, o, "name", &v->name)
	    ? j->error
	    : 0;
}

int model_parse_signer(struct job *j, const struct json *o, struct signer *v)
{
	static const char *const keys[] = { "key", "name", NULL };
	const char *name;

	if (json_known(j, o, keys) || model_want_copy(j, v->entity.arena, o, "key", &v->key) ||
	    json_want_string(j, o, "name", true, &name))
		return j->error;
	if (strcmp(name, v->name) != 0)
		return job_fail_field(j, "name", "not the file's");
	return model_is_signer_key(v->key) ? 0 : job_fail_field(j, "key", "not like ssh-ed25519 AAAA...");
}
