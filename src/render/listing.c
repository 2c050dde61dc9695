/*
 * Sections of whole-network files, by their lines: what each entity of a kind
 * adds, in the order of the model.  The files' texts are kept from one stage to
 * the next, so that a change expands lines of its own and copies the rest, once:
 * the cost of such a file is that of writing its bytes, once a batch.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "render/render_int.h"

enum { SCRATCH = 2048 };

static const struct listing_source listing_sources[LISTINGS] = {
	[LISTING_CERTIFICATES] = { LISTED_INDEX, ENTITY_CERTIFICATE, "certificates", index_lines },
	[LISTING_ROUTES] = { LISTED_ROUTES, ENTITY_GATEWAY, "gateways", routes_lines },
	[LISTING_GATEWAYS] = { LISTED_RULESET, ENTITY_GATEWAY, "gateways", firewall_gateway },
	[LISTING_INBOUND] = { LISTED_RULESET, ENTITY_GATEWAY, "inbound", firewall_inbound },
	[LISTING_OPEN_TCP] = { LISTED_RULESET, ENTITY_GATEWAY, "open_tcp", firewall_open_tcp },
	[LISTING_OPEN_UDP] = { LISTED_RULESET, ENTITY_GATEWAY, "open_udp", firewall_open_udp },
	[LISTING_CHAINS] = { LISTED_RULESET, ENTITY_GATEWAY, "chains", firewall_chain },
	[LISTING_SPECIAL] = { LISTED_RULESET, ENTITY_GATEWAY, "special", firewall_special },
};

static const struct {
	const char *template, *path;
} listed_files[LISTED_FILES] = {
	[LISTED_INDEX] = { "index.txt", "pki/index.txt" },
	[LISTED_ROUTES] = { "routes", "ip/routes" },
	[LISTED_RULESET] = { "nftables.conf", "firewall/nftables.conf" },
};

struct edit {
	size_t from, to; /* lines of the old listing that go; none of them where both are the same */
	size_t end; /* of the text that comes instead, which starts where the one before ended */
	bool is_line;
};

struct patch { /* what becomes of a listing */
	const struct render_job *r;
	const struct listing_source *source;
	struct template_section section;
	const struct listing *old; /* without lines where all of them are edits */
	const char *old_text; /* of its file */
	struct listing *next;
	struct buf fresh;
	struct edit *edits;
	size_t n;
	bool is_new; /* the text differs */
};

static size_t start_of(const struct listing *l, size_t line)
{
	return line ? l->ends[line - 1] : 0;
}

/* What one entity adds; nothing is a line as well. */
static int expand(struct patch *p, const struct entity *e)
{
	struct lines lines = { .r = p->r, .arena = arena_open(SCRATCH) };
	const struct json *v;
	int error = 0;

	lines.list = json_array(lines.arena);
	p->source->add(&lines, e);
	for (v = lines.list->child; v && !error; v = v->next)
		error = template_expand_element(p->r->job, &p->section, v, &p->fresh);
	arena_close(lines.arena);
	return error;
}

/* Old lines from..to give way to what e adds; NULL: to nothing. */
static int edit(struct patch *p, size_t from, size_t to, const struct entity *e)
{
	size_t fresh = p->fresh.len, gone = start_of(p->old, to) - start_of(p->old, from);

	if (e && expand(p, e))
		return p->r->job->error;
	p->edits[p->n++] = (struct edit){ from, to, p->fresh.len, e };
	p->is_new = p->is_new || gone != p->fresh.len - fresh ||
	    memcmp(p->old_text + p->old->at + start_of(p->old, from), p->fresh.data + fresh, gone) != 0;
	return 0;
}

