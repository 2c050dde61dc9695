/*
 * Sections of whole-network files, by their lines: what each entity of a kind
 * adds, in the order of the model.  They are kept from one stage to the next,
 * so that a change expands lines of its own and copies the rest: the cost of
 * such a file is that of writing its bytes, once a batch.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "render/render_int.h"

enum { SCRATCH = 2048 };

static const struct listing_source listing_sources[LISTINGS] = {
	[LISTING_CERTIFICATES] = { "index.txt", "certificates", ENTITY_CERTIFICATE, index_lines },
	[LISTING_ROUTES] = { "routes", "gateways", ENTITY_GATEWAY, routes_lines },
	[LISTING_GATEWAYS] = { "nftables.conf", "gateways", ENTITY_GATEWAY, firewall_gateway },
	[LISTING_INBOUND] = { "nftables.conf", "inbound", ENTITY_GATEWAY, firewall_inbound },
	[LISTING_OPEN_TCP] = { "nftables.conf", "open_tcp", ENTITY_GATEWAY, firewall_open_tcp },
	[LISTING_OPEN_UDP] = { "nftables.conf", "open_udp", ENTITY_GATEWAY, firewall_open_udp },
	[LISTING_CHAINS] = { "nftables.conf", "chains", ENTITY_GATEWAY, firewall_chain },
	[LISTING_SPECIAL] = { "nftables.conf", "special", ENTITY_GATEWAY, firewall_special },
};

static void listing_clear(struct listing *l)
{
	free(l->text);
	free(l->ends);
	*l = (struct listing){ .text = NULL };
}

static void reserve(struct listing *l, size_t lines, size_t bytes)
{
	l->ends = mem_alloc((lines + 1) * sizeof(*l->ends));
	l->cap = bytes + 1;
	l->text = mem_alloc(l->cap);
}

static void add_bytes(struct listing *l, const char *bytes, size_t len)
{
	if (l->cap - l->len < len) {
		l->cap = l->cap * 2 + len;
		l->text = mem_realloc(l->text, l->cap);
	}
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

static size_t start_of(const struct listing *l, size_t line)
{
	return line ? l->ends[line - 1] : 0;
}

/* Lines from..to of another listing, as they are. */
static void add_lines(struct listing *l, const struct listing *old, size_t from, size_t to)
{
	size_t start = start_of(old, from), moved = l->len - start, i;

	if (from == to)
		return;
	add_bytes(l, old->text + start, old->ends[to - 1] - start);
	for (i = from; i < to; i++)
		l->ends[l->n++] = old->ends[i] + moved;
}

struct expander {
	const struct render_job *r;
	const struct listing_source *source;
	struct template_section section;
};

/* What one entity adds; nothing is a line as well. */
static int expand(const struct expander *x, const struct entity *e, struct listing *l)
{
	struct lines lines = { .r = x->r, .arena = arena_open(SCRATCH) };
	const struct json *v;
	struct buf text;
	int error = 0;

	lines.list = json_array(lines.arena);
	buf_open(&text, lines.arena);
	x->source->add(&lines, e);
	for (v = lines.list->child; v && !error; v = v->next)
		error = template_expand_element(x->r->job, &x->section, v, &text);
	if (!error)
		add_bytes(l, text.data, text.len);
	l->ends[l->n++] = l->len;
	arena_close(lines.arena);
	return error;
}

static int make_all(const struct expander *x, struct listing *l)
{
	const struct entity **e = model_all(x->r->job->arena, x->r->model, x->source->kind);
	int error = 0;

	reserve(l, model_count(x->r->model, x->source->kind), 0);
	for (; *e && !error; e++)
		error = expand(x, *e, l);
	return error;
}

/* The line of a path, or where it belongs; the base's list has a line each. */
static size_t line_of(const struct entity **all, size_t from, size_t n, const char *path)
{
	while (from < n) {
		size_t middle = from + (n - from) / 2;

		if (strcmp(all[middle]->path, path) < 0)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

static int patch(const struct expander *x, const struct listing *old, struct listing *l)
{
	const struct model *m = x->r->model;
	const struct entity **all = model_all(x->r->job->arena, model_base(m), x->source->kind), *e;
	const char **path = x->source->kind == ENTITY_GATEWAY ? x->r->gateway_lines : x->r->certificate_lines;
	size_t line = 0, next;
	int error = 0;

	assert(old->n == model_count(model_base(m), x->source->kind));
	reserve(l, model_count(m, x->source->kind), old->len);
	for (; *path && !error; path++) {
		next = line_of(all, line, old->n, *path);
		add_lines(l, old, line, next);
		line = next + (next < old->n && strcmp(all[next]->path, *path) == 0);
		if ((e = model_entity(m, *path)))
			error = expand(x, e, l);
	}
	add_lines(l, old, line, old->n);
	return error;
}

static bool is_same(const struct listing *a, const struct listing *b)
{
	return a->text && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int make(const struct render_job *r, enum listing_id id, struct template_part *out)
{
	struct expander x = { .r = r, .source = &listing_sources[id] };
	struct listing *live = &r->listings->live[id], *staged = &r->listings->staged[id];
	bool is_kept = live->ends && !r->is_full;
	int error;

	if (r->part && live->ends) { /* to be compared with the disk: what was written last */
		*out = (struct template_part){ x.source->section, live->text, live->len };
		return 0;
	}
	template_section(x.source->template, x.source->section, &x.section);
	listing_clear(staged);
	error = is_kept ? patch(&x, live, staged) : make_all(&x, staged);
	*out = (struct template_part){ x.source->section, staged->text, staged->len };
	return error;
}

static bool is_live(const struct render_job *r, enum listing_id id)
{
	return is_same(&r->listings->live[id], &r->listings->staged[id]);
}

int listing_output(const struct render_job *r, enum listing_id first, enum listing_id last,
    struct json *values, const char *path)
{
	const char *name = listing_sources[first].template;
	struct template_part parts[LISTINGS + 1] = { { .section = NULL } };
	bool is_new = r->is_full;
	enum listing_id id;
	struct buf text;
	size_t n = 0;

	for (id = first; id <= last; id++, n++) {
		if (make(r, id, &parts[n]))
			return r->job->error;
		json_add_bool(r->job->arena, values, arena_printf(r->job->arena, "has_%s", parts[n].section),
		    parts[n].len > 0);
		is_new = is_new || !is_live(r, id);
	}
	if (!is_new)
		return 0;
	buf_open(&text, r->job->arena);
	if (template_expand_parts(r->job, name, values, parts, &text))
		return r->job->error;
	output_write(r->output, path, text.data, text.len, r->is_full ? 0 : OUTPUT_NEW);
	return 0;
}

struct listings *listings_open(void)
{
	return mem_zalloc(sizeof(struct listings));
}

void listings_close(struct listings *l)
{
	size_t i;

	for (i = 0; l && i < LISTINGS; i++) {
		listing_clear(&l->live[i]);
		listing_clear(&l->staged[i]);
	}
	free(l);
}

void listings_promote(struct listings *l)
{
	size_t i;

	for (i = 0; i < LISTINGS; i++) {
		if (!l->staged[i].ends)
			continue;
		listing_clear(&l->live[i]);
		l->live[i] = l->staged[i];
		l->staged[i] = (struct listing){ .text = NULL };
	}
}

void listings_discard(struct listings *l)
{
	size_t i;

	for (i = 0; i < LISTINGS; i++)
		listing_clear(&l->staged[i]);
}
