/* Whose signature a pushed commit needs: the keys of access/signers/, as they are before the push. */
#include <string.h>

#include "base/json.h"
#include "flow/push_int.h"

struct signers {
	const char **keys;
	size_t n, cap;
};

static int visit(struct job *j, void *context, const struct state_change *c)
{
	static const char *const known[] = { "key", "name", NULL };
	struct signers *v = context;
	const char *key, *name;
	struct json *o;

	if (json_parse(j, c->after.bytes, c->after.len, &o) || json_want_object(j, o) ||
	    json_known(j, o, known) || json_want_string(j, o, "name", true, &name) ||
	    json_want_string(j, o, "key", true, &key)) {
		name = j->message;
		job_clear(j);
		return job_fail(j, E_CORRUPT, "broken_state", "%s: %s", c->path, name);
	}
	if (v->n == v->cap) {
		const char **old = v->keys;

		v->cap = v->cap ? v->cap * 2 : 16;
		v->keys = arena_alloc(j->arena, v->cap * sizeof(*v->keys));
		if (old)
			memcpy(v->keys, old, v->n * sizeof(*old));
	}
	v->keys[v->n++] = key;
	return 0;
}

/* "ssh-ed25519 AAAA...", with or without a comment behind it. */
static bool is_listed(const struct signers *v, const struct pki_ssh_key *by)
{
	size_t i, len = strlen(by->line);

	for (i = 0; i < v->n; i++)
		if (strncmp(v->keys[i], by->line, len) == 0 &&
		    (v->keys[i][len] == ' ' || v->keys[i][len] == '\0'))
			return true;
	return false;
}

static int check_commit(struct job *j, struct state *s, const struct signers *v, const struct oid *id)
{
	struct state_signature signature;
	struct pki_ssh_key by;
	const char *why;

	if (state_read_signature(j, s, id, &signature))
		return j->error;
	if (!signature.armour)
		return flow_refuse_push(j, id->hex, "", 0,
		    "is not signed, and access/signers names who must: "
		    "`git -c gpg.format=ssh commit --amend -S`");
	if (pki_verify_commit(j, signature.bytes, signature.len, signature.armour, &by)) {
		why = j->message;
		job_clear(j);
		return flow_refuse_push(j, id->hex, "", 0, why);
	}
	if (is_listed(v, &by))
		return 0;
	return flow_refuse_push(j, id->hex, "", 0,
	    arena_printf(j->arena,
		"is signed by the key %s, which is not among "
		"access/signers",
		by.fingerprint));
}

int flow_check_signers(struct job *j, struct state *s, const struct oid *base, const struct state_push *push)
{
	struct signers v = { 0 };
	size_t i;

	if (state_files(j, s, base, "access/signers", visit, &v))
		return j->error;
	for (i = 0; v.n && i < push->n; i++)
		if (check_commit(j, s, &v, &push->list[i].id))
			return j->error;
	return 0;
}
