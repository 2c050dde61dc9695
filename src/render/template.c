/*
 * A subset of Mustache over the compiled-in templates/: values, lists, flags.
 * Values go out as they are, so the one thing that could forge a line of a
 * configuration file, a control character, is refused here for all of them.
 */
#include <assert.h>
#include <string.h>

#include "render/render_int.h"

enum { NAME_MAX_LEN = 64, OUTPUT_ROOM = 4096 };

struct tag {
	char kind; /* '#', '^', '/', or 'v' for a value */
	char name[NAME_MAX_LEN];
	const char *start, *end; /* what it covers: its whole line where it stands alone on one */
};

struct scope { /* the element of a list, inside the values around it */
	const struct json *value;
	const struct scope *outer;
};

struct expansion {
	struct job *job;
	const char *name, *text;
	const struct template_part *parts; /* sections that are expanded already; NULL: none */
	struct buf *out;
};

const char *template_text(const char *name)
{
	const struct template_file *f;

	for (f = template_files; f->name; f++)
		if (!strcmp(f->name, name))
			return f->text;
	assert(!"template is compiled in");
	return NULL;
}

/* A section's tag that is alone on its line takes the line's end and its indentation along. */
static void tag_take_line(const struct expansion *x, struct tag *t)
{
	const char *start = t->start;

	while (start > x->text && (start[-1] == ' ' || start[-1] == '\t'))
		start--;
	if ((start == x->text || start[-1] == '\n') && *t->end == '\n') {
		t->start = start;
		t->end++;
	}
}

static bool tag_next(const struct expansion *x, const char *from, const char *end, struct tag *t)
{
	const char *name = strstr(from, "{{"), *close;

	if (!name || name >= end)
		return false;
	close = strstr(name, "}}");
	assert(close && close < end);
	t->start = name;
	t->end = close + 2;
	name += 2;
	t->kind = strchr("#^/", *name) ? *name++ : 'v';
	assert(close > name && close - name < NAME_MAX_LEN);
	memcpy(t->name, name, (size_t)(close - name));
	t->name[close - name] = '\0';
	if (t->kind != 'v')
		tag_take_line(x, t);
	return true;
}

/* The tag that ends the section which open begins. */
static struct tag tag_close(const struct expansion *x, const struct tag *open, const char *end)
{
	const char *p = open->end;
	unsigned depth = 1;
	struct tag t = { .kind = 0 };

	while (depth) {
		bool has_tag = tag_next(x, p, end, &t);

		assert(has_tag);
		(void)has_tag;
		depth += t.kind == '#' || t.kind == '^';
		depth -= t.kind == '/';
		p = t.end;
	}
	assert(!strcmp(t.name, open->name));
	return t;
}

static const struct json *scope_find(const struct scope *s, const char *name)
{
	const struct json *v;

	if (!strcmp(name, "."))
		return s->value;
	for (; s; s = s->outer)
		if ((v = json_get(s->value, name)))
			return v;
	return NULL;
}

static bool is_true(const struct json *v)
{
	if (!v || v->type == JSON_NULL)
		return false;
	if (v->type == JSON_BOOL)
		return v->boolean;
	if (v->type == JSON_STRING)
		return v->string[0];
	return v->type != JSON_ARRAY || v->child;
}

static int expand_value(const struct expansion *x, const struct tag *t, const struct json *v)
{
	const char *p;

	assert(v && (v->type == JSON_STRING || v->type == JSON_INT));
	if (v->type == JSON_INT) {
		buf_printf(x->out, "%lld", (long long)v->integer);
		return 0;
	}
	for (p = v->string; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return job_fail(x->job, E_INVALID, "invalid", "%s: %s holds a control character",
			    x->name, t->name);
	buf_add(x->out, v->string, (size_t)(p - v->string));
	return 0;
}

static int expand_text(const struct expansion *x, const char *p, const char *end, const struct scope *s);

/* The text of a section that is there already. */
static bool add_part(const struct expansion *x, const struct tag *open)
{
	const struct template_part *p;

	for (p = x->parts; p && p->section; p++)
		if (open->kind == '#' && !strcmp(p->section, open->name)) {
			p->add(p->of, x->out);
			return true;
		}
	return false;
}

static int expand_section(
    const struct expansion *x, const struct tag *open, const struct tag *close, const struct scope *s)
{
	const struct json *v, *element;
	int error;

	if (add_part(x, open))
		return 0;
	v = scope_find(s, open->name);
	if (is_true(v) != (open->kind == '#'))
		return 0;
	if (open->kind == '^' || v->type != JSON_ARRAY)
		return expand_text(x, open->end, close->start, s);
	for (element = v->child; element; element = element->next) {
		struct scope inner = { .value = element, .outer = s };

		if ((error = expand_text(x, open->end, close->start, &inner)))
			return error;
	}
	return 0;
}

static int expand_text(const struct expansion *x, const char *p, const char *end, const struct scope *s)
{
	struct tag t, close;
	int error;

	while (tag_next(x, p, end, &t)) {
		buf_add(x->out, p, (size_t)(t.start - p));
		if (t.kind == 'v') {
			error = expand_value(x, &t, scope_find(s, t.name));
			p = t.end;
		} else {
			close = tag_close(x, &t, end);
			error = expand_section(x, &t, &close, s);
			p = close.end;
		}
		if (error)
			return error;
	}
	buf_add(x->out, p, (size_t)(end - p));
	return 0;
}

int template_expand_text(
    struct job *j, const char *name, const char *text, const struct json *values, struct buf *out)
{
	struct expansion x = { .job = j, .name = name, .text = text, .out = out };
	struct scope top = { .value = values };

	return expand_text(&x, text, text + strlen(text), &top);
}

int template_expand(struct job *j, const char *name, const struct json *values, struct buf *out)
{
	return template_expand_text(j, name, template_text(name), values, out);
}

int template_expand_parts(struct job *j, const char *name, const struct json *values,
    const struct template_part *parts, struct buf *out)
{
	struct expansion x = {
		.job = j, .name = name, .text = template_text(name), .parts = parts, .out = out
	};
	struct scope top = { .value = values };

	return expand_text(&x, x.text, x.text + strlen(x.text), &top);
}

void template_section(const char *name, const char *section, struct template_section *out)
{
	struct expansion x = { .name = name, .text = template_text(name) };
	const char *end = x.text + strlen(x.text);
	struct tag open = { .end = x.text };
	bool has_tag = true;

	while (has_tag && (open.kind != '#' || strcmp(open.name, section) != 0))
		has_tag = tag_next(&x, open.end, end, &open);
	assert(has_tag);
	*out = (struct template_section){ name, x.text, open.end, tag_close(&x, &open, end).start };
}

int template_expand_element(
    struct job *j, const struct template_section *s, const struct json *element, struct buf *out)
{
	struct expansion x = { .job = j, .name = s->name, .text = s->text, .out = out };
	struct scope top = { .value = element };

	return expand_text(&x, s->start, s->end, &top);
}

int template_output(
    const struct render_job *r, const char *name, const struct json *values, const char *path, unsigned flags)
{
	struct arena *scratch = arena_open(OUTPUT_ROOM);
	struct buf text;
	int error;

	buf_open(&text, scratch);
	error = template_expand(r->job, name, values, &text);
	if (!error)
		output_write(r->output, path, text.data, text.len, flags);
	arena_close(scratch);
	return error;
}
