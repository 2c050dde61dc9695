/*
 * Reads of the past, on the threads of their callers, each with a handle of
 * its own: files of a commit, and what a commit did to intent and to rendered files.
 */
#include <string.h>

#include "flow/flow_int.h"

static int open_state(struct job *j, const struct flow *f, struct state **out)
{
	return state_open(j, arena_printf(j->arena, "%s/state.git", f->data), out);
}

static int put_file(struct job *j, void *model, const struct state_change *c)
{
	return model_put(j, model, c->path, c->after.bytes, c->after.len);
}

/* One file or a whole folder; what is not there is left out. */
static int put_path(
    struct job *j, struct state *s, const struct oid *commit, const char *path, struct model *m)
{
	struct buf bytes;

	if (path[strlen(path) - 1] == '/')
		return state_files(
		    j, s, commit, arena_strndup(j->arena, path, strlen(path) - 1), put_file, m);
	if (state_read(j, s, commit, path, &bytes) == E_NOT_FOUND) {
		job_clear(j);
		return 0;
	}
	return j->error ? j->error : model_put(j, m, path, bytes.data, bytes.len);
}

int flow_read_past(
    struct job *j, struct flow *f, const struct oid *commit, const char *const *paths, struct model *m)
{
	struct state *s = NULL;

	if (open_state(j, f, &s) || (!model_network(m) && put_path(j, s, commit, "network.json", m)))
		goto out;
	for (; *paths; paths++)
		if (put_path(j, s, commit, *paths, m))
			goto out;
out:
	state_close(s);
	return j->error;
}

struct intent { /* what of a difference people asked for */
	struct flow_file *list;
	size_t n, cap;
};

static bool is_intent(const char *path)
{
	return strncmp(path, "users/", 6) == 0 || strncmp(path, "servers/", 8) == 0 ||
	    strcmp(path, "network.json") == 0;
}

static int take_change(struct job *j, void *context, const struct state_change *c)
{
	struct intent *x = context;

	if (!is_intent(c->path))
		return 0;
	if (x->n + 1 >= x->cap) { /* one more ends the list */
		struct flow_file *old = x->list;

		x->cap = x->cap ? x->cap * 2 : 8;
		x->list = arena_alloc(j->arena, x->cap * sizeof(*x->list));
		if (old)
			memcpy(x->list, old, x->n * sizeof(*old));
	}
	x->list[x->n++] = (struct flow_file){ .path = arena_strdup(j->arena, c->path),
		.before = c->before.bytes ? arena_strndup(j->arena, c->before.bytes, c->before.len) : NULL,
		.after = c->after.bytes ? arena_strndup(j->arena, c->after.bytes, c->after.len) : NULL };
	return 0;
}

static int diff_rendered(struct job *j, const struct render_preview *p, const struct flow_file **out)
{
	struct flow_file *list = arena_alloc(j->arena, (p->n + 1) * sizeof(*list));
	size_t i;

	for (i = 0; i < p->n; i++) {
		const struct render_change *c = &p->files[i];
		const struct state_text before = { c->before, c->before_len },
					after = { c->after, c->after_len };
		struct buf text;

		if (state_diff_text(j, c->path, &before, &after, &text))
			return j->error;
		list[i] = (struct flow_file){ .path = c->path, .diff = text.data };
	}
	*out = list;
	return 0;
}

/* Both commits as models: the parent's, and over it what the commit changed; the first commit stands alone. */
static int open_models(
    struct job *j, struct state *s, const struct state_commit *c, struct model **base, struct model **m)
{
	if (!c->parent.hex[0]) {
		*m = model_open();
		return flow_load_model(j, s, &c->id, *m);
	}
	*base = model_open();
	if (flow_load_model(j, s, &c->parent, *base))
		return j->error;
	*m = model_fork(*base);
	return flow_put_diff(j, s, &c->parent, &c->id, *m);
}

int flow_show(struct job *j, struct flow *f, const struct oid *commit, struct flow_shown *out)
{
	struct model *base = NULL, *m = NULL;
	struct intent intent = { .list = arena_alloc(j->arena, sizeof(struct flow_file)), .cap = 1 };
	struct render_preview preview;
	struct state *s = NULL;
	struct state_commit c;

	if (open_state(j, f, &s) || state_read_commit(j, s, commit, &c) ||
	    state_changes(j, s, &c.parent, commit, take_change, &intent) ||
	    open_models(j, s, &c, &base, &m) ||
	    render_preview(j, f->render, m, c.parent.hex, c.id.hex, &preview) ||
	    diff_rendered(j, &preview, &out->rendered))
		goto out;
	out->intent = intent.list;
out:
	model_close(m);
	model_close(base);
	state_close(s);
	return j->error;
}
