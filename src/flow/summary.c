/* What a plan means for people: who gets a certificate, who loses one, who needs a new file, who is out. */
#include <string.h>

#include "flow/flow_int.h"

static size_t count_files(const struct plan *plan)
{
	const struct plan_file *f;
	size_t n = 0;

	for (f = plan->files; f; f = f->next)
		n++;
	return n;
}

static size_t count_issues(const struct plan *plan)
{
	const struct plan_issue *i;
	size_t n = 0;

	for (i = plan->issues; i; i = i->next)
		n++;
	return n;
}

static void list_issued(struct job *j, const struct plan *plan, struct flow_summary *out)
{
	struct flow_item *list = arena_alloc(j->arena, (count_issues(plan) + 1) * sizeof(*list));
	const struct plan_issue *i;
	size_t n = 0;

	for (i = plan->issues; i; i = i->next)
		list[n++] = (struct flow_item){ arena_strdup(j->arena, i->name), i->serial.hex };
	out->issued = list;
}

static void list_revoked(struct job *j, const struct model *after, struct flow_summary *out)
{
	const struct entity **e = model_touched(j->arena, after, ENTITY_REVOCATION);
	struct flow_item *list;
	size_t n = 0;

	while (e[n])
		n++;
	list = arena_alloc(j->arena, (n + 1) * sizeof(*list));
	for (n = 0; *e; e++) {
		const struct revocation *r = (const struct revocation *)*e;

		if (!(*e)->is_removed)
			list[n++] = (struct flow_item){ arena_strdup(j->arena,
							    model_certificate(after, r->serial.hex)->name),
				arena_strdup(j->arena, r->serial.hex) };
	}
	out->revoked = list;
}

/* Does a client's file say anything else than before? */
static bool is_other_server(const struct model *before, const struct model *after)
{
	const struct server *a = model_server(before), *b = model_server(after);
	size_t i;

	if (a == b)
		return false;
	if (a->endpoints_n != b->endpoints_n || strcmp(a->proto, b->proto) ||
	    strcmp(a->tls_version_min, b->tls_version_min))
		return true;
	for (i = 0; i < a->endpoints_n; i++)
		if (strcmp(a->endpoints[i].host, b->endpoints[i].host) ||
		    a->endpoints[i].port != b->endpoints[i].port)
			return true;
	return false;
}

static void list_needs_config(struct job *j, const struct model *before, const struct model *after,
    const struct plan *plan, struct flow_summary *out)
{
	const struct plan_issue *i;
	const struct entity **e;
	const char **list;
	size_t n = 0;

	if (!is_other_server(before, after)) {
		out->needs_config = list = arena_alloc(j->arena, (count_issues(plan) + 1) * sizeof(*list));
		for (i = plan->issues; i; i = i->next)
			if (i->kind == CERTIFICATE_GATEWAY)
				list[n++] = arena_strdup(j->arena, i->name);
		return;
	}
	out->needs_config = list = arena_alloc(
	    j->arena, (model_count(after, ENTITY_GATEWAY) + 1) * sizeof(*list));
	for (e = model_all(j->arena, after, ENTITY_GATEWAY); *e; e++)
		list[n++] = arena_strdup(j->arena, ((const struct gateway *)*e)->name);
}

static void list_loses_access(struct job *j, const struct model *after, struct flow_summary *out)
{
	struct deploy_task task = { 0 };
	const struct gateway *g;
	const struct user *u;
	const char **list;
	size_t i, n = 0;

	flow_collect_cuts(j, after, &task);
	list = arena_alloc(j->arena, (task.cuts_n + 1) * sizeof(*list));
	for (i = 0; i < task.cuts_n; i++) {
		if (task.cuts[i].serial)
			continue;
		g = model_gateway_by_name(after, task.cuts[i].name);
		u = g ? model_user(after, g->user) : NULL;
		if (!g || !u || !g->enabled || !u->enabled)
			list[n++] = task.cuts[i].name;
	}
	out->loses_access = list;
}

static void list_files(struct job *j, const struct plan *plan, struct flow_summary *out)
{
	const char **list = arena_alloc(j->arena, (count_files(plan) + 1) * sizeof(*list));
	const struct plan_file *f;
	size_t n = 0;

	for (f = plan->files; f; f = f->next)
		if (strncmp(f->path, "ledger/", 7) != 0)
			list[n++] = f->path;
	out->files = list;
}

void flow_summarise(struct job *j, const struct model *before, const struct model *after,
    const struct plan *plan, struct flow_summary *out)
{
	list_issued(j, plan, out);
	list_revoked(j, after, out);
	list_needs_config(j, before, after, plan, out);
	list_loses_access(j, after, out);
	list_files(j, plan, out);
	out->restart_needed = flow_needs_restart(j, before, after);
	out->restarts = model_server(after)->restarts;
}