static int edit_all(struct patch *p)
{
	const struct entity **e = model_all(p->r->job->arena, p->r->model, p->source->kind);
	int error = 0;

	p->edits = arena_alloc(
	    p->r->job->arena, model_count(p->r->model, p->source->kind) * sizeof(*p->edits));
	for (; *e && !error; e++)
		error = edit(p, 0, 0, *e);
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

static int edit_touched(struct patch *p)
{
	struct arena *a = p->r->job->arena;
	const struct model *m = p->r->model;
	const struct entity **all = model_all(a, model_base(m), p->source->kind);
	const char **path = p->source->kind == ENTITY_GATEWAY ? p->r->gateway_lines : p->r->certificate_lines;
	size_t from, to = 0, n = 0;
	int error = 0;

	assert(p->old->n == model_count(model_base(m), p->source->kind));
	while (path[n])
		n++;
	p->edits = arena_alloc(a, n * sizeof(*p->edits));
	for (; *path && !error; path++) {
		from = line_of(all, to, p->old->n, *path);
		to = from + (from < p->old->n && strcmp(all[from]->path, *path) == 0);
		error = edit(p, from, to, model_entity(m, *path));
	}
	return error;
}

/* Where lines end once the edits are made; the text itself is add_text's. */
static void count_lines(struct patch *p)
{
	struct listing *next = p->next;
	size_t line = 0, len = 0, fresh = 0, i;

	next->ends = mem_alloc((p->old->n + p->n + 1) * sizeof(*next->ends));
	for (i = 0; i <= p->n; i++) {
		const struct edit *e = &p->edits[i];
		size_t to = i < p->n ? e->from : p->old->n, start = start_of(p->old, line);

		for (; line < to; line++)
			next->ends[next->n++] = (uint32_t)(p->old->ends[line] - start + len);
		len += start_of(p->old, to) - start;
		if (i == p->n)
			break;
		len += e->end - fresh;
		fresh = e->end;
		line = e->to;
		if (e->is_line)
			next->ends[next->n++] = (uint32_t)len;
	}
	next->len = len;
}

/* The template's part: what stays, with what comes in between. */
static void add_text(const void *patch, struct buf *out)
{
	const struct patch *p = patch;
	const char *old = p->old_text + p->old->at;
	size_t at = 0, fresh = 0, i;

	p->next->at = out->len;
	for (i = 0; i < p->n; i++) {
		const struct edit *e = &p->edits[i];

		buf_add(out, old + at, start_of(p->old, e->from) - at);
		buf_add(out, p->fresh.data + fresh, e->end - fresh);
		at = start_of(p->old, e->to);
		fresh = e->end;
	}
	buf_add(out, old + at, p->old->len - at);
}

static int make(const struct render_job *r, enum listing_id id, struct patch *p)
{
	static const struct listing empty;
	const struct listing_source *source = &listing_sources[id];
	const struct listing *live = &r->listings->live.list[id];
	bool is_kept = live->ends && !r->is_full;

	*p = (struct patch){ .r = r, .source = source, .old = is_kept ? live : &empty, .old_text = "" };
	p->next = &r->listings->staged.list[id];
	assert(!p->next->ends);
	if (is_kept)
		p->old_text = r->listings->live.files[source->file].text.data;
	buf_open(&p->fresh, r->job->arena);
	template_section(listed_files[source->file].template, source->section, &p->section);
	if (is_kept ? edit_touched(p) : edit_all(p))
		return r->job->error;
	count_lines(p);
	p->next->at = p->old->at;
	p->is_new = p->is_new || !is_kept;
	return 0;
}

/* The whole file's text, copied once. */
static int assemble(const struct render_job *r, enum listed_file file, const struct json *values,
    const struct template_part *parts, struct listed_text *out)
{
	const char *name = listed_files[file].template;
	size_t room = strlen(template_text(name)), i;

	for (i = 0; parts[i].section; i++) {
		struct listing *next = ((const struct patch *)parts[i].of)->next;

		next->at = 0; /* where a section has no lines its part may not be asked for */
		room += next->len;
	}
	assert(room <= UINT32_MAX);
	out->arena = arena_open(SCRATCH);
	buf_open(&out->text, out->arena);
	buf_reserve(&out->text, room);
	return template_expand_parts(r->job, name, values, parts, &out->text);
}

int listing_output(
    const struct render_job *r, enum listing_id first, enum listing_id last, struct json *values)
{
	enum listed_file file = listing_sources[first].file;
	struct listed_text *live = &r->listings->live.files[file], *next = &r->listings->staged.files[file];
	struct template_part parts[LISTINGS + 1] = { { .section = NULL } };
	struct patch patches[LISTINGS];
	bool is_new = false;
	enum listing_id id;
	size_t n = 0;

	if (r->part && live->arena) { /* to be compared with the disk: what was written last */
		output_lend(r->output, listed_files[file].path, live->text.data, live->text.len, 0);
		return 0;
	}
	for (id = first; id <= last; id++, n++) {
		if (make(r, id, &patches[n]))
			return r->job->error;
		parts[n] = (struct template_part){ listing_sources[id].section, add_text, &patches[n] };
		json_add_bool(r->job->arena, values, arena_printf(r->job->arena, "has_%s", parts[n].section),
		    patches[n].next->len > 0);
		is_new = is_new || patches[n].is_new;
	}
	if (!is_new)
		return 0;
	if (assemble(r, file, values, parts, next))
		return r->job->error;
	output_lend(
	    r->output, listed_files[file].path, next->text.data, next->text.len, r->is_full ? 0 : OUTPUT_NEW);
	return 0;
}

struct listings *listings_open(void)
{
	return mem_zalloc(sizeof(struct listings));
}

static void drop_list(struct listing *l)
{
	free(l->ends);
	*l = (struct listing){ .ends = NULL };
}

static void drop_text(struct listed_text *t)
{
	arena_close(t->arena);
	*t = (struct listed_text){ .arena = NULL };
}

static void drop(struct listing_set *s)
{
	size_t i;

	for (i = 0; i < LISTINGS; i++)
		drop_list(&s->list[i]);
	for (i = 0; i < LISTED_FILES; i++)
		drop_text(&s->files[i]);
}

void listings_close(struct listings *l)
{
	if (!l)
		return;
	drop(&l->live);
	drop(&l->staged);
	free(l);
}

void listings_promote(struct listings *l)
{
	size_t i;

	for (i = 0; i < LISTINGS; i++)
		if (l->staged.list[i].ends) {
			drop_list(&l->live.list[i]);
			l->live.list[i] = l->staged.list[i];
		}
	for (i = 0; i < LISTED_FILES; i++)
		if (l->staged.files[i].arena) {
			drop_text(&l->live.files[i]);
			l->live.files[i] = l->staged.files[i];
		}
	l->staged = (struct listing_set){ .list = { { .ends = NULL } } };
}

void listings_discard(struct listings *l)
{
	drop(&l->staged);
}
