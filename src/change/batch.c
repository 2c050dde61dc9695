/*
 * A list of changes as one commit: each is planned over what those before it
 * want, and their plans are one.  All or nothing; a failure says which.
 */
#include <string.h>

#include "change/change_int.h"

static bool is_issued(const struct plan *plan, const char *device)
{
	const struct plan_issue *i;

	for (i = plan->issues; i; i = i->next)
		if (strcmp(i->device.hex, device) == 0)
			return true;
	return false;
}

/* The sub-plan's wishes become the batch's; what they point at lives in the job. */
static int merge(struct work *w, struct model *fork, const struct plan *sub)
{
	const struct plan_file *f;

	if (sub->issues && is_issued(w->plan, sub->issues->device.hex))
		return job_fail(w->job, E_CONFLICT, "issued_already",
		    "%s gets a certificate in this batch already", sub->issues->name);
	for (f = sub->files; f; f = f->next) {
		if (f->data ? model_put(w->job, fork, f->path, f->data, f->len)
			    : model_remove(w->job, fork, f->path))
			return w->job->error;
		if (f->data)
			plan_write(w->job->arena, w->plan, f->path, f->data, f->len);
		else
			plan_delete(w->job->arena, w->plan, f->path);
	}
	for (const struct plan_issue *i = sub->issues; i; i = i->next) {
		struct plan_issue *copy = plan_issue(w->job->arena, w->plan, i->kind), *next = copy->next;

		*copy = *i;
		copy->name = arena_strdup(w->job->arena, i->name);
		copy->next = next;
	}
	return 0;
}

/* Nothing is issued for a gateway that a later change of the list took away again. */
static void drop_issues(struct work *w, const struct model *fork)
{
	struct plan_issue **at = &w->plan->issues;

	while (*at) {
		const struct gateway *g = model_gateway_by_name(fork, (*at)->name);

		if (g && strcmp(g->device.hex, (*at)->device.hex) == 0)
			at = &(*at)->next;
		else
			*at = (*at)->next;
	}
}

/* What the list made and took away again was never there. */
static void drop_deletions(struct work *w)
{
	struct plan_file **at = &w->plan->files;

	while (*at)
		if (!(*at)->data && !model_entity(w->model, (*at)->path))
			*at = (*at)->next;
		else
			at = &(*at)->next;
}

static int plan_one(struct work *w, struct model *fork, const struct change *ch, struct buf *body)
{
	bool is_own_reason = strcmp(ch->reason, w->change->reason) != 0;
	struct plan *sub;

	if (change_plan(w->job, fork, ch, &sub))
		return w->job->error;
	if (sub->files || sub->issues)
		buf_printf(body, "%s- %s%s%s%s", body->len ? "\n" : "", sub->subject,
		    is_own_reason ? " (" : "", is_own_reason ? ch->reason : "", is_own_reason ? ")" : "");
	return merge(w, fork, sub);
}

int change_batch(struct work *w)
{
	struct model *fork = model_fork(w->model);
	struct buf body;
	size_t i;

	buf_open(&body, w->job->arena);
	for (i = 0; i < w->change->list_n; i++)
		if (plan_one(w, fork, &w->change->list[i], &body)) {
			job_locate(w->job, arena_printf(w->job->arena, "changes/%zu", i));
			break;
		}
	drop_issues(w, fork);
	drop_deletions(w);
	w->plan->subject = arena_printf(w->job->arena, "batch: %zu changes", w->change->list_n);
	w->plan->body = body.len ? body.data : NULL;
	model_close(fork);
	return w->job->error;
}
