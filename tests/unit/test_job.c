/* The job keeps the first failure and all that it is told besides; the arena under it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/job.h"

static int setup(void **state)
{
	static struct job j;

	job_open(&j);
	*state = &j;
	return 0;
}

static int teardown(void **state)
{
	job_close(*state);
	return 0;
}

static void test_open_is_clean(void **state)
{
	struct job *j = *state;

	assert_int_equal(j->error, 0);
	assert_string_equal(j->code, "");
	assert_string_equal(j->message, "");
	assert_string_equal(j->request_id, "");
	assert_string_equal(j->actor, "");
	assert_null(j->fields);
	assert_null(j->warnings);
	assert_null(j->extra);
	/* time(2) is the last tick: it may lag behind the begin of a second. */
	assert_in_range(j->now, time(NULL) - 2, time(NULL) + 1);
}

static void test_first_failure_stays(void **state)
{
	struct job *j = *state;
	char name[] = "johndoe";

	assert_int_equal(job_fail(j, E_CONFLICT, "name_taken", "user %s exists", name), E_CONFLICT);
	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(job_fail(j, E_IO, "io", "the disk burns"), E_IO);
	assert_int_equal(j->error, E_CONFLICT);
	assert_string_equal(j->code, "name_taken");
	assert_string_equal(j->message, "user johndoe exists");
}

static void test_fields_are_collected(void **state)
{
	struct job *j = *state;
	char field[] = "name";

	assert_int_equal(job_fail_field(j, field, "name is %d bytes too long", 3), E_INVALID);
	memset(field, 'x', sizeof(field) - 1);
	job_fail_field(j, "user", "user is missing");
	assert_int_equal(j->error, E_INVALID);
	assert_string_equal(j->code, "invalid");
	assert_string_equal(j->message, "name is 3 bytes too long");
	assert_string_equal(j->fields->field, "name");
	assert_string_equal(j->fields->text, "name is 3 bytes too long");
	assert_string_equal(j->fields->next->field, "user");
	assert_null(j->fields->next->next);
}

static void test_field_behind_another_failure_is_dropped(void **state)
{
	struct job *j = *state;

	job_fail(j, E_IO, "io", "the disk burns");
	assert_int_equal(job_fail_field(j, "name", "name is missing"), E_INVALID);
	assert_null(j->fields);
	assert_int_equal(j->error, E_IO);
}

static void test_errno_in_words(void **state)
{
	struct job *j = *state;

	errno = ENOSPC;
	assert_int_equal(job_fail_errno(j, "cannot write %s", "/x"), E_IO);
	assert_string_equal(j->code, "disk_full");
	assert_string_equal(j->message, "cannot write /x: No space left on device");
}

static void test_clear_keeps_warnings(void **state)
{
	struct job *j = *state;

	job_warn(j, "the hook %s is late", "a");
	job_warn(j, "b");
	job_extra(j, "renewable_from", "2026-11-23T01:04:30Z");
	job_fail_field(j, "name", "name is missing");
	job_clear(j);
	assert_int_equal(j->error, 0);
	assert_string_equal(j->message, "");
	assert_null(j->fields);
	assert_null(j->extra);
	assert_string_equal(j->warnings->text, "the hook a is late");
	assert_string_equal(j->warnings->field, "");
	assert_string_equal(j->warnings->next->text, "b");
	job_fail(j, E_BUSY, "busy", "later");
	assert_int_equal(j->error, E_BUSY);
}

static void test_extra(void **state)
{
	struct job *j = *state;
	char value[] = "1";

	job_extra(j, "index", value);
	value[0] = '2';
	assert_string_equal(j->extra->field, "index");
	assert_string_equal(j->extra->text, "1");
}

static void test_arena_hands_out_zeroed_aligned_memory(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 200, 4000, 3, 90 };
	struct arena *a = arena_open(256);
	unsigned char *p[10];

	(void)state;
	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < 10; i++) {
			p[i] = arena_alloc(a, sizes[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(p[i][k], 0);
			memset(p[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < 10; i++)
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(p[i][k], i + 1); /* nobody wrote over a neighbour */
	}
	arena_close(a);
	arena_close(NULL);
}

static void test_arena_strings(void **state)
{
	struct job *j = *state;

	assert_string_equal(arena_strdup(j->arena, "abc"), "abc");
	assert_string_equal(arena_strndup(j->arena, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(j->arena, "%s-%d", "x", 7), "x-7");
}

static void test_buf_grows(void **state)
{
	struct job *j = *state;
	struct buf b;

	buf_open(&b, j->arena);
	assert_string_equal(b.data, "");
	for (int i = 0; i < 1000; i++) {
		buf_printf(&b, "%03d", i);
		buf_putc(&b, ',');
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.data, "000,001,", 8);
	assert_string_equal(b.data + 3992, "998,999,");
	buf_add(&b, "\0x", 2);
	buf_puts(&b, "y");
	assert_int_equal(b.len, 4003);
	assert_memory_equal(b.data + 4000, "\0xy", 4);
	buf_printf(&b, "%500s", "z"); /* longer than what is left */
	assert_int_equal(b.len, 4503);
	assert_int_equal(b.data[4502], 'z');
	assert_int_equal(b.data[4503], 0);
}

/* Each length of text, so that one ends exactly where the room does. */
static void test_buf_fills_up_exactly(void **state)
{
	struct job *j = *state;
	struct buf b;

	for (int n = 1; n < 300; n++) {
		buf_open(&b, j->arena);
		buf_printf(&b, "%*d", n, 7);
		assert_int_equal(b.len, n);
		assert_int_equal(b.data[n - 1], '7');
		assert_int_equal(b.data[n], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open_is_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_failure_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields_are_collected, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_field_behind_another_failure_is_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errno_in_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clear_keeps_warnings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extra, setup, teardown),
		cmocka_unit_test(test_arena_hands_out_zeroed_aligned_memory),
		cmocka_unit_test_setup_teardown(test_arena_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buf_grows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buf_fills_up_exactly, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
