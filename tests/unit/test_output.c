/* What is printed for people: control characters are nobody else's to send, and columns count characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/output.h"

static void keeps_control_characters_away(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain \xc3\xbc \xe2\x82\xac", "plain \xc3\xbc \xe2\x82\xac" },
		{ "\033[2J", "?[2J" },
		{ "a\nb\rc\x7f", "a?b?c?" },
		{ "tab\tstays", "tab\tstays" },
		{ "\xc2\x9b"
		  "31m",
		    "??31m" },
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xc2", "\xc2" },
	};
	struct job j;
	size_t i;

	(void)state;
	job_open(&j);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(output_printable(&j, cases[i].in), cases[i].out);
	assert_string_equal(output_printable(&j, NULL), "");
	job_close(&j);
}

/* The table, as it comes out of a pipe. */
static void print_through_pipe(const struct table *t, char *out, size_t size)
{
	int ends[2], saved = dup(STDOUT_FILENO);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	table_print(t);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], out, size - 1);
	close(ends[0]);
	out[n > 0 ? n : 0] = '\0';
}

static void lays_out_columns(void **state)
{
	static const char *const heads[] = { "NAME", "WHAT", NULL };
	char text[256];
	struct table t;
	struct job j;

	(void)state;
	job_open(&j);
	table_open(&t, &j, heads);
	table_add(&t, STYLE_BAD, "j\xc3\xbcrgen");
	table_add(&t, STYLE_PLAIN, "a");
	table_add(&t, STYLE_PLAIN, "jo");
	table_add(&t, STYLE_PLAIN, NULL);
	print_through_pipe(&t, text, sizeof(text));
	assert_string_equal(text, "NAME    WHAT\nj\xc3\xbcrgen  a\njo      \n");
	job_close(&j);
}

static void grows(void **state)
{
	static const char *const heads[] = { "", "", NULL };
	struct table t;
	struct job j;
	int i;

	(void)state;
	job_open(&j);
	table_open(&t, &j, heads);
	for (i = 0; i < 1000; i++)
		table_add_pair(&t, "key", arena_printf(j.arena, "%d", i));
	assert_int_equal(t.n, 2000);
	assert_string_equal(t.cells[1].text, "0");
	assert_string_equal(t.cells[1999].text, "999");
	job_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_control_characters_away),
		cmocka_unit_test(lays_out_columns),
		cmocka_unit_test(grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
