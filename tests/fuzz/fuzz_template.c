/*
 * Values of every template: the first byte chooses the template, lines are values.  Whatever
 * they are, they add no line to what is rendered, and no control character gets through.
 */
#include "base/json.h"
#include "fuzz.h"
#include "render/render_int.h"

/* Every tag's name with the next value; a section's is a list of it twice, unless it is a value as well. */
static struct json *fill(struct job *j, const char *text, struct fuzz_input *in, bool is_plain)
{
	struct json *values = json_object(j->arena), *list;
	const char *at, *end, *value, *name;
	bool is_section;

	for (at = text; (at = strstr(at, "{{")) && (end = strstr(at, "}}")); at = end) {
		is_section = strchr("#^/", at[2]) != NULL;
		at += is_section ? 3 : 2;
		name = arena_strndup(j->arena, at, (size_t)(end - at));
		value = fuzz_take(j, in, '\n');
		if (is_plain)
			value = *value ? "x" : "";
		if (json_get(values, name))
			continue;
		if (!is_section || strstr(text, arena_printf(j->arena, "{{%s}}", name))) {
			json_add_string(j->arena, values, name, value);
			continue;
		}
		list = json_add(values, name, json_array(j->arena));
		json_add_string(j->arena, list, NULL, value);
		json_add_string(j->arena, list, NULL, value);
	}
	return values;
}

static size_t count_lines(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++) {
		fuzz_require(
		    (unsigned char)b->data[i] >= ' ' || strchr("\n\t", b->data[i]), "no control character");
		n += b->data[i] == '\n';
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size }, plain;
	struct buf given, expected;
	const struct template_file *f;
	unsigned n = 0;
	struct job j;

	while (template_files[n].name)
		n++;
	fuzz_open(&j);
	buf_open(&given, j.arena);
	buf_open(&expected, j.arena);
	f = &template_files[fuzz_choose(&in, n)];
	plain = in;
	fuzz_done(&j, template_expand(&j, f->name, fill(&j, f->text, &plain, true), &expected));
	if (template_expand(&j, f->name, fill(&j, f->text, &in, false), &given) == 0)
		fuzz_require(count_lines(&given) == count_lines(&expected), "no value adds a line");
	else
		fuzz_require(j.error == E_INVALID, "a control character is refused");
	job_close(&j);
	return 0;
}
