/*
 * Goal: reads, differences and history agree with stock git's, and cost what
 * differs, not what there is.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

/* "path=bytes;" for each visited file, "path-;" for a removed one. */
static int collect(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	(void)j;
	if (bytes)
		buf_printf(context, "%s=%.*s;", path, (int)len, bytes);
	else
		buf_printf(context, "%s-;", path);
	return 0;
}

static const char *diff(struct fixture *f, const struct oid *from, const struct oid *to)
{
	struct buf b;

	buf_open(&b, f->j.arena);
	if (state_diff(&f->j, f->s, from, to, collect, &b))
		fail_msg("diff: %s", f->j.message);
	return b.data;
}

static struct oid first_state(struct fixture *f)
{
	struct plan *p = new_plan(f, "first");
	struct oid c;

	put(f, p, "format", "1");
	put(f, p, "users/1/f/user.json", "u");
	put(f, p, "users/1/f/gateways/3.json", "g");
	put(f, p, "users/1-x", "x");
	put(f, p, "users/1.x", "y");
	c = stage(f, &none, p);
	publish(f, &none, &c);
	return c;
}

static void test_read(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = first_state(f);
	struct buf b;

	assert_int_equal(state_read(&f->j, f->s, &c, "users/1/f/user.json", &b), 0);
	assert_string_equal(b.data, "u");
	assert_int_equal(state_read(&f->j, f->s, &c, "users/1/f", &b), E_NOT_FOUND);
	job_clear(&f->j);
	assert_int_equal(state_read(&f->j, f->s, &c, "users/1/0/user.json", &b), E_NOT_FOUND);
	job_clear(&f->j);
	assert_int_equal(state_read(&f->j, f->s, &none, "format", &b), E_NOT_FOUND);
}

static void test_walk_is_in_order_of_paths(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = first_state(f);

	assert_string_equal(diff(f, &none, &c),
	    "format=1;users/1-x=x;users/1.x=y;users/1/f/gateways/3.json=g;users/1/f/user.json=u;");
	assert_string_equal(diff(f, &c, &c), "");
}

static void test_diff(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), b;
	struct plan *p = new_plan(f, "second");

	put(f, p, "users/1/f/gateways/3.json", NULL);
	put(f, p, "users/1/f/user.json", NULL);
	put(f, p, "users/2/0/user.json", "v");
	put(f, p, "users/1.x", "z");
	b = stage(f, &a, p);
	/* A commit that is only staged is as good as any: render reads it before the publish. */
	assert_string_equal(diff(f, &a, &b),
	    "users/1.x=z;users/1/f/gateways/3.json-;users/1/f/user.json-;users/2/0/user.json=v;");
	assert_string_equal(diff(f, &b, &a),
	    "users/1.x=y;users/1/f/gateways/3.json=g;users/1/f/user.json=u;users/2/0/user.json-;");
}

static void test_diff_where_a_file_became_a_folder(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "a", "1"), b, c;

	b = commit_file(f, &a, "a", NULL);
	c = commit_file(f, &b, "a/b", "2");
	assert_string_equal(diff(f, &a, &c), "a-;a/b=2;");
	assert_string_equal(diff(f, &c, &a), "a=1;a/b-;");
}

static int collect_both(struct job *j, void *context, const struct state_change *c)
{
	(void)j;
	buf_printf(context, "%s: %.*s>%.*s;", c->path, (int)c->before.len,
	    c->before.bytes ? c->before.bytes : "", (int)c->after.len, c->after.bytes ? c->after.bytes : "");
	return 0;
}

static const char *changes(struct fixture *f, struct state *s, const struct oid *from, const struct oid *to)
{
	struct buf b;

	buf_open(&b, f->j.arena);
	if (state_changes(&f->j, s, from, to, collect_both, &b))
		fail_msg("changes: %s", f->j.message);
	return b.data;
}

