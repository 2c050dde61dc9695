/*
 * Goal: commits are listed as git lists them, read whatever wrote them, and
 * differ as git says they do.
 */
#include "state_fixture.h"

static const struct oid none;

static void test_entry(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "user joe: create");
	struct state_commit c;
	struct oid a, b;

	p->reason = "he \"asked\" for it: nicely";
	put(f, p, "a", "1\n");
	a = stage(f, &none, p);
	b = stage(f, &a, p); /* staged ones can be read, too */
	assert_int_equal(state_read_commit(&f->j, f->s, &b, &c), 0);
	assert_string_equal(c.id.hex, b.hex);
	assert_string_equal(c.parent.hex, a.hex);
	assert_string_equal(c.actor, "admin");
	assert_string_equal(c.subject, "user joe: create");
	assert_string_equal(c.change, "test.change");
	assert_string_equal(c.reason, "he \"asked\" for it: nicely");
	assert_int_equal(c.time, 1700000000);
	assert_int_equal(state_read_commit(&f->j, f->s, &a, &c), 0);
	assert_string_equal(c.parent.hex, "");
}

static struct oid foreign(struct fixture *f, const char *author, const char *message)
{
	const char *hex = shell(f, 0,
	    "cd %s && printf 'tree %%s\nauthor %s <x> 1 +0000\ncommitter x <x> 1 +0000\n\n%s' $(git mktree </dev/null) | "
	    "git hash-object -t commit -w --stdin",
	    f->path, author, message);
	struct oid out;

	memcpy(out.hex, hex, OID_HEX - 1);
	out.hex[OID_HEX - 1] = '\0';
	return out;
}

static void check_text(struct fixture *f, const char *written, const char *read)
{
	struct oid id = foreign(f, written, written);
	struct state_commit c;

	assert_int_equal(state_read_commit(&f->j, f->s, &id, &c), 0);
	assert_string_equal(c.actor, read);
	assert_string_equal(c.subject, read);
	assert_string_equal(c.change, "");
}

/* Made elsewhere, in any encoding: what comes out is UTF-8. */
static void test_foreign(void **arg)
{
	struct fixture *f = *arg;
	struct state_commit c;
	struct oid id;

	check_text(f, "J\\303\\266rg \\360\\237\\220\\261", "J\303\266rg \360\237\220\261");
	check_text(f, "J\\366rg", "J?rg");
	check_text(f, "a\\300\\200b\\355\\240\\200c\\364\\220\\200\\200d", "a??b???c????d");
	check_text(f, "cut\\342\\202", "cut??");
	id = foreign(f, "x", "subject\\n\\nChange: in the text\\n\\nlast\\n\\nReason: one\\nother: two\\n");
	assert_int_equal(state_read_commit(&f->j, f->s, &id, &c), 0);
	assert_string_equal(c.change, "");
	assert_string_equal(c.reason, "one");
}

static void test_list(void **arg)
{
	struct fixture *f = *arg;
	struct oid at = none, second = none, *list;
	struct buf text;
	size_t n, i;

	for (i = 0; i < 70; i++) {
		at = commit_file(f, &at, "a", arena_printf(f->j.arena, "%zu\n", i));
		if (i == 1)
			second = at;
	}
	assert_int_equal(state_list_commits(&f->j, f->s, &none, &at, &list, &n), 0);
	assert_int_equal(n, 70);
	buf_open(&text, f->j.arena);
	for (i = 0; i < n; i++)
		buf_printf(&text, "%s\n", list[i].hex);
	assert_string_equal(text.data, git(f, "rev-list --reverse main"));
	assert_int_equal(state_list_commits(&f->j, f->s, &second, &at, &list, &n), 0);
	assert_int_equal(n, 68);
	assert_int_equal(state_list_commits(&f->j, f->s, &at, &at, &list, &n), 0);
	assert_int_equal(n, 0);
}

static int note(struct job *j, void *context, const struct state_change *c)
{
	(void)j;
	buf_printf(context, "%s: %.*s>%.*s;", c->path, c->before.bytes ? (int)c->before.len : 1,
	    c->before.bytes ? c->before.bytes : "-", c->after.bytes ? (int)c->after.len : 1,
	    c->after.bytes ? c->after.bytes : "-");
	return 0;
}

static void test_changes(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "x");
	struct oid a, b;
	struct buf seen;

	put(f, p, "users/1/a", "old");
	put(f, p, "users/1/b", "same");
	put(f, p, "users/2/c", "gone");
	a = stage(f, &none, p);
	p = new_plan(f, "y");
	put(f, p, "users/1/a", "new");
	put(f, p, "users/2/c", NULL);
	put(f, p, "users/3/d", "");
	b = stage(f, &a, p);
	buf_open(&seen, f->j.arena);
	assert_int_equal(state_changes(&f->j, f->s, &a, &b, note, &seen), 0);
	assert_string_equal(seen.data, "users/1/a: old>new;users/2/c: gone>-;users/3/d: ->;");
	buf_open(&seen, f->j.arena);
	assert_int_equal(state_files(&f->j, f->s, &b, "users/1", note, &seen), 0);
	assert_string_equal(seen.data, "users/1/a: ->new;users/1/b: ->same;");
	buf_open(&seen, f->j.arena);
	assert_int_equal(state_files(&f->j, f->s, &b, "users/2", note, &seen), 0);
	assert_int_equal(state_files(&f->j, f->s, &b, "users/1/a", note, &seen), 0);
	assert_string_equal(seen.data, "");
}

static const char *diff(struct fixture *f, const char *before, const char *after)
{
	const struct state_text a = { before, before ? strlen(before) : 0 },
				b = { after, after ? strlen(after) : 0 };
	struct buf out;

	assert_int_equal(state_diff_text(&f->j, "ip/routes", &a, &b, &out), 0);
	return out.data;
}

static void test_text(void **arg)
{
	struct fixture *f = *arg;
	const char *text = diff(f, "one\ntwo\nthree\n", "one\n2\nthree\n");

	assert_non_null(
	    strstr(text, "--- a/ip/routes\n+++ b/ip/routes\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"));
	assert_non_null(
	    strstr(diff(f, NULL, "new\n"), "--- /dev/null\n+++ b/ip/routes\n@@ -0,0 +1 @@\n+new\n"));
	assert_non_null(
	    strstr(diff(f, "old", NULL), "--- a/ip/routes\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"));
	assert_string_equal(diff(f, "same\n", "same\n"), "");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_text),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(*tests));
}
