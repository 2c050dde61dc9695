/*
 * The ledger rule, one commit at a time: what has been issued, revoked or given
 * stays on record, byte for byte.  Only the service adds to it, and only
 * ledger.prune takes away, when no CRL can need the entry any more.
 */
#include <string.h>

#include "flow/verify_int.h"

#define CERTIFICATES "ledger/certificates/"

struct step {
	struct state *state;
	const struct state_commit *commit;
	enum maker maker;
	struct lies *lies;
};

static bool begins(const char *path, const char *with)
{
	return strncmp(path, with, strlen(with)) == 0;
}

/* What `git push` may bring. */
static bool is_intent(const char *path)
{
	return begins(path, "users/") || begins(path, "servers/") || strcmp(path, "network.json") == 0;
}

/* Where the certificate's own entry is, that an entry of the ledger is about; NULL: it is about none. */
static const char *certificate_path(struct job *j, const char *path)
{
	static const char *const folders[] = { CERTIFICATES, "ledger/superseded/", "ledger/revocations/" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (begins(path, folders[i]))
			return arena_printf(j->arena, CERTIFICATES "%s", path + strlen(folders[i]));
	return NULL;
}

/* As of the commit before: no commit brings the policy along by which it is judged. */
static int put_before(struct job *j, const struct step *s, const char *path, struct model *m)
{
	struct buf bytes;

	if (state_read(j, s->state, &s->commit->parent, path, &bytes))
		return j->error;
	return model_put(j, m, path, bytes.data, bytes.len);
}

static bool has_ended(struct job *j, const struct step *s, const char *path)
{
	struct model *m = model_open();
	const struct entity **e;
	bool has = false;

	if (put_before(j, s, "network.json", m) == 0 && put_before(j, s, path, m) == 0) {
		e = model_all(j->arena, m, ENTITY_CERTIFICATE);
		has = *e &&
		    ((const struct certificate *)*e)->not_after + model_network(m)->policy.crl <=
			s->commit->time;
	}
	job_clear(j); /* what cannot be read was not prunable */
	model_close(m);
	return has;
}

static void look_at_removal(struct job *j, const struct step *s, const char *path)
{
	const char *certificate = certificate_path(j, path);

	if (s->maker != MAKER_SERVICE || strcmp(s->commit->change, "ledger.prune") != 0)
		lies_add(
		    s->lies, &s->commit->id, path, "taken out of the ledger, which only ledger.prune may do");
	else if (!certificate || !has_ended(j, s, certificate))
		lies_add(s->lies, &s->commit->id, path,
		    "pruned, although its certificate had not ended one CRL period before");
}

static int look(struct job *j, void *context, const struct state_change *c)
{
	const struct step *s = context;

	if (s->maker == MAKER_PUSHED && !is_intent(c->path)) {
		lies_add(s->lies, &s->commit->id, c->path, "a push may not touch it");
		return 0;
	}
	if (!begins(c->path, "ledger/"))
		return 0;
	if (c->before.bytes && c->after.bytes)
		lies_add(s->lies, &s->commit->id, c->path, "an entry of the ledger was changed");
	else if (!c->after.bytes)
		look_at_removal(j, s, c->path);
	else if (s->maker != MAKER_SERVICE)
		lies_add(s->lies, &s->commit->id, c->path, "put into the ledger, but not by the service");
	return 0;
}

int verify_ledger(
    struct job *j, struct state *s, const struct state_commit *c, enum maker maker, struct lies *l)
{
	struct step step = { .state = s, .commit = c, .maker = maker, .lies = l };

	if (state_changes(j, s, &c->parent, &c->id, look, &step))
		return lies_take(j, l, &c->id, "");
	return 0;
}
