/*
 * Rollback: which intent files to set, read from git at the moment of
 * planning.  What that means for certificates is change's to find.
 */
#include <string.h>

#include "base/map.h"
#include "flow/flow_int.h"

struct gather { /* the intent files that differ, as a diff visits them */
	struct plan_file **last;
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

/* NOLINTNEXTLINE(readability-function-size): both ends, what to look at and what was found */
int flow_diff_intent(struct job *j, struct state *s, const struct oid *from, const struct oid *to,
    bool with_network, struct plan_file **out)
{
	struct gather g = { .last = out, .with_network = with_network };

	*out = NULL;
	return state_diff(j, s, from, to, gather, &g);
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

static void want_user(
    const struct model *m, uint32_t id, const char *path, const char *const *only, struct map *wanted)
{
	const struct user *u = model_user(m, id);

	if (u && is_wanted("user:", u->name, only))
		map_put(wanted, path, (void *)path);
}

/* The paths of one side that are asked for. */
static void select_paths(struct job *j, const struct model *side, const struct model *touched,
    const char *const *only, struct map *wanted)
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

/* A name that neither side knows is a mistake, and not "nothing to do". */
static int check_known(
    struct job *j, const struct model *before, const struct model *after, const char *const *only)
{
	for (; *only; only++) {
		const char *name = strchr(*only, ':') + 1;
		bool is_user = strncmp(*only, "user:", 5) == 0;

		if (is_user ? !model_user_by_name(before, name) && !model_user_by_name(after, name)
			    : !model_gateway_by_name(before, name) && !model_gateway_by_name(after, name))
			return job_fail(j, E_NOT_FOUND, "not_found", "no %s %s, now or then",
			    is_user ? "user" : "gateway", name);
	}
	return 0;
}

static int keep_only(struct job *j, const struct model *m, const char *const *only, struct plan_file **files)
{
	struct model *fork = model_fork(m);
	struct map wanted = { 0 };
	struct plan_file *f;

	for (f = *files; f; f = f->next)
		if (f->data ? model_put(j, fork, f->path, f->data, f->len) : model_remove(j, fork, f->path))
			goto out;
	if (check_known(j, m, fork, only))
		goto out;
	select_paths(j, m, fork, only, &wanted);
	select_paths(j, fork, fork, only, &wanted);
	map_put(&wanted, "network.json", fork); /* it is here only where it was asked for */
	while (*files)
		if (map_get(&wanted, (*files)->path))
			files = &(*files)->next;
		else
			*files = (*files)->next;
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

int flow_check_target(
    struct job *j, struct state *s, const struct oid *at, const char *target, struct oid *out)
{
	bool is_ours = false;

	memcpy(out->hex, target, OID_HEX);
	if (state_is_ancestor(j, s, out, at, &is_ours) || is_ours)
		return j->error;
	return job_fail(j, E_NOT_FOUND, "not_found", "commit %.12s is not in the history of main", target);
}

int flow_read_rollback(
    struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch)
{
	struct plan_file *files;
	struct oid target;

	if (flow_check_target(j, s, at, ch->target, &target) ||
	    flow_diff_intent(j, s, at, &target, ch->with_network, &files) ||
	    (ch->only && keep_only(j, m, ch->only, &files)))
		return j->error;
	ch->intent = files;
	ch->subject = ch->only
	    ? arena_printf(j->arena, "rollback: %s to %.12s", join(j, ch->only), ch->target)
	    : arena_printf(j->arena, "rollback: to %.12s", ch->target);
	return 0;
}
