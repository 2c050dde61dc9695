/*
 * Rollback and revert: which intent files to set, read from git at the moment
 * of planning.  What that means for certificates is change's to find.
 */
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "flow/flow_int.h"

struct gather { /* the intent files that differ, as a diff visits them */
	struct plan_file *first, **last;
	bool with_network;
};

static bool is_intent(const char *path, bool with_network)
{
	return strncmp(path, "users/", 6) == 0 || strncmp(path, "servers/", 8) == 0 ||
	       (with_network && strcmp(path, "network.json") == 0);
}

static int gather(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	struct gather *g = context;
	struct plan_file *f;

	if (!is_intent(path, g->with_network))
		return 0;
	f = arena_alloc(j->arena, sizeof(*f));
	f->path = arena_strdup(j->arena, path);
	f->data = bytes ? arena_strndup(j->arena, bytes, len) : NULL;
	f->len = len;
	*g->last = f;
	g->last = &f->next;
	return 0;
}

static int diff_intent(struct job *j, struct state *s, const struct oid *from, const struct oid *to, struct gather *g)
{
	g->first = NULL;
	g->last = &g->first;
	return state_diff(j, s, from, to, gather, g);
}

/* "user:x" takes all below the user, "gateway:y" the gateway; by its name before or after. */
static bool is_wanted(const char *kind, const char *name, const char *const *only)
{
	for (; *only; only++) {
		size_t len = strlen(kind);

		if (strncmp(*only, kind, len) == 0 && strcmp(*only + len, name) == 0)
			return true;
	}
	return false;
}

static void want_user(const struct model *m, uint32_t id, const char *path, const char *const *only, struct map *wanted)
{
	const struct user *u = model_user(m, id);

	if (u && is_wanted("user:", u->name, only))
		map_put(wanted, path, (void *)path);
}

/* The paths of one side that are asked for. */
static void select_paths(struct job *j, const struct model *side, const struct model *touched, const char *const *only,
    struct map *wanted)
{
	const struct entity **e;

	for (e = model_touched(j->arena, touched, ENTITY_USER); *e; e++) {
		const struct user *u = (const struct user *)model_entity(side, (*e)->path);

		if (u && is_wanted("user:", u->name, only))
			map_put(wanted, u->entity.path, (void *)u);
	}
	for (e = model_touched(j->arena, touched, ENTITY_GATEWAY); *e; e++) {
		const struct gateway *g = (const struct gateway *)model_entity(side, (*e)->path);

		if (g && is_wanted("gateway:", g->name, only))
			map_put(wanted, g->entity.path, (void *)g);
		else if (g)
			want_user(side, g->user, g->entity.path, only, wanted);
	}
}

static int keep_only(struct job *j, const struct model *m, const char *const *only, struct gather *g)
{
	struct model *fork = model_fork(m);
	struct map wanted = { 0 };
	struct plan_file **at = &g->first, *f;

	for (f = g->first; f; f = f->next)
		if (f->data ? model_put(j, fork, f->path, f->data, f->len) : model_remove(j, fork, f->path))
			goto out;
	select_paths(j, m, fork, only, &wanted);
	select_paths(j, fork, fork, only, &wanted);
	while (*at)
		if (map_get(&wanted, (*at)->path))
			at = &(*at)->next;
		else
			*at = (*at)->next;
	if (!g->first)
		job_fail(j, E_NOT_FOUND, "not_found", "%s%s: not different there, or not known", only[0],
		    only[1] ? ", ..." : "");
out:
	map_clear(&wanted);
	model_close(fork);
	return j->error;
}

static const char *join(struct job *j, const char *const *words)
{
	struct buf b;

	buf_open(&b, j->arena);
	for (; *words; words++)
		buf_printf(&b, "%s%s", b.len ? ", " : "", *words);
	return b.data;
}

int flow_read_rollback(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch)
{
	struct gather g = { .with_network = ch->with_network };
	struct oid target;
	bool is_ours = false;

	memcpy(target.hex, ch->target, OID_HEX);
	if (state_is_ancestor(j, s, &target, at, &is_ours))
		return j->error;
	if (!is_ours)
		return job_fail(j, E_NOT_FOUND, "not_found", "commit %.12s is not in the history of main", ch->target);
	if (diff_intent(j, s, at, &target, &g) || (ch->only && keep_only(j, m, ch->only, &g)))
		return j->error;
	ch->intent = g.first;
	ch->subject = ch->only ? arena_printf(j->arena, "rollback: %s to %.12s", join(j, ch->only), ch->target)
			       : arena_printf(j->arena, "rollback: to %.12s", ch->target);
	return 0;
}

static const char *compact(struct job *j, const struct json *v)
{
	struct buf b;

	if (!v)
		return "";
	buf_open(&b, j->arena);
	json_print_compact(&b, v);
	return b.data;
}

static bool is_same_json(struct job *j, const struct json *a, const struct json *b)
{
	return strcmp(compact(j, a), compact(j, b)) == 0;
}

static struct json *copy_member(struct job *j, const struct json *v)
{
	struct json *copy = arena_alloc(j->arena, sizeof(*copy));

	*copy = *v;
	copy->next = NULL;
	return copy;
}

struct sides { /* of a three-way merge: what the commit made, what was before it, what is now */
	const struct json *made, *before, *now;
};

