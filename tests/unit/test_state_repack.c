/*
 * Goal: packs stay few however often one publishes; afterwards this handle and
 * the readers' handles read what is old and what is new.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

enum { PUBLISHES = 60, PACKS_MAX = 22 };

static int count_packs(struct fixture *f)
{
	return atoi(shell(f, 0, "ls %s/objects/pack/*.pack | wc -l", f->path));
}

static void assert_reads(struct fixture *f, struct state *s, const struct oid *c, int n)
{
	struct buf b;

	if (state_read(&f->j, s, c, arena_printf(f->j.arena, "f/%d", n), &b))
		fail_msg("read: %s", f->j.message);
	assert_string_equal(b.data, arena_printf(f->j.arena, "text %d", n));
}

/* One that is started and waited for. */
static int repack(struct fixture *f)
{
	return state_repack(&f->j, f->s) || state_end_repack(&f->j, f->s) ? f->j.error : 0;
}

static struct oid publish_many(struct fixture *f, struct state *reader, struct oid *first)
{
	struct oid tip = none;
	int i, most = 0;

	for (i = 0; i < PUBLISHES; i++) {
		tip = commit_file(
		    f, &tip, arena_printf(f->j.arena, "f/%d", i), arena_printf(f->j.arena, "text %d", i));
		if (i == 0)
			*first = tip;
		assert_reads(f, reader, &tip, i);
		if (state_repack(&f->j, f->s))
			fail_msg("repack: %s", f->j.message);
		most = count_packs(f) > most ? count_packs(f) : most;
	}
	assert_in_range(most, 15, PUBLISHES - 1); /* each is folded while others are added */
	assert_int_equal(state_end_repack(&f->j, f->s), 0);
	assert_int_equal(repack(f), 0);
	assert_in_range(count_packs(f), 1, PACKS_MAX);
	return tip;
}

static void test_packs_stay_few(void **arg)
{
	struct fixture *f = *arg;
	struct state *reader = NULL;
	struct oid first, tip;
	int i;

	assert_int_equal(state_open(&f->j, f->path, &reader), 0);
	tip = publish_many(f, reader, &first);
	for (i = 0; i < PUBLISHES; i++) {
		assert_reads(f, f->s, &tip, i);
		assert_reads(f, reader, &tip, i);
	}
	assert_reads(f, reader, &first, 0);
	state_close(reader);
	assert_sound(f);
	assert_string_equal(git(f, "rev-list --count main"), "60\n");
}

static void test_deleted_packs_are_not_kept_open(void **arg)
{
	struct fixture *f = *arg;
	struct oid tip = none;
	int i;

	for (i = 0; i < 21; i++)
		tip = commit_file(f, &tip, arena_printf(f->j.arena, "f/%d", i), "text");
	assert_int_equal(repack(f), 0);
	assert_in_range(count_packs(f), 1, 10);
	assert_string_equal(shell(f, 1, "ls -l /proc/%d/fd | grep 'pack.*(deleted)'", (int)getpid()), "");
	assert_string_equal(shell(f, 1, "grep 'pack.*(deleted)' /proc/%d/maps", (int)getpid()), "");
}

static void test_nothing_is_done_where_packs_are_few(void **arg)
{
	struct fixture *f = *arg;
	struct oid tip = none;
	int i;

	for (i = 0; i < 5; i++)
		tip = commit_file(f, &tip, "f/0", arena_printf(f->j.arena, "text %d", i));
	assert_int_equal(repack(f), 0);
	assert_int_equal(count_packs(f), 5);
}

/* Somebody else repacks it all while handles are open. */
static void test_a_foreign_repack_disturbs_nobody(void **arg)
{
	struct fixture *f = *arg;
	struct oid tip = none;
	struct state *reader = NULL;
	int i;

	for (i = 0; i < 10; i++)
		tip = commit_file(
		    f, &tip, arena_printf(f->j.arena, "f/%d", i), arena_printf(f->j.arena, "text %d", i));
	assert_int_equal(state_open(&f->j, f->path, &reader), 0);
	assert_reads(f, reader, &tip, 3);
	git(f, "repack -a -d -q");
	assert_int_equal(count_packs(f), 1);
	for (i = 0; i < 10; i++)
		assert_reads(f, reader, &tip, i);
	tip = commit_file(f, &tip, "f/10", "text 10");
	assert_reads(f, reader, &tip, 10);
	assert_reads(f, f->s, &tip, 0);
	state_close(reader);
	assert_sound(f);
}

static void test_failure_tells_what_git_said(void **arg)
{
	struct fixture *f = *arg;
	struct oid tip = none;
	int i;

	for (i = 0; i < 22; i++)
		tip = commit_file(f, &tip, "f/0", arena_printf(f->j.arena, "text %d", i));
	git(f, "config repack.packKeptObjects nonsense");
	assert_int_equal(repack(f), E_IO);
	assert_non_null(strstr(f->j.message, "nonsense"));
	job_clear(&f->j);
	git(f, "config --unset repack.packKeptObjects");
	assert_int_equal(repack(f), 0);
	assert_in_range(count_packs(f), 1, 10);
	commit_file(f, &tip, "f/0", "text 0");
	assert_sound(f);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packs_stay_few),
		cmocka_unit_test(test_deleted_packs_are_not_kept_open),
		cmocka_unit_test(test_nothing_is_done_where_packs_are_few),
		cmocka_unit_test(test_a_foreign_repack_disturbs_nobody),
		cmocka_unit_test(test_failure_tells_what_git_said),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
