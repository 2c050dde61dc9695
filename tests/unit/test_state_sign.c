/*
 * Goal: each commit is signed over exactly the bytes that stock git verifies,
 * also those of a batch; what is read back is what was signed; a signer that
 * fails leaves nothing staged; fsck tells a sound repository from a broken one.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

struct signer {
	char seen[4096]; /* the last commit that it signed */
	bool is_broken;
};

/* In the form of a signature, so that git takes it for one. */
static int sign(struct job *j, void *context, const char *bytes, size_t len, struct buf *signature)
{
	struct signer *s = context;

	if (s->is_broken)
		return job_fail(j, E_IO, "crypto_failed", "no signature today");
	assert_true(len < sizeof(s->seen));
	memcpy(s->seen, bytes, len);
	s->seen[len] = '\0';
	buf_puts(signature, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----");
	return 0;
}

static struct signer signer;

static void test_the_header_is_as_git_writes_it(void **arg)
{
	struct fixture *f = *arg;
	struct state_signature read;
	struct oid c;

	signer = (struct signer){ .is_broken = false };
	state_set_signer(f->s, sign, &signer);
	c = commit_file(f, &none, "format", "1\n");
	assert_string_equal(git(f, "cat-file commit main | sed -n '/^gpgsig/,/^$/p'"),
	    "gpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n\n");
	assert_string_equal(git(f, "cat-file commit main | sed '/^gpgsig/,/^ -----END/d'"), signer.seen);
	assert_int_equal(state_read_signature(&f->j, f->s, &c, &read), 0);
	assert_string_equal(
	    read.armour, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n");
	assert_int_equal(read.len, strlen(signer.seen));
	assert_string_equal(read.bytes, signer.seen);
	assert_sound(f);
}

static void test_a_batch_is_signed(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first"), *q = new_plan(f, "second");
	struct oid a, b;

	state_set_signer(f->s, sign, &signer);
	put(f, p, "format", "1\n");
	put(f, q, "format", "2\n");
	a = stage(f, &none, p);
	b = stage(f, &a, q);
	publish(f, &none, &b);
	assert_string_equal(shell(f, 0,
				"for c in $(git --git-dir=%s rev-list main); do git --git-dir=%s cat-file "
				"commit $c | grep -c ^gpgsig; done",
				f->path, f->path),
	    "1\n1\n");
	assert_sound(f);
}

static void test_without_a_signer_there_is_none(void **arg)
{
	struct fixture *f = *arg;
	struct oid c = commit_file(f, &none, "format", "1\n");
	struct state_signature read;

	assert_int_equal(state_read_signature(&f->j, f->s, &c, &read), 0);
	assert_null(read.armour);
	memset(c.hex, 'a', OID_HEX - 1);
	assert_int_not_equal(state_read_signature(&f->j, f->s, &c, &read), 0);
}

static void test_a_failing_signer_leaves_nothing(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n"), b;
	struct plan *p = new_plan(f, "second");

	signer.is_broken = true;
	state_set_signer(f->s, sign, &signer);
	put(f, p, "format", "2\n");
	assert_int_equal(state_stage(&f->j, f->s, &a, p, &b), E_IO);
	job_clear(&f->j);
	signer.is_broken = false;
	b = stage(f, &a, p);
	publish(f, &a, &b);
	assert_string_equal(git(f, "rev-list --count main"), "2\n");
	assert_sound(f);
}

static void test_a_commit_says_its_range_and_parents(void **arg)
{
	struct fixture *f = *arg;
	struct oid a = commit_file(f, &none, "format", "1\n");
	struct state_commit c;

	assert_int_equal(state_read_commit(&f->j, f->s, &a, &c), 0);
	assert_int_equal(c.parents_n, 0);
	assert_string_equal(c.accepts, "");
	shell(f, 0,
	    "cd %s && export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a && "
	    "git update-ref refs/heads/main "
	    "$(printf 'x\\n\\nAccepts: a..b\\n' | git commit-tree -p main 'main^{tree}')",
	    f->path);
	a = head(f);
	assert_int_equal(state_read_commit(&f->j, f->s, &a, &c), 0);
	assert_int_equal(c.parents_n, 1);
	assert_string_equal(c.accepts, "a..b");
}

static void test_fsck_finds_what_is_missing(void **arg)
{
	struct fixture *f = *arg;
	const char *words;

	commit_file(f, &none, "format", "1\n");
	assert_int_equal(state_fsck(&f->j, f->s, &words), 0);
	assert_null(words);
	shell(f, 0,
	    "cd %s && for p in objects/pack/*.pack; do mv $p keep && git unpack-objects -q < keep; done && "
	    "rm objects/pack/* && rm -f $(git rev-parse main:format | sed 's,^..,objects/&/,')",
	    f->path);
	assert_int_equal(state_fsck(&f->j, f->s, &words), 0);
	assert_non_null(words);
	assert_non_null(strstr(words, "missing blob"));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_header_is_as_git_writes_it),
		cmocka_unit_test(test_a_batch_is_signed),
		cmocka_unit_test(test_without_a_signer_there_is_none),
		cmocka_unit_test(test_a_failing_signer_leaves_nothing),
		cmocka_unit_test(test_a_commit_says_its_range_and_parents),
		cmocka_unit_test(test_fsck_finds_what_is_missing),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(*tests));
}
