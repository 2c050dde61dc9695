/*
 * Revert: what one commit did to the intent, undone by a three-way merge, file
 * by file and there member by member.  What both sides changed is a conflict
 * that names the object and the later commit.
 */
#include <string.h>

#include "base/json.h"
#include "flow/flow_int.h"

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
	bool is_lenient;
};

/* An address that was given to another device, or an id to another user, has no members to merge. */
static bool is_same_holder(struct job *j, const struct sides *s)
{
	return is_same_json(j, json_get(s->made, "device"), json_get(s->before, "device")) &&
	    is_same_json(j, json_get(s->made, "created"), json_get(s->before, "created"));
}

/* One member after the merge; false: both moved it. *out NULL: it is not there. */
static bool merge_member(struct job *j, const struct sides *s, const char *key, const struct json **out)
{
	const struct json *made = json_get(s->made, key), *before = json_get(s->before, key),
			  *now = json_get(s->now, key);
	bool is_kept = is_same_json(j, made, before);

	*out = is_same_json(j, now, made) || (s->is_lenient && !is_kept) ? before : now;
	return s->is_lenient || is_kept || is_same_json(j, now, made) || is_same_json(j, now, before);
}

static bool merge_objects(struct job *j, const struct sides *s, struct json *out)
{
	const struct json *all[] = { s->now, s->before }, *member, *merged;
	size_t i;

	if (!is_same_holder(j, s))
		return false;
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

struct texts { /* one file as the commit made it, and as it is now */
	struct buf made, now;
};

/* before becomes the result. */
static bool merge_texts(struct job *j, const struct texts *t, bool is_lenient, struct plan_file *before)
{
	struct json *made, *old, *now, *merged = json_object(j->arena);
	struct buf b;

	if (json_parse(j, t->made.data, t->made.len, &made) ||
	    json_parse(j, before->data, before->len, &old) || json_parse(j, t->now.data, t->now.len, &now)) {
		job_clear(j);
		return false;
	}
	if (!merge_objects(j, &(struct sides){ made, old, now, is_lenient }, merged))
		return false;
	buf_open(&b, j->arena);
	json_print_canonical(&b, merged);
	before->data = b.data;
	before->len = b.len;
	return true;
}

struct conflict {
	const char *path, *text;
	struct conflict *next;
};

struct merge { /* the undoing of one commit */
	struct state *state;
	struct oid made, at; /* the commit, and what the result goes on top of */
	bool is_lenient; /* no conflicts: what was moved again since goes back, what was removed stays so */
	struct conflict *conflicts, **last;
};

/* A missing file is an empty buffer: a state file never is. */
static int read_or_empty(
    struct job *j, const struct merge *m, const struct oid *commit, const char *path, struct buf *out)
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

/* "gateway a.example.org", out of whichever side has the file. */
static const char *describe(
    struct job *j, const char *path, const struct buf *made, const struct plan_file *before)
{
	const char *name = path;
	struct json *o = NULL;

	if (json_parse(j, made->len ? made->data : before->data, made->len ? made->len : before->len, &o) ==
	    0)
		json_want_string(j, o, "name", false, &name);
	job_clear(j);
	if (strncmp(path, "users/", 6) != 0)
		return path;
	return arena_printf(j->arena, "%s %s", strstr(path, "/gateways/") ? "gateway" : "user", name);
}

static void note_conflict(
    struct job *j, struct merge *m, const struct buf *made, const struct plan_file *before)
{
	struct conflict *c = arena_alloc(j->arena, sizeof(*c));
	struct state_entry last;

	c->path = before->path;
	c->text = describe(j, before->path, made, before);
	if (state_last_change(j, m->state, &m->at, before->path, &last) == 0)
		c->text = arena_printf(j->arena, "%s was changed since, last by %s in %.12s: %s", c->text,
		    last.actor, last.commit.hex, last.subject);
	job_clear(j);
	*m->last = c;
	m->last = &c->next;
}

/* *drop: the file stays as it is now. */
static int merge_file(struct job *j, struct merge *m, struct plan_file *before, bool *drop)
{
	struct texts t;

	if (read_or_empty(j, m, &m->made, before->path, &t.made) ||
	    read_or_empty(j, m, &m->at, before->path, &t.now))
		return j->error;
	*drop = is_same(&t.now, before->data, before->len);
	if (*drop || is_same(&t.now, t.made.data, t.made.len))
		return 0;
	if (t.made.len && before->data && t.now.len && merge_texts(j, &t, m->is_lenient, before))
		*drop = is_same(&t.now, before->data, before->len);
	else if (m->is_lenient)
		*drop = !t.now.len;
	else
		note_conflict(j, m, &t.made, before);
	return 0;
}

/* Every conflict is told, not only the first. */
static int merge_all(struct job *j, struct merge *m, struct plan_file **file)
{
	const struct conflict *c;
	bool drop;

	m->last = &m->conflicts;
	while (*file) {
		drop = false;
		if (merge_file(j, m, *file, &drop))
			return j->error;
		if (drop)
			*file = (*file)->next;
		else
			file = &(*file)->next;
	}
	for (c = m->conflicts; c; c = c->next)
		job_fail_at(j, E_CONFLICT, "changed_since", c->path, c->text);
	return j->error;
}

static int fail_nothing(struct job *j, const struct change *ch, const char *why)
{
	return job_fail(j, E_CONFLICT, "nothing_to_revert", "commit %.12s %s", ch->target, why);
}

int flow_read_merge(struct job *j, struct state *s, const struct oid *at, struct change *ch, bool is_lenient)
{
	struct merge m = { .state = s, .at = *at, .is_lenient = is_lenient };
	struct plan_file *files;
	struct oid parent;

	memcpy(m.made.hex, ch->target, OID_HEX);
	if (state_parent(j, s, &m.made, &parent))
		return j->error;
	if (!parent.hex[0])
		return fail_nothing(j, ch, "is the first one: there is nothing before it");
	if (flow_diff_intent(j, s, &m.made, &parent, true, &files))
		return j->error;
	if (!files && !is_lenient)
		return fail_nothing(
		    j, ch, "changed no user, gateway or setting: what it issued or revoked is a fact");
	if (merge_all(j, &m, &files))
		return j->error;
	if (!files && !is_lenient)
		return fail_nothing(j, ch, "is undone already: all that it changed is as it was before");
	ch->intent = files;
	return 0;
}

int flow_read_revert(struct job *j, struct state *s, const struct oid *at, struct change *ch)
{
	struct oid target;

	if (flow_check_target(j, s, at, ch->target, &target))
		return j->error;
	ch->subject = arena_printf(j->arena, "revert: %.12s", ch->target);
	return flow_read_merge(j, s, at, ch, false);
}