/* One member after the merge; false: both moved it. *out NULL: it is not there. */
static bool merge_member(struct job *j, const struct sides *s, const char *key, const struct json **out)
{
	const struct json *made = json_get(s->made, key), *before = json_get(s->before, key), *now = json_get(s->now, key);

	*out = is_same_json(j, now, made) ? before : now;
	return is_same_json(j, now, made) || is_same_json(j, made, before) || is_same_json(j, now, before);
}

static bool merge_objects(struct job *j, const struct sides *s, struct json *out)
{
	const struct json *all[] = { s->now, s->before }, *member, *merged;
	size_t i;

	for (i = 0; i < 2; i++)
		for (member = all[i]->child; member; member = member->next) {
			if (json_get(out, member->key))
				continue;
			if (!merge_member(j, s, member->key, &merged))
				return false;
			if (merged)
				json_add(out, member->key, copy_member(j, merged));
		}
	return true;
}

static bool merge_texts(struct job *j, const struct buf *made, const struct plan_file *before, const struct buf *now,
    struct buf *out)
{
	struct json *parsed[3], *merged = json_object(j->arena);

	if (json_parse(j, made->data, made->len, &parsed[0]) || json_parse(j, before->data, before->len, &parsed[1]) ||
	    json_parse(j, now->data, now->len, &parsed[2])) {
		job_clear(j);
		return false;
	}
	if (!merge_objects(j, &(struct sides){ parsed[0], parsed[1], parsed[2] }, merged))
		return false;
	buf_open(out, j->arena);
	json_print_canonical(out, merged);
	return true;
}

struct merge { /* the undoing of one commit */
	struct state *state;
	struct oid made, at;       /* the commit, and what the result goes on top of */
	bool is_lenient;           /* what was changed since stays as it is now, instead of being a conflict */
};

/* A missing file is an empty buffer: a state file never is. */
static int read_or_empty(struct job *j, const struct merge *m, const struct oid *commit, const char *path, struct buf *out)
{
	if (state_read(j, m->state, commit, path, out) != E_NOT_FOUND)
		return j->error;
	job_clear(j);
	buf_open(out, j->arena);
	return 0;
}

static bool is_same(const struct buf *a, const char *data, size_t len)
{
	return a->len == len && memcmp(a->data, data ? data : "", len) == 0;
}

static int fail_conflict(struct job *j, const struct merge *m, const char *path)
{
	const char *text = "a later commit changed it";
	struct state_entry last;
	struct job look;

	job_open(&look);
	if (state_last_change(&look, m->state, &m->at, path, &last) == 0)
		text = arena_printf(j->arena, "changed since, last by %s in %.12s: %s", last.actor, last.commit.hex,
		    last.subject);
	job_close(&look);
	return job_fail_at(j, E_CONFLICT, "changed_since", path, text);
}

/* *drop: the file stays as it is now. A conflict is noted, and the next file looked at. */
static int merge_file(struct job *j, const struct merge *m, struct plan_file *before, bool *drop)
{
	struct buf made, now, merged;

	if (read_or_empty(j, m, &m->made, before->path, &made) || read_or_empty(j, m, &m->at, before->path, &now))
		return j->error;
	*drop = is_same(&now, before->data, before->len);
	if (*drop || is_same(&now, made.data, made.len))
		return 0;
	if (made.len && before->data && now.len && merge_texts(j, &made, before, &now, &merged)) {
		before->data = merged.data;
		before->len = merged.len;
		return 0;
	}
	*drop = m->is_lenient;
	return m->is_lenient ? 0 : fail_conflict(j, m, before->path);
}

static int merge_all(struct job *j, const struct merge *m, struct gather *g)
{
	struct plan_file **file = &g->first;
	bool drop;

	while (*file) {
		drop = false;
		if (merge_file(j, m, *file, &drop) && j->error != E_CONFLICT)
			return j->error;
		if (drop)
			*file = (*file)->next;
		else
			file = &(*file)->next;
	}
	return j->error;
}

int flow_read_merge(struct job *j, struct state *s, const struct oid *at, struct change *ch, bool is_lenient)
{
	struct merge m = { .state = s, .at = *at, .is_lenient = is_lenient };
	struct gather g = { .with_network = true };
	struct oid parent;

	memcpy(m.made.hex, ch->target, OID_HEX);
	if (state_parent(j, s, &m.made, &parent) || diff_intent(j, s, &m.made, &parent, &g))
		return j->error;
	if (!parent.hex[0])
		return job_fail(j, E_CONFLICT, "nothing_to_revert", "commit %.12s is the first one: there is nothing "
		    "before it", ch->target);
	if (!g.first && !is_lenient)
		return job_fail(j, E_CONFLICT, "nothing_to_revert", "commit %.12s changed no user, gateway or setting: what "
		    "it issued or revoked is a fact", ch->target);
	if (merge_all(j, &m, &g))
		return j->error;
	ch->intent = g.first;
	return 0;
}

int flow_read_revert(struct job *j, struct state *s, const struct oid *at, struct change *ch)
{
	struct oid target;
	bool is_ours = false;

	memcpy(target.hex, ch->target, OID_HEX);
	if (state_is_ancestor(j, s, &target, at, &is_ours))
		return j->error;
	if (!is_ours)
		return job_fail(j, E_NOT_FOUND, "not_found", "commit %.12s is not in the history of main", ch->target);
	ch->subject = arena_printf(j->arena, "revert: %.12s", ch->target);
	return flow_read_merge(j, s, at, ch, false);
}
