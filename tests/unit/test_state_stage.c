/*
 * Goal: a plan becomes the tree and the commit that it says, in memory only,
 * as stock git sees it: exact paths and bytes, no empty folder, a readable
 * author, subject and trailers; what is wrong is refused and leaves no trace.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

static const char *files_at(struct fixture *f, const struct oid *c)
{
	return git(f, arena_printf(f->j.arena, "ls-tree -r --name-only %s", c->hex));
}

static void test_nothing_is_on_disk_before_publish(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first");
	struct oid c;

	put(f, p, "users/1/f/user.json", "{}\n");
	c = stage(f, &none, p);
	assert_string_equal(shell(f, 0, "cd %s && find objects refs -type f", f->path), "");
	assert_string_equal(head(f).hex, "");
	assert_true(state_is_commit(f->s, &c));
	publish(f, &none, &c);
	assert_string_equal(head(f).hex, c.hex);
	assert_string_equal(git(f, "cat-file -p main:users/1/f/user.json"), "{}\n");
	assert_sound(f);
}

static void test_only_touched_paths_change(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first"), *q = new_plan(f, "second");
	struct oid a, b;

	/* '-' and '.' sort around '/': neighbours that a careless grouping tears apart. */
	put(f, p, "a/b.json", "1");
	put(f, p, "a-b/x", "2");
	put(f, p, "a.b", "3");
	put(f, p, "a/b/c", "4");
	put(f, p, "a0", "5");
	a = stage(f, &none, p);
	put(f, q, "a/b/d", "6");
	put(f, q, "a0", "7");
	put(f, q, "a-b/x", NULL);
	put(f, q, "a-b/y", "8");
	b = stage(f, &a, q);
	publish(f, &none, &b);
	assert_string_equal(files_at(f, &a), "a-b/x\na.b\na/b.json\na/b/c\na0\n");
	assert_string_equal(files_at(f, &b), "a-b/y\na.b\na/b.json\na/b/c\na/b/d\na0\n");
	assert_string_equal(git(f, "show main:a0"), "7");
	assert_string_equal(git(f, "show main:a/b/c"), "4");
	assert_string_equal(git(f, "show main:a/b/d"), "6");
	assert_sound(f);
}

/* Whatever comes and goes: entries stay in git's order, and none is lost. */
static void test_neighbours_come_and_go(void **arg)
{
	static const char *const names[] = { "a!", "a!b/c", "a-", "a.", "a/a", "a/a-", "a/a.b/c", "a/a0",
		"a/b/1", "a/b/2", "a0", "b-b", "b/a", "b0", "c/d/e/f",
		"\xc3\xa4" }; /* in the order of bytes */
	enum { NAMES = sizeof(names) / sizeof(names[0]), ROUNDS = 40 };
	struct fixture *f = *arg;
	bool is_there[NAMES] = { false };
	struct oid tip = none, published = none;
	unsigned seed = 4711;
	size_t i, k;

	for (i = 0; i < ROUNDS; i++) {
		struct plan *p = new_plan(f, "some");
		struct buf want;

		buf_open(&want, f->j.arena);
		for (k = 0; k < NAMES; k++) {
			if (rand_r(&seed) % 3 == 0) {
				put(f, p, names[k], is_there[k] ? NULL : arena_printf(f->j.arena, "%zu", i));
				is_there[k] = !is_there[k];
			}
			if (is_there[k])
				buf_printf(&want, "%s\n", names[k]);
		}
		tip = stage(f, &tip, p);
		if (i % 3) /* on what is staged, and on what is packed */
			continue;
		publish(f, &published, &tip);
		published = tip;
		assert_string_equal(git(f, "-c core.quotePath=false ls-tree -r --name-only main"), want.data);
	}
	assert_sound(f);
}

