/*
 * Goal: a publish is durable.  Its fsyncs are those that matter, few whatever
 * the size of the batch; any system call that fails and a kill at any of them
 * leave main at the old or at the new commit, whole, and writing goes on.
 * The program runs itself under strace, which counts, fails and kills.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

/* What the traced run says by its exit status. */
enum { DONE = 0, FAILED_AND_RECOVERED = 10, LOST = 11, MOVED_THOUGH_FAILED = 12 };

static struct oid stage_batch(struct fixture *f, const struct oid *old, int n)
{
	struct oid tip = *old;
	int i, k;

	for (i = 0; i < n; i++) {
		struct plan *p = new_plan(f, arena_printf(f->j.arena, "change %d", i));

		for (k = 0; k < 3; k++)
			put(f, p, arena_printf(f->j.arena, "batch/%d/%d/%d", k, i % 10, i), "text");
		tip = stage(f, &tip, p);
	}
	return tip;
}

/* What runs under strace: open, stage n commits, publish; and once more where that failed. */
static int child(const char *path, int n)
{
	struct fixture f = { 0 };
	struct oid old, new, now;

	job_open(&f.j);
	state_start();
	if (state_open(&f.j, path, &f.s) || state_head(&f.j, f.s, &old))
		return FAILED_AND_RECOVERED; /* nothing was done yet */
	new = stage_batch(&f, &old, n);
	if (state_publish(&f.j, f.s, &old, &new) == 0)
		return strcmp(head(&f).hex, new.hex) == 0 ? DONE : LOST;
	job_clear(&f.j);
	state_discard(f.s);
	now = head(&f);
	if (strcmp(now.hex, old.hex) != 0)
		return strcmp(now.hex, new.hex) == 0 ? MOVED_THOUGH_FAILED : LOST;
	new = stage_batch(&f, &old, n);
	publish(&f, &old, &new);
	return FAILED_AND_RECOVERED;
}

/* Run the child under strace; its status, or 128 + signal. */
static int strace_child(struct fixture *f, const char *options, int n)
{
	static char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;

	assert_true(len > 0);
	status = system(arena_printf(f->j.arena,
	    "ASAN_OPTIONS=detect_leaks=0 exec strace -f -qq %s"
	    " -o %s/trace %s --child %s %d >/dev/null 2>&1",
	    options, f->dir, self, f->path, n));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void need_strace(void)
{
	if (system("strace -qq -o /dev/null true >/dev/null 2>&1") == 0)
		return;
	print_message("SKIPPED: strace is missing or may not trace here: durability is NOT tested\n");
	skip();
}

static void assert_fsynced(struct fixture *f, const char *pattern)
{
	shell(f, 0, "grep -q '%s' %s/trace", pattern, f->dir);
}

static void test_few_fsyncs_whatever_the_batch(void **arg)
{
	struct fixture *f = *arg;
	struct oid a;
	const char *one;

	need_strace();
	a = commit_file(f, &none, "format", "1\n");
	assert_int_equal(strace_child(f, "-y -e trace=fsync,fdatasync", 1), DONE);
	one = shell(f, 0, "wc -l <%s/trace", f->dir);
	assert_string_equal(one, "5\n");
	assert_fsynced(f, "/objects/pack/.[0-9a-f]*.tmp>");
	assert_fsynced(f, "/objects/pack>");
	assert_fsynced(f, "/main.next>"); /* what main will say */
	assert_fsynced(f, "/refs/heads>");
	assert_int_equal(strace_child(f, "-y -e trace=fsync,fdatasync", 60), DONE);
	assert_string_equal(shell(f, 0, "wc -l <%s/trace", f->dir), one);
	assert_string_not_equal(head(f).hex, a.hex);
	assert_sound(f);
}

/* Let the n-th call fail, for n = 1, 2, .. until there is no n-th one any more. */
static void fail_each(struct fixture *f, const char *call, const char *error)
{
	int n = 0, status;

	do {
		n++;
		status = strace_child(f,
		    arena_printf(
			f->j.arena, "-e trace=%s -e inject=%s:error=%s:when=%d", call, call, error, n),
		    2);
		/* The ref's folder is synced after its rename: past the point of no return. */
		if (status == MOVED_THOUGH_FAILED && strcmp(call, "fsync") == 0)
			continue;
		if (status != DONE && status != FAILED_AND_RECOVERED)
			fail_msg("%s number %d: status %d", call, n, status);
	} while ((status != DONE || n == 1) && n < 200); /* the first may be a sanitizer's own */
	assert_in_range(n, 2, 199);
	print_message("%s: %d failed, one by one\n", call, n - 1);
	assert_sound(f);
}

static void test_any_failing_call_is_survived(void **arg)
{
	struct fixture *f = *arg;

	need_strace();
	commit_file(f, &none, "format", "1\n");
	fail_each(f, "fsync", "EIO");
	fail_each(f, "rename", "ENOSPC");
	fail_each(f, "write", "ENOSPC");
}

static void kill_each(struct fixture *f, const char *call)
{
	int n = 0, status;

	do {
		struct oid before = head(f), after;

		n++;
		status = strace_child(f,
		    arena_printf(f->j.arena, "-e trace=%s -e inject=%s:signal=KILL:when=%d", call, call, n),
		    2);
		if (state_heal(&f->j, f->s))
			fail_msg("heal: %s", f->j.message);
		after = head(f);
		assert_sound(f);
		assert_string_equal(shell(f, 0, "find %s -name '*.tmp' -o -name '*.lock'", f->path), "");
		if (status == DONE)
			assert_string_not_equal(after.hex, before.hex);
		/* Whatever it was, writing goes on. */
		before = after;
		after = stage(f, &before, new_plan(f, "goes on"));
		publish(f, &before, &after);
	} while (status != DONE && n < 200);
	assert_in_range(n, 2, 199);
	print_message("%s: %d kills\n", call, n - 1);
}

static void test_a_kill_at_any_call_is_healed(void **arg)
{
	struct fixture *f = *arg;

	need_strace();
	commit_file(f, &none, "format", "1\n");
	kill_each(f, "fsync");
	kill_each(f, "rename");
	kill_each(f, "write");
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_fsyncs_whatever_the_batch),
		cmocka_unit_test(test_any_failing_call_is_survived),
		cmocka_unit_test(test_a_kill_at_any_call_is_healed),
	};

	if (argc == 4 && strcmp(argv[1], "--child") == 0)
		return child(argv[2], atoi(argv[3]));
	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
