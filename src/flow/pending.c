/*
 * The pending change, as the history tells it: which commit it is, what it
 * did to the intent, what it issued.
 */
#include <string.h>

#include "flow/flow_int.h"

static const char PATH[] = "pending.json";

int flow_find_pending(struct job *j, struct state *s, const struct oid *at, struct oid *out)
{
	struct state_entry last;

	if (state_last_change(j, s, at, PATH, &last))
		return j->error;
	*out = last.commit;
	return 0;
}

/* The request names a commit, so that nobody confirms what they have not seen; the timer takes what is there. */
static int check_target(struct job *j, struct state *s, const struct oid *at, struct change *ch)
{
	struct oid pending;

	if (flow_find_pending(j, s, at, &pending))
		return j->error;
	if (ch->target && strcmp(ch->target, pending.hex) != 0)
		return job_fail(j, E_CONFLICT, "not_pending",
		    "commit %.12s does not wait for a confirmation, %.12s does", ch->target, pending.hex);
	ch->target = arena_strdup(j->arena, pending.hex);
	return 0;
}

int flow_read_confirm(struct job *j, struct state *s, const struct oid *at, struct change *ch)
{
	return check_target(j, s, at, ch);
}

struct issued {
	struct id128 *list;
	size_t n, cap;
};

static int visit_issued(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	struct issued *v = context;
	const char *name = strrchr(path, '/');

	(void)len;
	if (!bytes || strncmp(path, "ledger/certificates/", 20) != 0 || strlen(name + 1) != ID128_HEX + 4)
		return 0;
	if (v->n == v->cap) {
		struct id128 *bigger = arena_alloc(j->arena, (v->cap * 2 + 16) * sizeof(*bigger));

		if (v->n)
			memcpy(bigger, v->list, v->n * sizeof(*bigger));
		v->list = bigger;
		v->cap = v->cap * 2 + 16;
	}
	memcpy(v->list[v->n].hex, name + 1, ID128_HEX - 1);
	v->list[v->n++].hex[ID128_HEX - 1] = '\0';
	return 0;
}

static bool is_listed(const struct plan_file *list, const char *path)
{
	for (; list; list = list->next)
		if (list->data && strcmp(list->path, path) == 0)
			return true;
	return false;
}

/* A gateway does not come back without its user, who was deleted since. */
static void drop_orphans(struct job *j, const struct model *m, struct change *ch)
{
	const struct plan_file **at = &ch->intent;

	while (*at) {
		const char *folder = strstr((*at)->path, "/gateways/");
		const char *user = folder
		    ? arena_printf(j->arena, "%.*s/user.json", (int)(folder - (*at)->path), (*at)->path)
		    : NULL;

		if (user && (*at)->data && !model_entity(m, user) && !is_listed(ch->intent, user))
			*at = (*at)->next;
		else
			at = (const struct plan_file **)&(*at)->next;
	}
}

int flow_read_undo(
    struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch)
{
	struct issued issued = { 0 };
	struct oid target, parent;

	if (!model_pending(m))
		return 0; /* change says so */
	if (check_target(j, s, at, ch))
		return j->error;
	memcpy(target.hex, ch->target, OID_HEX);
	if (flow_read_merge(j, s, at, ch, true) || state_parent(j, s, &target, &parent) ||
	    state_diff(j, s, &parent, &target, visit_issued, &issued))
		return j->error;
	drop_orphans(j, m, ch);
	ch->issued = issued.list;
	ch->issued_n = issued.n;
	return 0;
}

bool flow_reads_history(enum change_kind kind)
{
	return kind == CHANGE_ROLLBACK || kind == CHANGE_REVERT || kind == CHANGE_PUSH ||
	    kind == CHANGE_UNDO || kind == CHANGE_CONFIRM;
}

int flow_fill(struct job *j, struct state *s, const struct model *m, const struct oid *at, struct change *ch)
{
	if (model_pending(m) && (ch->kind == CHANGE_ROLLBACK || ch->kind == CHANGE_REVERT))
		return 0; /* change says that it has to wait, whatever else might be wrong with it */
	switch (ch->kind) {
	case CHANGE_ROLLBACK:
		return flow_read_rollback(j, s, m, at, ch);
	case CHANGE_REVERT:
		return flow_read_revert(j, s, at, ch);
	case CHANGE_PUSH:
		return flow_read_push(j, s, m, at, ch);
	case CHANGE_UNDO:
		return flow_read_undo(j, s, m, at, ch);
	case CHANGE_CONFIRM:
		return model_pending(m) ? flow_read_confirm(j, s, at, ch) : 0;
	default:
		return 0;
	}
}