static void test_an_empty_folder_disappears(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "users/1/f/gateways/3.json", "{}\n");
	struct oid b = commit_file(f, &a, "format", "1\n");
	struct oid c = commit_file(f, &b, "users/1/f/gateways/3.json", NULL);
	struct oid d;

	assert_string_equal(git(f, "ls-tree -r -t --name-only main"), "format\n");
	d = commit_file(f, &c, "format", NULL);
	assert_string_equal(git(f, "ls-tree -r -t --name-only main"), "");
	commit_file(f, &d, "format", "1\n");
	assert_sound(f);
}

static void test_a_batch_is_one_pack(void **arg)
{
	struct fixture *f = *arg;
	struct oid tip = commit_file(f, &none, "format", "1\n"), first = tip;
	int i;

	for (i = 0; i < 16; i++) {
		struct plan *p = new_plan(f, arena_printf(f->j.arena, "change %d", i));

		put(f, p, arena_printf(f->j.arena, "users/0/%x/user.json", i), "{\"n\": 1}\n");
		tip = stage(f, &tip, p);
	}
	assert_string_equal(head(f).hex, first.hex);
	publish(f, &first, &tip);
	assert_string_equal(shell(f, 0, "ls %s/objects/pack/*.pack | wc -l", f->path), "2\n");
	assert_string_equal(git(f, "rev-list --count main"), "17\n");
	assert_string_equal(git(f, "log -1 --format=%s main -- users/0/7/user.json"), "change 7\n");
	assert_sound(f);
	shell(f, 0, "cd %s && git clone -q state.git clone && test -f clone/users/0/f/user.json", f->dir);
}

static void test_a_commit_reads_well(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "gateway a.example.org: create for joe, 2001:db8:0:300::/60");
	struct oid c;

	p->actor = "token:admin";
	p->request_id = "0123-abcd";
	p->reason = "the old one\nChange: forged\r\n\nwas lost ";
	put(f, p, "format", "1\n");
	c = stage(f, &none, p);
	publish(f, &none, &c);
	assert_string_equal(git(f, "log -1 --format='%an|%ae|%cn|%ce|%ad|%cd|%s' --date=raw"),
	    "token:admin|token-admin@vpnunit|vpnunit|vpnunit@vpnunit|1700000000 +0000|1700000000 +0000|"
	    "gateway a.example.org: create for joe, 2001:db8:0:300::/60\n");
	assert_string_equal(git(f, "log -1 --format=%B | git interpret-trailers --parse"),
	    "Change: test.change\nRequest-Id: 0123-abcd\nReason: the old one Change: forged   was lost\n");
	assert_sound(f);
}

static void test_empty_trailers_are_left_out(void **arg)
{
	struct fixture *f = *arg;

	commit_file(f, &none, "format", "1\n");
	assert_string_equal(git(f, "log -1 --format=%B"), "write format\n\nChange: test.change\n\n");
}

static void test_any_actor_is_a_valid_author(void **arg)
{
	static const char *const actors[] = { "", "...", "a <b> c\n", "<>", "\xc3\xa4rger", "\"'", "x@y" };
	struct fixture *f = *arg;
	struct oid tip = none, c;
	size_t i;

	for (i = 0; i < sizeof(actors) / sizeof(actors[0]); i++) {
		struct plan *p = new_plan(f, "s");

		p->actor = actors[i];
		put(f, p, "format", actors[i]);
		c = stage(f, &tip, p);
		publish(f, &tip, &c);
		tip = c;
	}
	assert_string_equal(git(f, "log --format='%an %ae' --reverse"),
	    "unknown unknown@vpnunit\nunknown unknown@vpnunit\na -b- c a--b--c@vpnunit\n-- --@vpnunit\n"
	    "\xc3\xa4rger --rger@vpnunit\nunknown unknown@vpnunit\nx@y x-y@vpnunit\n");
	assert_sound(f);
}

