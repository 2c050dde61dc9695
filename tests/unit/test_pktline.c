/* pkt-lines: what git may send, what a stranger may send instead, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/pktline.h"

struct fixture {
	struct job j;
	int ends[2];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	job_open(&f->j);
	assert_int_equal(pipe(f->ends), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->ends[0]);
	close(f->ends[1]);
	job_close(&f->j);
	free(f);
	return 0;
}

/* What the other side sends before it goes away. */
static void say(struct fixture *f, const char *bytes, size_t len)
{
	assert_int_equal(write(f->ends[1], bytes, len), (ssize_t)len);
	close(f->ends[1]);
	f->ends[1] = -1;
}

static void test_lines(void **state)
{
	struct fixture *f = *state;
	struct pkt p;

	say(f, "000ahello\n0009hello00040000", 27);
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_string_equal(p.data, "hello");
	assert_int_equal(p.len, 5);
	assert_false(p.is_flush);
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_string_equal(p.data, "hello");
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_int_equal(p.len, 0);
	assert_false(p.is_flush); /* an empty line is no flush */
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_true(p.is_flush);
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), E_IO);
}

/* Capabilities stand behind a NUL: the bytes are all there, the text ends before. */
static void test_nul(void **state)
{
	struct fixture *f = *state;
	struct pkt p;

	say(f, "0015version=1\0atomic\n", 21);
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_int_equal(p.len, 16);
	assert_string_equal(p.data, "version=1");
	assert_string_equal(p.data + 10, "atomic");
}

static void refuse(struct fixture *f, const char *bytes, size_t len)
{
	struct pkt p;

	say(f, bytes, len);
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), E_IO);
	assert_string_equal(f->j.code, "bad_pkt");
	close(f->ends[0]);
	job_clear(&f->j);
	assert_int_equal(pipe(f->ends), 0);
}

static void test_hostile(void **state)
{
	struct fixture *f = *state;
	static const char *const lengths[] = { "0001", "0002", "0003", "fff1", "ffff", "+010", " 010", "-001",
		"0x10", "zzzz", "00g0", "GET " };
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		refuse(f, lengths[i], 4);
	refuse(f, "\0\0\0\0", 4);
	refuse(f, "", 0);
	refuse(f, "00", 2);
	refuse(f, "0009hell", 8);
	refuse(f, "fff0x", 5);
}

static void test_longest(void **state)
{
	struct fixture *f = *state;
	char *line = malloc(PKT_MAX);
	struct pkt p;

	assert_non_null(line);
	memset(line, 'x', PKT_MAX);
	memcpy(line, "FFF0", 4);
	say(f, line, PKT_MAX); /* a pipe holds 65536 bytes */
	assert_int_equal(pkt_read(&f->j, f->ends[0], &p), 0);
	assert_int_equal(p.len, PKT_MAX - 4);
	free(line);
}

static void test_write(void **state)
{
	struct fixture *f = *state;
	char got[64] = "", *line;

	assert_int_equal(pkt_write(&f->j, f->ends[1], "ok refs/heads/main"), 0);
	assert_int_equal(pkt_flush(&f->j, f->ends[1]), 0);
	assert_int_equal(read(f->ends[0], got, sizeof(got)), 27);
	assert_memory_equal(got, "0017ok refs/heads/main\n0000", 27);
	line = malloc(PKT_MAX);
	assert_non_null(line);
	memset(line, 'x', PKT_MAX - 1);
	line[PKT_MAX - 1] = '\0';
	assert_int_equal(pkt_write(&f->j, f->ends[1], line), E_INVALID);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