/* Of the commit that was staged last the changes are known: they are what another handle, which is not told, finds. */
static void test_what_was_staged_last_is_known(void **arg)
{
	static const char *const names[] = { "a", "b.json", "b/1", "b/c.json", "b/c/2", "b-", "d/e/f" };
	enum { NAMES = sizeof(names) / sizeof(names[0]), ROUNDS = 40 };
	struct fixture *f = *arg;
	struct oid last = none, next;
	bool is_there[NAMES] = { false };
	unsigned seed = 1848;
	int i, k;

	for (i = 0; i < ROUNDS; i++, last = next) {
		struct plan *p = new_plan(f, "some");
		struct state *other;
		const char *known;

		for (k = 0; k < NAMES; k++) {
			int dice = rand_r(&seed) % 4;

			if (dice == 0 || (dice == 1 && !is_there[k]))
				continue;
			is_there[k] = dice != 1;
			put(f, p, names[k],
			    dice == 1 ? NULL : arena_printf(f->j.arena, "%d", rand_r(&seed) % 3));
		}
		next = stage(f, &last, p);
		known = changes(f, f->s, &last, &next);
		publish(f, &last, &next);
		assert_int_equal(state_open(&f->j, f->path, &other), 0);
		assert_string_equal(known, changes(f, other, &last, &next));
		assert_string_equal(known, changes(f, f->s, &last, &next));
		assert_string_equal(changes(f, f->s, &none, &next), changes(f, other, &none, &next));
		state_close(other);
	}
}

static int stop(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	(void)path, (void)bytes, (void)len;
	++*(int *)context;
	return job_fail(j, E_INVALID, "stop", "enough");
}

static void test_a_visitor_can_end_the_walk(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = first_state(f);
	int n = 0;

	assert_int_equal(state_diff(&f->j, f->s, &none, &c, stop, &n), E_INVALID);
	assert_int_equal(n, 1);
}

static void test_a_link_is_refused_by_name(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = { { 0 } };
	struct buf b;
	const char *line = shell(f, 0,
	    "cd %s && b=$(printf /etc/shadow | git hash-object -w --stdin) &&"
	    " t=$(printf '120000 blob %%s\\tlink\\n' $b | git mktree) &&"
	    " git -c user.name=x -c user.email=x commit-tree -m x $t",
	    f->path);

	memcpy(c.hex, line, OID_HEX - 1);
	buf_open(&b, f->j.arena);
	assert_int_equal(state_diff(&f->j, f->s, &none, &c, collect, &b), E_CORRUPT);
	assert_non_null(strstr(f->j.message, "link"));
	assert_non_null(strstr(f->j.message, c.hex));
}

/* Take one object away from the repository. */
static void lose(struct fixture *f, const char *name)
{
	shell(f, 0,
	    "cd %s && mkdir x && mv objects/pack/* x/ &&"
	    " for p in x/*.pack; do git unpack-objects -q <$p; done &&"
	    " o=$(git rev-parse %s | sed 's,..,&/,') && rm -f objects/$o",
	    f->path, name);
	state_close(f->s);
	assert_int_equal(state_open(&f->j, f->path, &f->s), 0);
}

static void test_a_missing_object_is_corruption(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = first_state(f);
	struct buf b;

	lose(f, "main:users/1/f/user.json");
	buf_open(&b, f->j.arena);
	assert_int_equal(state_diff(&f->j, f->s, &none, &c, collect, &b), E_CORRUPT);
	assert_non_null(strstr(f->j.message, "users/1/f/user.json"));
}

static void test_diff_opens_only_what_differs(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), b = commit_file(f, &a, "format", "2");

	/* With the folder users/ gone from the disk, a difference that does not touch it still works. */
	lose(f, "main:users");
	assert_string_equal(diff(f, &a, &b), "format=2;");
}

