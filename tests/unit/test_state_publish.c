/*
 * Goal: a publish is all or nothing.  Races with stock git lose no update; a
 * taken lock and a full disk leave main and the handle as they were.
 */
#include "state_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static const struct oid none = { { 0 } };

/* --- races with stock git --- */

static const char *other_commit(struct fixture *f, const char *parent)
{
	const char *line = git(f,
	    arena_printf(f->j.arena, "-c user.name=x -c user.email=x commit-tree -m other -p %s %s^{tree}",
		parent, parent));

	return arena_strndup(f->j.arena, line, OID_HEX - 1);
}

static void test_a_moved_ref_is_stale(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b, c, now;
	struct plan *p = new_plan(f, "ours");
	const char *other;

	put(f, p, "x", "1");
	b = stage(f, &a, p);
	other = other_commit(f, a.hex);
	git(f, arena_printf(f->j.arena, "update-ref refs/heads/main %s", other));
	assert_int_equal(state_publish(&f->j, f->s, &a, &b), E_STALE);
	job_clear(&f->j);
	now = head(f);
	assert_string_equal(now.hex, other);
	state_discard(f->s);
	c = stage(f, &now, p);
	publish(f, &now, &c);
	assert_string_equal(git(f, "rev-list --count main"), "3\n");
	assert_sound(f);
}

static void test_first_commit_must_be_the_first(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b;
	struct plan *p = new_plan(f, "another first");

	put(f, p, "format", "2\n");
	b = stage(f, &none, p);
	assert_int_equal(state_publish(&f->j, f->s, &none, &b), E_STALE);
	job_clear(&f->j);
	assert_string_equal(head(f).hex, a.hex);
}

static void test_a_vanished_ref_is_stale(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b = stage(f, &a, new_plan(f, "next"));

	git(f, "update-ref -d refs/heads/main");
	assert_int_equal(state_publish(&f->j, f->s, &a, &b), E_STALE);
}

static void test_no_update_is_lost_beside_git(void **arg)
{
	enum { OURS = 30, THEIRS = 30 };
	struct fixture *f = *arg;
	struct oid old = commit_file(f, &none, "format", "1\n"), new;
	int i = 0, stale = 0;
	FILE *other;

	other = popen(
	    arena_printf(f->j.arena,
		"cd %s && i=0; while [ $i -lt %d ]; do"
		" o=$(git rev-parse main);"
		" n=$(git -c user.name=x -c user.email=x commit-tree -m theirs -p $o $o^{tree});"
		" git update-ref refs/heads/main $n $o && i=$((i+1)); git pack-refs --all; done 2>/dev/null",
		f->path, THEIRS),
	    "r");
	assert_non_null(other);
	while (i < OURS) {
		struct plan *p = new_plan(f, "ours");
		int error;

		put(f, p, arena_printf(f->j.arena, "f/%d", i), "x");
		old = head(f);
		new = stage(f, &old, p);
		error = state_publish(&f->j, f->s, &old, &new);
		job_clear(&f->j);
		if (error) {
			assert_int_equal(error, E_STALE);
			state_discard(f->s);
			stale++;
		} else {
			i++;
		}
	}
	assert_int_equal(pclose(other), 0);
	print_message("%d of ours were stale and made again\n", stale);
	assert_string_equal(git(f, "rev-list --count main"), "61\n");
	assert_string_equal(git(f, "ls-tree -r --name-only main | wc -l"), "31\n");
	assert_sound(f);
}

/* --- locks --- */

static void *unlock_later(void *path)
{
	usleep(300000);
	unlink(path);
	return NULL;
}

static void test_a_taken_lock_is_waited_for(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b;
	char *lock = arena_printf(f->j.arena, "%s/refs/heads/main.lock", f->path);
	pthread_t thread;

	b = stage(f, &a, new_plan(f, "next"));
	assert_int_equal(fs_write(&f->j, lock, "", 0, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, unlock_later, lock), 0);
	publish(f, &a, &b);
	pthread_join(thread, NULL);
	assert_string_equal(head(f).hex, b.hex);
}

static void test_a_stale_lock_ends_in_busy(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b = stage(f, &a, new_plan(f, "next"));
	const char *lock = arena_printf(f->j.arena, "%s/refs/heads/main.lock", f->path);

	assert_int_equal(fs_write(&f->j, lock, "", 0, 0600), 0);
	assert_int_equal(state_publish(&f->j, f->s, &a, &b), E_BUSY);
	job_clear(&f->j);
	assert_string_equal(head(f).hex, a.hex);
	unlink(lock);
	publish(f, &a, &b); /* what is staged is still there */
	assert_sound(f);
}

/* --- main's file --- */

/* What main will say may be written ahead, for another commit than the one that is published in the end. */
static void test_written_ahead(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b = stage(f, &a, new_plan(f, "one")), c;

	assert_int_equal(state_write_tip(&f->j, f->s, &b), 0);
	assert_string_equal(head(f).hex, a.hex);
	c = stage(f, &b, new_plan(f, "two"));
	publish(f, &a, &c);
	assert_string_equal(head(f).hex, c.hex);
	assert_string_equal(git(f, "rev-parse main"), arena_printf(f->j.arena, "%s\n", c.hex));
	state_rest(f->s);
	assert_sound(f);
}

/* git may keep main among others in packed-refs, with no file of its own. */
static void test_a_packed_main_is_moved(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b;

	git(f, "pack-refs --all");
	assert_string_equal(shell(f, 0, "ls %s/refs/heads", f->path), "");
	b = stage(f, &a, new_plan(f, "next"));
	assert_int_equal(state_publish(&f->j, f->s, &none, &b), E_STALE);
	job_clear(&f->j);
	publish(f, &a, &b);
	assert_string_equal(head(f).hex, b.hex);
	assert_string_equal(shell(f, 0, "cd %s; ls refs/heads; ls | grep main; true", f->path), "main\n");
	assert_sound(f);
}

/* --- a full disk --- */

static void test_a_full_disk_leaves_all_as_it_was(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b;
	struct rlimit was, tiny;
	struct plan *p = new_plan(f, "large");
	int error;

	put(f, p, "large", git(f, "config --list"));
	b = stage(f, &a, p);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tiny = (struct rlimit){ .rlim_cur = 300, .rlim_max = was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	error = state_publish(&f->j, f->s, &a, &b);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(error, E_IO);
	job_clear(&f->j);
	state_discard(f->s);
	assert_string_equal(head(f).hex, a.hex);
	assert_string_equal(shell(f, 0, "find %s -name '*git2*' -o -name '*.lock'", f->path), "");
	b = stage(f, &a, p);
	publish(f, &a, &b);
	assert_sound(f);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_moved_ref_is_stale),
		cmocka_unit_test(test_first_commit_must_be_the_first),
		cmocka_unit_test(test_a_vanished_ref_is_stale),
		cmocka_unit_test(test_no_update_is_lost_beside_git),
		cmocka_unit_test(test_a_taken_lock_is_waited_for),
		cmocka_unit_test(test_a_stale_lock_ends_in_busy),
		cmocka_unit_test(test_written_ahead),
		cmocka_unit_test(test_a_packed_main_is_moved),
		cmocka_unit_test(test_a_full_disk_leaves_all_as_it_was),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
