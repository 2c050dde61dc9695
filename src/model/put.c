/*
 * One state file in, one entity in the store: the only way into the model,
 * for the files of a plan, of a push and of a whole commit alike.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

static const size_t SIZES[ENTITY_KINDS] = {
	[ENTITY_FORMAT] = sizeof(struct entity),
	[ENTITY_NETWORK] = sizeof(struct network),
	[ENTITY_SERVER] = sizeof(struct server),
	[ENTITY_USER] = sizeof(struct user),
	[ENTITY_GATEWAY] = sizeof(struct gateway),
	[ENTITY_CERTIFICATE] = sizeof(struct certificate),
	[ENTITY_SUPERSESSION] = sizeof(struct supersession),
	[ENTITY_REVOCATION] = sizeof(struct revocation),
	[ENTITY_ID] = sizeof(struct id_record),
	[ENTITY_RELEASE] = sizeof(struct id_release),
	[ENTITY_ADOPTION] = sizeof(struct adoption),
	[ENTITY_PENDING] = sizeof(struct pending),
	[ENTITY_TOKEN] = sizeof(struct token),
	[ENTITY_TOKEN_REMOVAL] = sizeof(struct token_removal),
	[ENTITY_SIGNER] = sizeof(struct signer),
	[ENTITY_ACCESS] = sizeof(struct entity),
};

static struct entity *entity_new(enum entity_kind kind, const char *path, const char *bytes, size_t len)
{
	/* About what the parsed strings take: one block an entity in most cases, with little to spare. */
	size_t text = kind == ENTITY_CERTIFICATE ? len * 5 / 8 : kind == ENTITY_ID ? 0 : len / 2;
	struct arena *a = arena_open(SIZES[kind] + strlen(path) + text + 32);
	struct entity *e = arena_alloc(a, SIZES[kind]);

	e->arena = a;
	e->kind = kind;
	e->path = arena_strdup(a, path);
	digest_git_blob(bytes, len, e->blob);
	return e;
}

static int parse_format(struct job *j, const char *bytes, size_t len)
{
	const char *text = arena_strndup(j->arena, bytes, len);
	size_t digits = strspn(text, "0123456789");
	long v = strtol(text, NULL, 10);

	if (digits + 1 != len || text[digits] != '\n' || v < 1)
		return job_fail(j, E_CORRUPT, "broken_state", "not a layout version");
	if (v > MODEL_FORMAT)
		return job_fail(j, E_CORRUPT, "newer_format",
		    "this state has layout %ld and this vpnunit knows up to %d: use a newer vpnunit", v,
		    MODEL_FORMAT);
	return 0;
}

/* The path must be the one that the content asks for. */
static int check_path(struct job *j, const struct entity *e, const char *wanted)
{
	if (strcmp(e->path, wanted) != 0)
		return job_fail(j, E_CORRUPT, "broken_state", "its content belongs at %s", wanted);
	return 0;
}

static int parse_ledger_entry(
    struct job *j, const struct model *m, const struct json *o, struct entity *e, const struct id128 *serial)
{
	char wanted[MODEL_PATH_MAX];
	const struct certificate *c;

	if (e->kind == ENTITY_CERTIFICATE) {
		struct certificate *own = (struct certificate *)e;

		own->serial = *serial;
		if (model_parse_certificate(j, o, own))
			return j->error;
		model_ledger_path(e->kind, serial->hex, own->not_before, wanted);
		return check_path(j, e, wanted);
	}
	c = model_certificate(m, serial->hex);
	if (!c)
		return job_fail(
		    j, E_CORRUPT, "broken_state", "the ledger has no certificate %s", serial->hex);
	model_ledger_path(e->kind, serial->hex, c->not_before, wanted);
	if (check_path(j, e, wanted))
		return j->error;
	if (e->kind == ENTITY_REVOCATION) {
		((struct revocation *)e)->serial = *serial;
		return model_parse_revocation(j, o, (struct revocation *)e);
	}
	((struct supersession *)e)->serial = *serial;
	return model_parse_supersession(j, o, (struct supersession *)e);
}

static int parse_id_entry(struct job *j, const struct json *o, struct entity *e, const struct path_meaning *p)
{
	if (e->kind == ENTITY_ID) {
		struct id_record *v = (struct id_record *)e;

		v->user = p->user;
		v->gateway = p->gateway;
		v->is_gateway = p->has_gateway;
		return model_parse_id(j, o, v);
	}
	struct id_release *v = (struct id_release *)e;

	v->user = p->user;
	v->gateway = p->gateway;
	v->number = p->number;
	v->is_gateway = p->has_gateway;
	return model_parse_release(j, o, v);
}

