/*
 * Goal: templates say exactly what Mustache's subset promises, and no value can
 * bring a line of its own into a configuration file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"
#include "render/render_int.h"

static struct job j;

static int set_up(void **state)
{
	(void)state;
	job_open(&j);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	job_close(&j);
	return 0;
}

static const char *expand(const char *text, const char *values)
{
	struct json *v;
	struct buf b;

	assert_int_equal(json_parse(&j, values, strlen(values), &v), 0);
	buf_open(&b, j.arena);
	if (template_expand_text(&j, "test", text, v, &b))
		return NULL;
	return b.data;
}

static void test_values(void **state)
{
	(void)state;
	assert_string_equal(expand("a {{x}} b {{n}}\n", "{\"x\":\"<&>\",\"n\":-7}"), "a <&> b -7\n");
	assert_string_equal(expand("", "{}"), "");
	assert_string_equal(expand("no tags {x} }}", "{}"), "no tags {x} }}");
	assert_string_equal(expand("{{x}}{{x}}", "{\"x\":\"{{y}}\"}"), "{{y}}{{y}}");
}

static void test_lists(void **state)
{
	const char *text = "<\n{{#l}}\n{{a}} {{b}}\n{{/l}}\n>\n";

	(void)state;
	assert_string_equal(
	    expand(text, "{\"b\":\"B\",\"l\":[{\"a\":1},{\"a\":2,\"b\":\"own\"}]}"), "<\n1 B\n2 own\n>\n");
	assert_string_equal(expand(text, "{\"l\":[]}"), "<\n>\n");
	assert_string_equal(expand(text, "{}"), "<\n>\n");
	assert_string_equal(expand("{{#l}}[{{.}}]{{/l}}", "{\"l\":[\"x\",\"y\"]}"), "[x][y]");
	assert_string_equal(
	    expand("{{#a}}{{#b}}{{.}}{{/b}};{{/a}}", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]}]}"), "12;3;");
	assert_string_equal(expand("{{#a}}{{#a}}x{{/a}}{{/a}}", "{\"a\":true}"), "x");
}

static void test_flags(void **state)
{
	const char *text = "{{#f}}yes{{/f}}{{^f}}no{{/f}}";

	(void)state;
	assert_string_equal(expand(text, "{\"f\":true}"), "yes");
	assert_string_equal(expand(text, "{\"f\":false}"), "no");
	assert_string_equal(expand(text, "{\"f\":\"\"}"), "no");
	assert_string_equal(expand(text, "{\"f\":\"x\"}"), "yes");
	assert_string_equal(expand(text, "{\"f\":null}"), "no");
	assert_string_equal(expand(text, "{\"f\":[]}"), "no");
	assert_string_equal(expand(text, "{}"), "no");
}

/* A section's tag alone on its line leaves no line behind; beside other text it takes nothing along. */
static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(expand("a\n  {{#f}}\n\tb\n  {{/f}}\nc\n", "{\"f\":true}"), "a\n\tb\nc\n");
	assert_string_equal(expand("a {{#f}}\nb\n{{/f}}\n", "{\"f\":true}"), "a \nb\n");
	assert_string_equal(expand("  {{f}}\n", "{\"f\":\"v\"}"), "  v\n");
	assert_string_equal(expand("{{^f}}\nx\n{{/f}}\n", "{\"f\":true}"), "");
}

static void test_control_characters(void **state)
{
	static const char *const hostile[] = { "{\"x\":\"a\\nuser root\"}", "{\"x\":\"\\r\"}",
		"{\"x\":\"\\u0001\"}", "{\"x\":\"a\\tb\"}", "{\"x\":\"\\u007f\"}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		assert_null(expand("name {{x}}\n", hostile[i]));
		assert_int_equal(j.error, E_INVALID);
		assert_non_null(strstr(j.message, "control character"));
		job_clear(&j);
	}
	assert_string_equal(expand("{{x}}", "{\"x\":\"Köln\"}"), "Köln");
}

static void test_compiled_in(void **state)
{
	const struct template_file *f;
	const char *path;
	struct buf file;
	size_t n = 0;

	(void)state;
	for (f = template_files; f->name; f++, n++) {
		path = arena_printf(j.arena, "templates/%s", f->name);
		assert_int_equal(fs_read(&j, path, 1 << 20, &file), 0);
		assert_string_equal(f->text, file.data);
	}
	assert_true(n >= 10);
	assert_ptr_equal(template_text("serial"), template_files[n - 2].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_control_characters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compiled_in, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
