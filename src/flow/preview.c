/*
 * Plan before change: the line up to the staging, in memory, on the caller's
 * thread and with a repository handle of its own.
 */
#include <string.h>

#include "flow/flow_int.h"

static int list_state(
    struct job *j, struct state *s, const struct oid *at, const struct plan *plan, struct flow_preview *out)
{
	const struct plan_file *f;
	struct flow_file *list;
	struct buf before;
	size_t n = 0;

	for (f = plan->files; f; f = f->next)
		n++;
	list = arena_alloc(j->arena, (n + 1) * sizeof(*list));
	for (n = 0, f = plan->files; f; f = f->next) {
		if (strncmp(f->path, "ledger/certificates/", 20) == 0)
			continue; /* drawn anew when it is done */
		list[n].path = f->path;
		list[n].after = f->data;
		if (state_read(j, s, at, f->path, &before) == 0)
			list[n].before = before.data;
		else if (j->error != E_NOT_FOUND)
			return j->error;
		job_clear(j);
		n++;
	}
	out->state = list;
	return 0;
}

/* What only a real issue can know. */
static bool is_drawn(const char *path)
{
	return strncmp(path, "pki/issued/", 11) == 0 || strncmp(path, "pki/certs_by_serial/", 20) == 0 ||
	    strcmp(path, "state.json") == 0;
}

static int list_rendered(struct job *j, const struct render_preview *files, struct flow_preview *out)
{
	struct flow_file *list = arena_alloc(j->arena, (files->n + 1) * sizeof(*list));
	struct buf diff;
	size_t i, n = 0;

	for (i = 0; i < files->n; i++) {
		const struct render_change *c = &files->files[i];

		if (is_drawn(c->path))
			continue;
		if (state_diff_text(j, c->path, &(struct state_text){ c->before, c->before_len },
			&(struct state_text){ c->after, c->after_len }, &diff))
			return j->error;
		list[n].path = c->path;
		list[n++].diff = diff.data;
	}
	out->rendered = list;
	return 0;
}

static int preview(
    struct job *j, struct flow *f, struct state *s, struct change *ch, struct flow_preview *out)
{
	struct model *fork = model_fork(f->model);
	struct render_preview files;
	struct plan *plan;

	out->commit = f->head;
	if (flow_fill(j, s, fork, &f->head, ch) || change_plan(j, fork, ch, &plan) ||
	    pki_issue(j, f->pki, fork, plan, NULL) || flow_put_plan(j, fork, plan) ||
	    list_state(j, s, &f->head, plan, out) ||
	    render_preview(j, f->render, fork, f->head.hex, f->head.hex, &files))
		goto out;
	flow_summarise(j, f->model, fork, plan, &out->summary);
	list_rendered(j, &files, out);
out:
	model_close(fork);
	return j->error;
}

int flow_preview(struct job *j, struct flow *f, const struct change *ch, struct flow_preview *out)
{
	struct change filled = *ch;
	struct state *s;

	memset(out, 0, sizeof(*out));
	if (state_open(j, arena_printf(j->arena, "%s/state.git", f->data), &s))
		return j->error;
	pthread_rwlock_rdlock(&f->model_lock);
	preview(j, f, s, &filled, out);
	pthread_rwlock_unlock(&f->model_lock);
	state_close(s);
	return j->error;
}
