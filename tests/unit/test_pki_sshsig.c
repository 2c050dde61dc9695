/*
 * Goal: the audit key's signatures are what ssh-keygen takes for its own, its
 * fingerprint is the one that ssh-keygen prints, and of what comes in nothing
 * passes but an Ed25519 signature of namespace "git" over exactly these bytes.
 */
#include "pki_fixture.h"

#define TEXT "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nuser joe: create\n"

static struct pki_ssh_key audit_key(struct fixture *f)
{
	struct pki_ssh_key *keys;
	size_t n;

	assert_int_equal(pki_audit_keys(&f->job, f->pki, &keys, &n), 0);
	assert_int_equal(n, 1);
	return keys[0];
}

static const char *sign(struct fixture *f, const char *text)
{
	struct pki_signer *signer = pki_signer_open(f->pki);
	struct buf armour;

	buf_open(&armour, f->job.arena);
	assert_int_equal(pki_sign_commit(&f->job, signer, text, strlen(text), &armour), 0);
	pki_signer_close(signer);
	return armour.data;
}

static void assert_refused(struct fixture *f, const char *text, const char *armour, const char *words)
{
	struct pki_ssh_key by;

	assert_int_equal(pki_verify_commit(&f->job, text, strlen(text), armour, &by), E_CORRUPT);
	assert_string_equal(f->job.code, "bad_signature");
	assert_says(f->job.message, words);
	job_clear(&f->job);
}

/* Computed from the fixed master key by another program: a key that moves would spoil every history. */
static void test_the_key_never_changes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_string_equal(audit_key(&f).line,
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOhm7H4Z6irbLs8Xg9Yir5hdkGjSCTrC/RAEvNKAPBCN");
	fixture_close(&f);
}

static void test_ssh_keygen_says_good(void **state)
{
	struct fixture f;
	struct pki_ssh_key key;
	const char *said;

	(void)state;
	fixture_open(&f);
	key = audit_key(&f);
	fixture_write(&f, "key.pub", key.line);
	fixture_write(
	    &f, "allowed", arena_printf(f.job.arena, "vpnunit@vpnunit namespaces=\"git\" %s\n", key.line));
	fixture_write(&f, "text", TEXT);
	fixture_write(&f, "text.sig", sign(&f, TEXT));
	assert_int_equal(fixture_shell(&f, "ssh-keygen -l -f key.pub", &said), 0);
	assert_says(said, arena_printf(f.job.arena, "256 %s ", key.fingerprint));
	assert_int_equal(
	    fixture_shell(
		&f, "ssh-keygen -Y verify -f allowed -I vpnunit@vpnunit -n git -s text.sig < text", &said),
	    0);
	assert_says(said,
	    arena_printf(f.job.arena, "Good \"git\" signature for vpnunit@vpnunit with ED25519 key %s",
		key.fingerprint));
	assert_int_not_equal(
	    fixture_shell(&f,
		"echo >> text; ssh-keygen -Y verify -f allowed -I vpnunit@vpnunit -n git -s text.sig < text",
		&said),
	    0);
	fixture_close(&f);
}

/* A signature by ssh-keygen over TEXT; words are more of its arguments. */
static const char *sign_by_keygen(struct fixture *f, const char *type, const char *words)
{
	const char *said;
	struct buf armour;

	fixture_write(f, "text", TEXT);
	if (fixture_shell(f,
		arena_printf(f->job.arena,
		    "rm -f key text.sig; ssh-keygen -q -t %s -N '' -f key && "
		    "ssh-keygen -Y sign -f key %s text",
		    type, words),
		&said))
		fail_msg("%s", said);
	assert_int_equal(fs_read(&f->job, fixture_path(f, "text.sig"), 4096, &armour), 0);
	return armour.data;
}

static void test_ours_and_those_of_ssh_keygen_are_verified(void **state)
{
	struct pki_ssh_key by;
	struct fixture f;
	const char *armour, *said;

	(void)state;
	fixture_open(&f);
	assert_int_equal(pki_verify_commit(&f.job, TEXT, strlen(TEXT), sign(&f, TEXT), &by), 0);
	assert_string_equal(by.fingerprint, audit_key(&f).fingerprint);
	armour = sign_by_keygen(&f, "ed25519", "-n git");
	assert_int_equal(pki_verify_commit(&f.job, TEXT, strlen(TEXT), armour, &by), 0);
	assert_int_equal(fixture_shell(&f, "ssh-keygen -l -f key.pub", &said), 0);
	assert_says(said, by.fingerprint);
	fixture_close(&f);
}

static void test_other_kinds_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_refused(&f, TEXT, sign_by_keygen(&f, "ed25519", "-n file"), "namespace");
	assert_refused(&f, TEXT, sign_by_keygen(&f, "ed25519", "-n git -O hashalg=sha256"), "hash");
	assert_refused(&f, TEXT, sign_by_keygen(&f, "ecdsa", "-n git"), "key is not ssh-ed25519");
	assert_refused(&f, TEXT "x", sign(&f, TEXT), "changed after it was signed");
	fixture_close(&f);
}

