/*
 * What a change does to the rendered files, before it is one or long after:
 * the renderers run over a fork, and for the same things over its base, and
 * only memory holds what they write.
 */
#include <stdlib.h>
#include <string.h>

#include "render/render_int.h"

struct side { /* of the comparison, in memory */
	struct output *output;
	struct listings *listings;
};

static int run(struct render_job *work, struct side *out)
{
	work->output = out->output = output_open();
	work->listings = out->listings = listings_open();
	return render_run(work);
}

static void side_close(struct side *s)
{
	output_close(s->output);
	listings_close(s->listings);
}

static bool is_same(const struct output_file *a, const struct output_file *b)
{
	if (!a || !a->data || !b || !b->data)
		return (!a || !a->data) && (!b || !b->data);
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static const char *copy(struct arena *a, const struct output_file *f, size_t *len)
{
	char *bytes;

	*len = 0;
	if (!f || !f->data)
		return NULL;
	*len = f->len;
	bytes = arena_alloc(a, f->len + 1);
	memcpy(bytes, f->data, f->len);
	return bytes;
}

/* f is one of the two. */
static void add(struct arena *a, struct render_preview *out, const struct output_file *f,
    const struct output_file *before, const struct output_file *after)
{
	struct render_change *c = &out->files[out->n];

	if (is_same(before, after) || (f->flags & (OUTPUT_SECRET | OUTPUT_CLOCK)) ||
	    !strncmp(f->path, "pki/private/", 12))
		return;
	c->path = arena_strdup(a, f->path);
	c->before = copy(a, before, &c->before_len);
	c->after = copy(a, after, &c->after_len);
	out->n++;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct render_change *)a)->path, ((const struct render_change *)b)->path);
}

static size_t count(const struct output *o)
{
	size_t it = 0;

	while (o && output_next(o, &it))
		;
	return it;
}

static void compare(
    struct job *j, const struct output *before, const struct output *after, struct render_preview *out)
{
	const struct output_file *f;
	size_t it;

	out->n = 0;
	out->files = arena_alloc(j->arena, (count(before) + count(after) + 1) * sizeof(*out->files));
	for (it = 0; (f = output_next(after, &it));)
		add(j->arena, out, f, before ? output_find(before, f->path) : NULL, f);
	for (it = 0; before && (f = output_next(before, &it));)
		if (!output_find(after, f->path))
			add(j->arena, out, f, f, NULL);
	qsort(out->files, out->n, sizeof(*out->files), by_path);
}

/* NOLINTNEXTLINE(readability-function-size): both commits have a name */
int render_preview(struct job *j, struct render *r, const struct model *m, const char *from, const char *to,
    struct render_preview *out)
{
	struct render_job work = { .job = j, .model = m, .commit = to, .pki = r->pki, .render = r };
	struct side before = { .output = NULL }, after = { .output = NULL };

	work.is_full = !model_base(m);
	if (run(&work, &after))
		goto out;
	if (model_base(m)) {
		work.fork = m;
		work.model = model_base(m);
		work.commit = from;
		if (run(&work, &before))
			goto out;
	}
	compare(j, before.output, after.output, out);
out:
	side_close(&before);
	side_close(&after);
	return j->error;
}
