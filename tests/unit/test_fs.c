/* Files in a folder of their own under $TMPDIR: what is written is whole, or what was there stays. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"

struct place {
	struct job j;
	char *dir;
};

static int setup(void **state)
{
	static struct place p;
	const char *tmp = getenv("TMPDIR");

	job_open(&p.j);
	p.dir = arena_printf(p.j.arena, "%s/test_fs.XXXXXX", tmp ? tmp : "/tmp");
	*state = &p;
	return mkdtemp(p.dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct place *p = *state;
	int error = fs_remove_tree(&p->j, p->dir);

	job_close(&p->j);
	return error;
}

static char *in(struct place *p, const char *name)
{
	return arena_printf(p->j.arena, "%s/%s", p->dir, name);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void assert_holds(struct place *p, const char *path, const char *text)
{
	struct buf b;

	assert_int_equal(fs_read(&p->j, path, 1 << 20, &b), 0);
	assert_string_equal(b.data, text);
	assert_int_equal(b.len, strlen(text));
}

static size_t count(struct place *p, const char *path)
{
	size_t n = 0;
	char **names;

	assert_int_equal(fs_list(&p->j, path, &names), 0);
	while (names[n])
		n++;
	return n;
}

static void test_write_and_read(void **state)
{
	struct place *p = *state;
	char *path = in(p, "file");
	mode_t old = umask(077);

	assert_int_equal(fs_write(&p->j, path, "one", 3, 0644), 0);
	umask(old);
	assert_int_equal(mode_of(path), 0644); /* whatever the umask */
	assert_holds(p, path, "one");
	assert_int_equal(fs_write_durable(&p->j, path, "two\n", 4, 0600), 0);
	assert_int_equal(mode_of(path), 0600);
	assert_holds(p, path, "two\n");
	assert_int_equal(fs_write(&p->j, path, NULL, 0, 0600), 0);
	assert_holds(p, path, "");
	assert_int_equal(count(p, p->dir), 1); /* no temporary names */
}

static void test_read_large_and_too_large(void **state)
{
	struct place *p = *state;
	char *path = in(p, "large"), *data = arena_alloc(p->j.arena, 300000);
	struct buf b;

	memset(data, 'x', 300000);
	assert_int_equal(fs_write(&p->j, path, data, 300000, 0600), 0);
	assert_int_equal(fs_read(&p->j, path, 300000, &b), 0);
	assert_int_equal(b.len, 300000);
	assert_memory_equal(b.data, data, 300000);
	assert_int_equal(b.data[b.len], 0);
	assert_int_equal(fs_read(&p->j, path, 299999, &b), E_INVALID);
	assert_string_equal(p->j.code, "too_large");
	assert_non_null(strstr(p->j.message, path));
}

/* Files of /proc say that they are empty. */
static void test_read_without_a_size(void **state)
{
	struct place *p = *state;
	struct buf b;

	assert_int_equal(fs_read(&p->j, "/proc/self/maps", 1 << 20, &b), 0);
	assert_true(b.len > 100);
}

static void test_read_what_is_no_file(void **state)
{
	struct place *p = *state;
	char *fifo = in(p, "fifo");
	struct buf b;

	assert_int_equal(fs_read(&p->j, in(p, "none"), 10, &b), E_NOT_FOUND);
	job_clear(&p->j);
	assert_int_equal(fs_read(&p->j, p->dir, 10, &b), E_INVALID);
	job_clear(&p->j);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(10); /* a reader that waits for the other end dies here */
	assert_int_equal(fs_read(&p->j, fifo, 10, &b), E_INVALID);
	alarm(0);
	assert_string_equal(p->j.code, "not_a_file");
}

static void test_write_into_no_folder(void **state)
{
	struct place *p = *state;
	char *path = in(p, "none/file");

	assert_int_equal(fs_write(&p->j, path, "x", 1, 0600), E_IO);
	assert_non_null(strstr(p->j.message, path));
	assert_non_null(strstr(p->j.message, "No such file or directory"));
}

/* A disk that fills up in the middle: a limit on file sizes does the same. */
static void test_failed_write_changes_nothing(void **state)
{
	static char data[100000];
	struct place *p = *state;
	char *path = in(p, "file");
	struct rlimit old, small;
	int error;

	assert_int_equal(fs_write(&p->j, path, "old", 3, 0600), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &small);
	error = fs_write(&p->j, path, data, sizeof(data), 0600);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(error, E_IO);
	assert_non_null(strstr(p->j.message, "File too large"));
	assert_holds(p, path, "old");
	assert_int_equal(count(p, p->dir), 1);
}