static void test_last_change(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), b = commit_file(f, &a, "users/1/f/user.json", "w");
	struct oid c = commit_file(f, &b, "users/1/f/gateways/3.json", NULL);
	struct oid d = commit_file(f, &c, "format", "2");
	struct state_entry e;

	assert_int_equal(state_last_change(&f->j, f->s, &d, "users/1/f/user.json", &e), 0);
	assert_string_equal(e.commit.hex, b.hex);
	assert_string_equal(e.actor, "admin");
	assert_string_equal(e.subject, "write users/1/f/user.json");
	assert_int_equal(e.time, 1700000000);
	assert_int_equal(state_last_change(&f->j, f->s, &d, "users/1/f/gateways/3.json", &e), 0);
	assert_string_equal(e.commit.hex, c.hex);
	assert_int_equal(state_last_change(&f->j, f->s, &b, "users/1/f/gateways/3.json", &e), 0);
	assert_string_equal(e.commit.hex, a.hex);
	assert_int_equal(state_last_change(&f->j, f->s, &d, "users/1/f", &e), 0);
	assert_string_equal(e.commit.hex, c.hex);
	assert_int_equal(state_last_change(&f->j, f->s, &d, "users/1-x/y", &e), E_NOT_FOUND);
	job_clear(&f->j);
	assert_int_equal(state_last_change(&f->j, f->s, &d, "nobody", &e), E_NOT_FOUND);
}

/* The change came in by a merge: the commit that made it is the answer, as `git log -1 -- path` says. */
static void test_last_change_through_a_merge(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), b = commit_file(f, &a, "format", "2"), merge = { { 0 } },
		   side = { { 0 } };
	struct plan *p = new_plan(f, "side");
	struct state_entry e;
	const char *line;

	put(f, p, "users/1.x", "side");
	side = stage(f, &a, p);
	publish(f, &b, &side);
	line = shell(f, 0,
	    "cd %s && b=%s s=%s && t=$(git merge-tree --write-tree $b $s) &&"
	    " git -c user.name=x -c user.email=x commit-tree -m merge -p $b -p $s $t",
	    f->path, b.hex, side.hex);
	memcpy(merge.hex, line, OID_HEX - 1);
	assert_int_equal(state_last_change(&f->j, f->s, &merge, "users/1.x", &e), 0);
	assert_string_equal(e.commit.hex, side.hex);
	assert_int_equal(state_last_change(&f->j, f->s, &merge, "format", &e), 0);
	assert_string_equal(e.commit.hex, b.hex);
}

static void test_is_ancestor(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), b = commit_file(f, &a, "format", "2");
	bool yes = false;

	assert_int_equal(state_is_ancestor(&f->j, f->s, &a, &b, &yes), 0);
	assert_true(yes);
	assert_int_equal(state_is_ancestor(&f->j, f->s, &b, &b, &yes), 0);
	assert_true(yes);
	assert_int_equal(state_is_ancestor(&f->j, f->s, &b, &a, &yes), 0);
	assert_false(yes);
	assert_int_equal(state_is_ancestor(&f->j, f->s, &none, &b, &yes), E_NOT_FOUND);
}

static void test_is_commit(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = first_state(f), tree = { { 0 } },
		   ghost = { "0123456789012345678901234567890123456789" };

	memcpy(tree.hex, git(f, "rev-parse main^{tree}"), OID_HEX - 1);
	assert_true(state_is_commit(f->s, &a));
	assert_false(state_is_commit(f->s, &tree));
	assert_false(state_is_commit(f->s, &ghost));
	assert_false(state_is_commit(f->s, &none));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_walk_is_in_order_of_paths),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_diff_where_a_file_became_a_folder),
		cmocka_unit_test(test_what_was_staged_last_is_known),
		cmocka_unit_test(test_a_visitor_can_end_the_walk),
		cmocka_unit_test(test_a_link_is_refused_by_name),
		cmocka_unit_test(test_a_missing_object_is_corruption),
		cmocka_unit_test(test_diff_opens_only_what_differs),
		cmocka_unit_test(test_last_change),
		cmocka_unit_test(test_last_change_through_a_merge),
		cmocka_unit_test(test_is_ancestor),
		cmocka_unit_test(test_is_commit),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