/* Decode, change, encode: by the shell, so that our own encoder isn't its judge. */
static const char *bend(struct fixture *f, const char *edit)
{
	const char *said;

	fixture_write(f, "sig", sign(f, TEXT));
	if (fixture_shell(f,
		arena_printf(f->job.arena,
		    "sed '/SIGNATURE/d' sig | base64 -d > raw && { %s; } > bent && "
		    "echo '-----BEGIN SSH SIGNATURE-----' && base64 -w 70 bent && echo '-----END SSH SIGNATURE-----'",
		    edit),
		&said))
		fail_msg("%s", said);
	return said;
}

static void test_bent_bytes_are_refused(void **state)
{
	struct fixture f;
	struct pki_ssh_key by;
	const char *straight;

	(void)state;
	fixture_open(&f);
	straight = bend(&f, "cat raw");
	assert_int_equal(pki_verify_commit(&f.job, TEXT, strlen(TEXT), straight, &by), 0);
	assert_refused(&f, TEXT, bend(&f, "cat raw; printf x"), "behind its end");
	assert_refused(&f, TEXT, bend(&f, "head -c -1 raw"), "it is not by");
	assert_refused(&f, TEXT, bend(&f, "printf sshsig; tail -c +7 raw"), "begin with SSHSIG");
	assert_refused(&f, TEXT, bend(&f, "head -c 9 raw; printf '\\002'; tail -c +11 raw"), "version");
	assert_refused(
	    &f, TEXT, bend(&f, "head -c 108 raw; printf '\\001'; tail -c +110 raw"), "it is not by");
	assert_refused(
	    &f, TEXT, bend(&f, "head -c 40 raw; printf '\\252\\252'; tail -c +43 raw"), "of something else");
	fixture_close(&f);
}

static void test_broken_armour_is_refused(void **state)
{
	static const char *const broken[] = { "", "\n", "-----BEGIN SSH SIGNATURE-----\n",
		"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\nAAAA-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\nAA=A\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\nA===\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\nAAA\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\n====\n-----END SSH SIGNATURE-----",
		"-----BEGIN SSH SIGNATURE-----\nAAAA\r\n-----END SSH SIGNATURE-----",
		"-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----" };
	struct fixture f;
	const char *good;
	size_t i, len;

	(void)state;
	fixture_open(&f);
	for (i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		assert_refused(&f, TEXT, broken[i], "none of ours");
	good = sign(&f, TEXT);
	len = strlen(good);
	for (i = 0; i < len; i++)
		assert_refused(&f, TEXT, arena_strndup(f.job.arena, good, i), "none of ours");
	assert_refused(&f, TEXT, arena_printf(f.job.arena, "%s\n\n", good), "none of ours");
	assert_refused(&f, TEXT, arena_printf(f.job.arena, " %s", good), "none of ours");
	fixture_close(&f);
}

static void test_a_new_generation_signs_and_the_old_one_is_known(void **state)
{
	struct pki_ssh_key old, *keys, by;
	struct pki_signer *signer;
	struct fixture f;
	struct buf armour;
	struct pki *p;
	size_t n;

	(void)state;
	fixture_open(&f);
	old = audit_key(&f);
	fixture_write(&f, "two.key",
	    "1 " FIXTURE_KEY "\n2 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n");
	assert_int_equal(pki_open(&f.job, fixture_path(&f, "two.key"), &p), 0);
	assert_int_equal(pki_audit_keys(&f.job, p, &keys, &n), 0);
	assert_int_equal(n, 2);
	assert_string_not_equal(keys[0].line, old.line);
	assert_string_equal(keys[1].line, old.line);
	buf_open(&armour, f.job.arena);
	signer = pki_signer_open(p);
	assert_int_equal(pki_sign_commit(&f.job, signer, TEXT, strlen(TEXT), &armour), 0);
	pki_signer_close(signer);
	assert_int_equal(pki_verify_commit(&f.job, TEXT, strlen(TEXT), armour.data, &by), 0);
	assert_string_equal(by.line, keys[0].line);
	pki_close(p);
	fixture_close(&f);
}

static void test_a_signer_signs_many_and_rests(void **state)
{
	static const char *const texts[] = { TEXT, "another", TEXT, "another" };
	struct pki_signer *signer;
	struct pki_ssh_key by;
	struct buf armour[4];
	struct fixture f;
	size_t i;

	(void)state;
	fixture_open(&f);
	signer = pki_signer_open(f.pki);
	for (i = 0; i < 4; i++) {
		buf_open(&armour[i], f.job.arena);
		assert_int_equal(pki_sign_commit(&f.job, signer, texts[i], strlen(texts[i]), &armour[i]), 0);
		assert_int_equal(
		    pki_verify_commit(&f.job, texts[i], strlen(texts[i]), armour[i].data, &by), 0);
		assert_string_equal(by.line, audit_key(&f).line);
		if (i == 1)
			pki_signer_rest(signer);
	}
	assert_string_equal(armour[2].data, armour[0].data);
	assert_string_equal(armour[3].data, armour[1].data);
	pki_signer_close(signer);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_key_never_changes),
		cmocka_unit_test(test_ssh_keygen_says_good),
		cmocka_unit_test(test_ours_and_those_of_ssh_keygen_are_verified),
		cmocka_unit_test(test_other_kinds_are_refused),
		cmocka_unit_test(test_bent_bytes_are_refused),
		cmocka_unit_test(test_broken_armour_is_refused),
		cmocka_unit_test(test_a_new_generation_signs_and_the_old_one_is_known),
		cmocka_unit_test(test_a_signer_signs_many_and_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
