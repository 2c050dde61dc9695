/*
 * Goal: a new repository is one that stock git and libgit2 both take, opening
 * is not led astray, and healing brings back what a killed writer or a bare
 * clone left.
 */
#include "state_fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>

static const char *file_of(struct fixture *f, const char *name)
{
	return arena_printf(f->j.arena, "%s/%s", f->path, name);
}

static void touch(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(fs_write(&f->j, file_of(f, name), text, strlen(text), 0600), 0);
}

static void test_init_is_sound(void **arg)
{
	struct fixture *f = *arg;
	struct stat st;

	assert_sound(f);
	assert_string_equal(git(f, "symbolic-ref HEAD"), "refs/heads/main\n");
	assert_string_equal(git(f, "config --get gc.auto"), "0\n");
	assert_string_equal(git(f, "config --get receive.denyNonFastForwards"), "true\n");
	assert_string_equal(git(f, "config --get core.fsync"), "all\n");
	assert_string_equal(git(f, "config --get core.repositoryformatversion"), "0\n");
	shell(f, 1, "git --git-dir=%s config --get-regexp '^extensions\\.|sharedrepository' 2>&1", f->path);
	assert_string_equal(shell(f, 0, "ls -d %s/objects/[0-9a-f][0-9a-f] | wc -l", f->path), "256\n");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_string_equal(head(f).hex, "");
}

static void test_init_refuses_what_exists(void **arg)
{
	struct fixture *f = *arg;

	commit_file(f, &(struct oid){ { 0 } }, "format", "1\n");
	assert_int_equal(state_init(&f->j, f->path), E_CONFLICT);
	assert_string_not_equal(head(f).hex, "");
	assert_string_equal(shell(f, 0, "ls %s", f->dir), "state.git\n");
}

static void test_init_replaces_half_a_one(void **arg)
{
	struct fixture *f = *arg;
	char path[100];

	snprintf(path, sizeof(path), "%s/other", f->dir);
	shell(f, 0, "mkdir -p %s.new/objects && echo x >%s.new/HEAD", path, path);
	assert_int_equal(state_init(&f->j, path), 0);
	shell(f, 0, "git --git-dir=%s fsck --strict && test ! -e %s.new", path, path);
}

static int open_at(struct fixture *f, const char *path)
{
	struct state *s = NULL;
	int error = state_open(&f->j, path, &s);

	job_clear(&f->j);
	state_close(s);
	return error;
}

static void test_open_takes_the_path_only(void **arg)
{
	struct fixture *f = *arg;

	shell(f, 0, "git init -q %s/work && mkdir %s/work/inner", f->dir, f->dir);
	assert_int_equal(open_at(f, f->path), 0);
	assert_int_equal(open_at(f, arena_printf(f->j.arena, "%s/missing", f->dir)), E_NOT_FOUND);
	assert_int_equal(open_at(f, arena_printf(f->j.arena, "%s/work/inner", f->dir)), E_NOT_FOUND);
	assert_int_equal(open_at(f, arena_printf(f->j.arena, "%s/work", f->dir)), E_NOT_FOUND);
	setenv("GIT_DIR", f->path, 1);
	assert_int_equal(open_at(f, arena_printf(f->j.arena, "%s/missing", f->dir)), E_NOT_FOUND);
	unsetenv("GIT_DIR");
}

static void test_open_refuses_another_users(void **arg)
{
	struct fixture *f = *arg;
	struct state *s = NULL;

	if (geteuid() != 0) {
		print_message("SKIPPED: giving a repository to another user needs root\n");
		skip();
	}
	shell(f, 0, "chown -R 12345 %s", f->path);
	/* sudo's word for who called it opens no door: the owner could not change what root writes. */
	setenv("SUDO_UID", "12345", 1);
	assert_int_equal(state_open(&f->j, f->path, &s), E_DENIED);
	unsetenv("SUDO_UID");
	assert_string_equal(f->j.code, "wrong_owner");
	assert_non_null(strstr(f->j.message, "12345"));
	assert_non_null(strstr(f->j.message, "sudo -u"));
}