static void test_write_replaces_a_link_not_its_target(void **state)
{
	struct place *p = *state;
	char *target = in(p, "target"), *path = in(p, "link");

	assert_int_equal(fs_write(&p->j, target, "target", 6, 0600), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(fs_write(&p->j, path, "new", 3, 0600), 0);
	assert_holds(p, target, "target");
	assert_holds(p, path, "new");
}

static void test_rename_and_remove(void **state)
{
	struct place *p = *state;
	char *a = in(p, "a"), *b = in(p, "b");

	assert_int_equal(fs_write(&p->j, a, "x", 1, 0600), 0);
	assert_int_equal(fs_rename(&p->j, a, b), 0);
	assert_false(fs_exists(a));
	assert_true(fs_exists(b));
	assert_int_equal(fs_remove(&p->j, b), 0);
	assert_int_equal(fs_remove(&p->j, b), 0);
	assert_false(fs_exists(b));
	assert_int_equal(fs_rename(&p->j, a, b), E_IO);
	job_clear(&p->j);
	assert_int_equal(fs_remove(&p->j, p->dir), E_IO); /* a folder */
	assert_true(fs_exists(p->dir));
}

static void test_exists_sees_dangling_links(void **state)
{
	struct place *p = *state;

	assert_int_equal(symlink("/nowhere/at/all", in(p, "link")), 0);
	assert_true(fs_exists(in(p, "link")));
}

static void test_mkdirs(void **state)
{
	struct place *p = *state;
	mode_t old = umask(077);

	chmod(p->dir, 0711);
	assert_int_equal(fs_mkdirs(&p->j, in(p, "x/y//z/"), 0750), 0);
	umask(old);
	assert_int_equal(mode_of(p->dir), 0711);
	assert_int_equal(mode_of(in(p, "x")), 0750);
	assert_int_equal(mode_of(in(p, "x/y/z")), 0750);
	assert_int_equal(fs_mkdirs(&p->j, in(p, "x/y"), 0700), 0);
	assert_int_equal(mode_of(in(p, "x/y")), 0750);
	assert_int_equal(fs_mkdirs(&p->j, "/", 0700), 0);
	assert_int_equal(fs_write(&p->j, in(p, "file"), "", 0, 0600), 0);
	assert_int_equal(fs_mkdirs(&p->j, in(p, "file"), 0700), E_IO);
	job_clear(&p->j);
	assert_int_equal(fs_mkdirs(&p->j, in(p, "file/below"), 0700), E_IO);
}

static void test_relative_paths(void **state)
{
	struct place *p = *state;
	char *cwd = getcwd(NULL, 0);

	assert_int_equal(chdir(p->dir), 0);
	assert_int_equal(fs_mkdirs(&p->j, "d", 0700), 0);
	assert_int_equal(fs_write_durable(&p->j, "f", "x", 1, 0600), 0);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
	assert_holds(p, in(p, "f"), "x");
	assert_true(fs_exists(in(p, "d")));
}

static void test_list_is_sorted(void **state)
{
	static const char *const want[] = { ".hidden", "10", "9", "B", "a", "\xc3\xa9" };
	struct place *p = *state;
	char **names;

	for (size_t i = 6; i--;)
		assert_int_equal(fs_write(&p->j, in(p, want[i]), "", 0, 0600), 0);
	assert_int_equal(fs_list(&p->j, p->dir, &names), 0);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(names[i], want[i]);
	assert_null(names[6]);
	assert_int_equal(fs_list(&p->j, in(p, "none"), &names), 0);
	assert_null(names[0]);
	assert_int_equal(fs_list(&p->j, in(p, "a"), &names), E_IO);
}

static void test_remove_tree_stays_inside(void **state)
{
	struct place *p = *state;
	char *tree = in(p, "tree"), *outside = in(p, "outside"), *kept = in(p, "outside/kept");

	assert_int_equal(fs_mkdirs(&p->j, in(p, "tree/a/b/c"), 0700), 0);
	assert_int_equal(fs_mkdirs(&p->j, outside, 0700), 0);
	assert_int_equal(fs_write(&p->j, kept, "x", 1, 0600), 0);
	assert_int_equal(fs_write(&p->j, in(p, "tree/a/f"), "x", 1, 0600), 0);
	assert_int_equal(symlink(outside, in(p, "tree/a/link")), 0);
	assert_int_equal(symlink("nowhere", in(p, "tree/a/dangling")), 0);
	assert_int_equal(fs_remove_tree(&p->j, tree), 0);
	assert_false(fs_exists(tree));
	assert_true(fs_exists(kept));
	assert_int_equal(fs_remove_tree(&p->j, tree), 0);
	assert_int_equal(symlink(outside, in(p, "link")), 0);
	assert_int_equal(fs_remove_tree(&p->j, in(p, "link")), 0);
	assert_false(fs_exists(in(p, "link")));
	assert_true(fs_exists(kept));
}

static void test_sync_dir(void **state)
{
	struct place *p = *state;

	assert_int_equal(fs_sync_dir(&p->j, p->dir), 0);
	assert_int_equal(fs_sync_dir(&p->j, in(p, "none")), E_IO);
}

/* The other process reports by its exit code what fs_lock told it. */
static int lock_elsewhere(const char *path)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		struct job j;

		job_open(&j);
		_exit(-fs_lock(&j, path, &fd));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void test_lock(void **state)
{
	struct place *p = *state;
	char *path = in(p, "lock");
	int fd;

	assert_int_equal(fs_lock(&p->j, path, &fd), 0);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0); /* no hook shall inherit it */
	assert_int_equal(lock_elsewhere(path), E_BUSY);
	close(fd);
	assert_int_equal(lock_elsewhere(path), 0);
	assert_int_equal(fs_lock(&p->j, path, &fd), 0);
	close(fd);
	assert_int_equal(fs_lock(&p->j, in(p, "none/lock"), &fd), E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_and_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_large_and_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_without_a_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_what_is_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_into_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_write_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_replaces_a_link_not_its_target, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename_and_remove, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exists_sees_dangling_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mkdirs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relative_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_is_sorted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_tree_stays_inside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sync_dir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