/* Files that are named by a person, or by a digest: the name is the path's. */
static int parse_named(struct job *j, const struct model *m, const struct json *o, struct entity *e,
    const struct path_meaning *p)
{
	const char *name = arena_strndup(e->arena, p->name, strlen(p->name) - strlen(".json"));
	struct token_removal *removal = (struct token_removal *)e;
	uint8_t bytes[(DIGEST_HEX - 1) / 2];

	if (e->kind == ENTITY_TOKEN_REMOVAL) {
		if (!digest_unhex(name, bytes, sizeof(bytes)))
			return job_fail(j, E_CORRUPT, "broken_state", "its name is no SHA-256");
		memcpy(removal->digest, name, DIGEST_HEX);
		return model_parse_token_removal(j, o, removal);
	}
	if (!model_is_token_name(name))
		return job_fail(j, E_CORRUPT, "broken_state", "its name is none that it could have");
	if (e->kind == ENTITY_SIGNER) {
		((struct signer *)e)->name = name;
		return model_parse_signer(j, o, (struct signer *)e);
	}
	((struct token *)e)->name = name;
	return model_parse_token(j, model_network(m), o, (struct token *)e);
}

static int parse_entity(struct job *j, const struct model *m, const struct json *o, struct entity *e,
    const struct path_meaning *p)
{
	switch (e->kind) {
	case ENTITY_NETWORK:
		return model_parse_network(j, o, (struct network *)e);
	case ENTITY_SERVER:
		return model_parse_server(j, o, (struct server *)e);
	case ENTITY_USER:
		((struct user *)e)->id = p->user;
		return model_parse_user(j, o, (struct user *)e);
	case ENTITY_GATEWAY:
		((struct gateway *)e)->user = p->user;
		((struct gateway *)e)->id = p->gateway;
		return model_parse_gateway(j, model_network(m), o, (struct gateway *)e);
	case ENTITY_ID:
	case ENTITY_RELEASE:
		return parse_id_entry(j, o, e, p);
	case ENTITY_ADOPTION:
		((struct adoption *)e)->serial = p->serial;
		return model_parse_adoption(j, o, (struct adoption *)e);
	case ENTITY_PENDING:
		return model_parse_pending(j, o, (struct pending *)e);
	case ENTITY_TOKEN:
	case ENTITY_TOKEN_REMOVAL:
	case ENTITY_SIGNER:
		return parse_named(j, m, o, e, p);
	case ENTITY_ACCESS:
		return 0;
	default:
		return parse_ledger_entry(j, m, o, e, &p->serial);
	}
}

struct file {
	const char *bytes;
	size_t len;
	struct path_meaning meaning;
};

static int parse_file(struct job *j, const struct model *m, const struct file *f, struct entity *e)
{
	struct json *o;

	if (e->kind == ENTITY_FORMAT)
		return parse_format(j, f->bytes, f->len);
	if (json_parse(j, f->bytes, f->len, &o) || json_want_object(j, o))
		return j->error;
	return parse_entity(j, m, o, e, &f->meaning);
}

/* A failure found inside a file becomes one that names the file. */
static int fail_in_file(struct job *j, struct arena *saved, const char *path)
{
	const char *field = j->fields && *j->fields->field ? arena_strdup(saved, j->fields->field) : NULL;
	const char *message = arena_strdup(saved, j->message);
	const char *code = j->error == E_CORRUPT ? arena_strdup(saved, j->code) : "broken_state";

	j->arena = saved;
	job_clear(j);
	return field ? job_fail(j, E_CORRUPT, code, "%s: %s: %s", path, field, message)
		     : job_fail(j, E_CORRUPT, code, "%s: %s", path, message);
}

int model_put(struct job *j, struct model *m, const char *path, const char *bytes, size_t len)
{
	const struct network *n = model_network(m);
	struct file f = { bytes, len, model_read_path(n, path) };
	const struct entity *old = model_entity(m, path);
	struct arena *saved = j->arena;
	struct entity *e;

	if (!f.meaning.is_known)
		return job_fail(
		    j, E_CORRUPT, "broken_state", "%s: no file of this name belongs in a state", path);
	e = entity_new(f.meaning.kind, path, bytes, len);
	if (old && model_is_ledger(f.meaning.kind) && strcmp(old->blob, e->blob) != 0) {
		arena_close(e->arena);
		return job_fail(
		    j, E_CORRUPT, "ledger_changed", "%s: entries of the ledger never change", path);
	}
	j->arena = arena_open(4096); /* the parse tree goes, however many files a boot reads */
	if (parse_file(j, m, &f, e)) {
		struct arena *scratch = j->arena;

		fail_in_file(j, saved, path);
		arena_close(scratch);
		arena_close(e->arena);
		return j->error;
	}
	arena_close(j->arena);
	j->arena = saved;
	model_take(m, e);
	return 0;
}

int model_remove(struct job *j, struct model *m, const char *path)
{
	if (!model_read_path(model_network(m), path).is_known)
		return job_fail(
		    j, E_CORRUPT, "broken_state", "%s: no file of this name belongs in a state", path);
	model_bury(m, path);
	return 0;
}