static void test_git_runs_as_the_owner(void **arg)
{
	struct fixture *f = *arg;
	char *args[] = { "rev-parse", "--git-path", "objects", NULL };
	int status;
	pid_t pid;

	if (geteuid() == 0)
		shell(f, 0, "chown -R 12345:12345 %s", f->dir);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setenv("GIT_DIR", "/nonexistent", 1);
		setenv("GIT_OBJECT_DIRECTORY", "/nonexistent", 1);
		if (!freopen(arena_printf(f->j.arena, "%s/out", f->dir), "w", stdout))
			_exit(9);
		state_git(&f->j, f->path, args);
		_exit(9);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(
	    shell(f, 0, "cat %s/out", f->dir), arena_printf(f->j.arena, "%s/objects\n", f->path));
}

static void test_heal_removes_what_a_kill_left(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &(struct oid){ { 0 } }, "format", "1\n"), b;

	touch(f, "refs/heads/main.lock", "");
	touch(f, "config.lock", "");
	touch(f, "packed-refs.lock", "");
	touch(f, "objects/tmp_object_git2_abcdef", "x");
	touch(f, "objects/pack/.0123456789abcdef.tmp", "x");
	touch(f, "objects/pack/pack-0123456789012345678901234567890123456789.idx", "x");
	touch(f, "objects/5f/0123456789012345678901234567890123456a", "");
	touch(f, "objects/pack/tmp_pack_young", "x");
	touch(f, "objects/pack/tmp_pack_old", "x");
	shell(f, 0, "touch -d '3 days ago' %s/objects/pack/tmp_pack_old", f->path);
	shell(f, 0, "rmdir %s/objects/aa %s/objects/ab", f->path, f->path);
	assert_int_equal(state_heal(&f->j, f->s), 0);
	assert_string_equal(
	    shell(f, 0,
		"cd %s && find . -name '*.lock' -o -name '*git2*' -o -name '*.tmp' -o -size 0 -type f"
		" -o -name 'pack-0123*' -o -name tmp_pack_old",
		f->path),
	    "");
	assert_true(fs_exists(file_of(f, "objects/pack/tmp_pack_young")));
	assert_true(fs_exists(file_of(f, "objects/aa")));
	shell(f, 0, "rm %s/objects/pack/tmp_pack_young", f->path);
	b = commit_file(f, &a, "format", "2\n");
	assert_string_equal(head(f).hex, b.hex);
	assert_sound(f);
}

static void test_heal_adopts_a_bare_clone(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &(struct oid){ { 0 } }, "users/1/f/user.json", "{}\n");
	struct stat st;
	int error;

	shell(f, 0, "cd %s && mv state.git origin && git clone -q --bare origin state.git 2>&1", f->dir);
	shell(f, 0,
	    "cd %s && git config gc.auto 5 && git config core.sharedRepository group &&"
	    " git symbolic-ref HEAD refs/heads/master && chmod 755 .",
	    f->path);
	state_close(f->s);
	error = state_open(&f->j, f->path, &f->s);
	assert_int_equal(error, 0);
	assert_int_equal(state_heal(&f->j, f->s), 0);
	assert_string_equal(git(f, "config --get gc.auto"), "0\n");
	shell(f, 1, "git --git-dir=%s config --get core.sharedRepository", f->path);
	assert_string_equal(git(f, "symbolic-ref HEAD"), "refs/heads/main\n");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_string_equal(head(f).hex, a.hex);
	commit_file(f, &a, "users/2/0/user.json", "{}\n");
	assert_sound(f);
}

static void test_heal_twice_writes_nothing(void **arg)
{
	struct fixture *f = *arg;
	const char *before = shell(f, 0, "cd %s && stat -c '%%n %%i %%Y' config HEAD", f->path);

	assert_int_equal(state_heal(&f->j, f->s), 0);
	assert_string_equal(shell(f, 0, "cd %s && stat -c '%%n %%i %%Y' config HEAD", f->path), before);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_is_sound),
		cmocka_unit_test(test_init_refuses_what_exists),
		cmocka_unit_test(test_init_replaces_half_a_one),
		cmocka_unit_test(test_open_takes_the_path_only),
		cmocka_unit_test(test_open_refuses_another_users),
		cmocka_unit_test(test_git_runs_as_the_owner),
		cmocka_unit_test(test_heal_removes_what_a_kill_left),
		cmocka_unit_test(test_heal_adopts_a_bare_clone),
		cmocka_unit_test(test_heal_twice_writes_nothing),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