/* Stage one write or deletion on parent: it must be refused and must leave what was staged as it was. */
static void assert_refused(struct fixture *f, const struct oid *parent, const char *path, const char *text)
{
	struct plan *p = new_plan(f, "bad");
	struct oid c;
	int error;

	put(f, p, "zz", "fine");
	put(f, p, path, text);
	error = state_stage(&f->j, f->s, parent, p, &c);
	if (error >= 0)
		fail_msg("\"%s\" was taken", path);
	job_clear(&f->j);
}

static void test_bad_paths_are_refused(void **arg)
{
	static const char *const paths[] = { "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", ".git",
		"a/.git/config", ".GIT", "dir", "file/below" };
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first");
	struct oid a, b;
	char longer[400];
	size_t i;

	put(f, p, "dir/x", "1");
	put(f, p, "file", "1");
	a = stage(f, &none, p);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_refused(f, &a, paths[i], "x");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_refused(f, &a, longer, "x");
	assert_refused(f, &a, "dir", NULL);
	assert_refused(f, &a, "dir/y", NULL);
	assert_refused(f, &a, "missing", NULL);
	assert_refused(f, &a, "missing/x", NULL);
	b = stage(f, &a, new_plan(f, "second"));
	publish(f, &none, &b);
	assert_string_equal(files_at(f, &b), "dir/x\nfile\n");
	/* Nor did the refused ones leave objects: 2 commits, 2 trees, 1 blob. */
	assert_string_equal(git(f, "count-objects -v | grep in-pack"), "in-pack: 5\n");
	assert_sound(f);
}

static void test_file_and_folder_at_once_are_refused(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "both");
	struct oid c;

	put(f, p, "a/b", "1");
	put(f, p, "a", "2");
	assert_int_equal(state_stage(&f->j, f->s, &none, p, &c), E_INVALID);
	assert_string_equal(f->j.code, "bad_plan");
}

static void test_unknown_parent_is_refused(void **arg)
{
	struct fixture *f = *arg;
	struct oid ghost = { "0123456789012345678901234567890123456789" }, bad = { "xyz" }, c;

	assert_int_equal(state_stage(&f->j, f->s, &ghost, new_plan(f, "s"), &c), E_CORRUPT);
	job_clear(&f->j);
	assert_int_equal(state_stage(&f->j, f->s, &bad, new_plan(f, "s"), &c), E_CORRUPT);
}

static void test_discard_forgets_and_goes_on(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), dropped, again;
	struct plan *p = new_plan(f, "change");

	put(f, p, "users/1/f/user.json", "{}\n");
	dropped = stage(f, &a, p);
	state_discard(f->s);
	assert_false(state_is_commit(f->s, &dropped));
	assert_string_equal(head(f).hex, a.hex);
	/* The same once more: nothing of it may be taken for written. */
	again = stage(f, &a, p);
	assert_string_equal(again.hex, dropped.hex);
	publish(f, &a, &again);
	assert_sound(f);
	state_discard(f->s);
	assert_string_equal(head(f).hex, again.hex);
}

static void test_a_file_of_zero_bytes(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = commit_file(f, &none, "empty", "");
	struct buf b;

	assert_int_equal(state_read(&f->j, f->s, &c, "empty", &b), 0);
	assert_int_equal(b.len, 0);
	assert_sound(f);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_on_disk_before_publish),
		cmocka_unit_test(test_only_touched_paths_change),
		cmocka_unit_test(test_neighbours_come_and_go),
		cmocka_unit_test(test_an_empty_folder_disappears),
		cmocka_unit_test(test_a_batch_is_one_pack),
		cmocka_unit_test(test_a_commit_reads_well),
		cmocka_unit_test(test_empty_trailers_are_left_out),
		cmocka_unit_test(test_any_actor_is_a_valid_author),
		cmocka_unit_test(test_bad_paths_are_refused),
		cmocka_unit_test(test_file_and_folder_at_once_are_refused),
		cmocka_unit_test(test_unknown_parent_is_refused),
		cmocka_unit_test(test_discard_forgets_and_goes_on),
		cmocka_unit_test(test_a_file_of_zero_bytes),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
