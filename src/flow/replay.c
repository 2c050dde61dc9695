/*
 * Idempotency: the keys of the last day's requests and the commits that they
 * made.  The key is a trailer of its commit, so that what is known here is
 * what the history says, also after a crash.  The writer's alone.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/flow_int.h"

enum { DAY = 86400, WALK_MAX = 100000, DIGITS = DIGEST_HEX - 1 };

struct flow_key { /* one trailer: the digests of actor and key, and of the request */
	char key[DIGEST_HEX], request[DIGEST_HEX];
	struct oid commit;
	int64_t at;
	struct flow_key *next; /* made later */
};

static bool read_trailer(const char *text, struct flow_key *out)
{
	if (strlen(text) != 2 * DIGITS + 1 || strspn(text, "0123456789abcdef") != DIGITS ||
	    text[DIGITS] != ' ')
		return false;
	memcpy(out->key, text, DIGITS);
	memcpy(out->request, text + DIGEST_HEX, DIGITS);
	out->key[DIGITS] = out->request[DIGITS] = '\0';
	return true;
}

static void forget_old(struct flow_keys *keys, int64_t now)
{
	while (keys->first && keys->first->at + DAY <= now) {
		struct flow_key *old = keys->first;

		if (map_get(&keys->by_key, old->key) == old)
			map_del(&keys->by_key, old->key);
		keys->first = old->next;
		if (!keys->first)
			keys->last = &keys->first;
		free(old);
	}
}

static void keep(struct flow_keys *keys, const char *trailer, const struct oid *commit, int64_t at)
{
	struct flow_key *new = mem_zalloc(sizeof(*new));

	if (!read_trailer(trailer, new)) {
		free(new);
		return;
	}
	new->commit = *commit;
	new->at = at;
	if (!keys->last)
		keys->last = &keys->first;
	*keys->last = new;
	keys->last = &new->next;
	map_del(&keys->by_key, new->key); /* the key belongs to its value */
	map_put(&keys->by_key, new->key, new);
}

void flow_close_keys(struct flow_keys *keys)
{
	forget_old(keys, INT64_MAX);
	map_clear(&keys->by_key);
}

/* Back from HEAD for a day; newest first, so kept from the end. */
int flow_load_keys(struct job *j, struct flow *f)
{
	struct found {
		const char *trailer;
		struct oid commit;
		int64_t at;
		struct found *next;
	} *found = NULL, *new;
	struct state_commit c = { .parent = f->head };
	unsigned n;

	for (n = 0; c.parent.hex[0] && n < WALK_MAX; n++) {
		struct oid id = c.parent;

		if (state_read_commit(j, f->state, &id, &c))
			return j->error;
		if (c.time + DAY <= j->now)
			break;
		if (!*c.idempotency)
			continue;
		new = arena_alloc(j->arena, sizeof(*new));
		*new = (struct found){ c.idempotency, id, c.time, found };
		found = new;
	}
	for (; found; found = found->next)
		keep(&f->keys, found->trailer, &found->commit, found->at);
	return 0;
}

/* The first request with this key: of an earlier turn, or of this one. */
static const char *find(struct flow *f, const struct ticket *list, const struct ticket *t,
    const struct flow_key *wanted, struct oid *commit)
{
	const struct flow_key *kept = map_get(&f->keys.by_key, wanted->key);

	if (kept) {
		*commit = kept->commit;
		return kept->request;
	}
	for (; list != t; list = list->next)
		if (!list->job->error && list->change->idempotency &&
		    strncmp(list->change->idempotency, wanted->key, DIGITS) == 0) {
			*commit = list->commit;
			return list->change->idempotency + DIGEST_HEX;
		}
	return NULL;
}

bool flow_is_replay(struct flow *f, const struct ticket *list, struct ticket *t)
{
	const char *request;
	struct flow_key wanted;

	t->is_replay = false;
	if (!t->change->idempotency || !read_trailer(t->change->idempotency, &wanted))
		return false;
	forget_old(&f->keys, t->change->now);
	request = find(f, list, t, &wanted, &t->commit);
	if (!request)
		return false;
	t->is_replay = true;
	if (strcmp(request, wanted.request) != 0)
		job_fail(t->job, E_CONFLICT, "idempotency_mismatch",
		    "this Idempotency-Key came with another request within "
		    "the last day: take a new key for a new request");
	return true;
}

void flow_keep_keys(struct flow *f, const struct ticket *list)
{
	for (; list; list = list->next)
		if (!list->job->error && !list->is_replay && list->change->idempotency)
			keep(&f->keys, list->change->idempotency, &list->commit, list->change->now);
}

/* The plan that a commit carried out, as far as a summary looks at it. */
static int note_file(struct job *j, void *plan, const char *path, const char *bytes, size_t len)
{
	if (bytes)
		plan_write(j->arena, plan, path, arena_strndup(j->arena, bytes, len), len);
	else
		plan_delete(j->arena, plan, path);
	return 0;
}

static void note_issues(struct job *j, const struct model *after, struct plan *plan)
{
	const struct entity **e;

	for (e = model_touched(j->arena, after, ENTITY_CERTIFICATE); *e; e++) {
		const struct certificate *c = (const struct certificate *)*e;
		struct plan_issue *i;

		if ((*e)->is_removed)
			continue;
		i = plan_issue(j->arena, plan, c->kind);
		i->name = arena_strdup(j->arena, c->name);
		i->serial = c->serial;
	}
}

static int recall(struct job *j, struct state *s, const struct state_commit *c, struct flow_summary *out)
{
	struct model *before = model_open(), *after = model_fork(before);
	struct plan plan = { .change = c->change };

	if (flow_load_model(j, s, &c->parent, before) || flow_put_diff(j, s, &c->parent, &c->id, after) ||
	    state_diff(j, s, &c->parent, &c->id, note_file, &plan))
		goto out;
	note_issues(j, after, &plan);
	flow_summarise(j, before, after, &plan, out);
out:
	model_close(after);
	model_close(before);
	return j->error;
}

int flow_recall(struct job *j, struct flow *f, const struct change *ch, struct flow_result *r)
{
	struct state *s = NULL;
	struct state_commit c;

	memset(&r->summary, 0, sizeof(r->summary));
	/* A commit without the key was there before: the first request had nothing to do. */
	if (state_open(j, arena_printf(j->arena, "%s/state.git", f->data), &s) == 0 &&
	    state_read_commit(j, s, &r->commit, &c) == 0 && strcmp(c.idempotency, ch->idempotency) == 0)
		recall(j, s, &c, &r->summary);
	state_close(s);
	return j->error;
}
