/*
 * Goal: stock easyrsa and openssl read the rendered PKI and agree with the
 * ledger about every certificate; the CRL never locks everybody out.
 */
#include <unistd.h>

#include "render_fixture.h"

#define EASYRSA "/usr/share/easy-rsa/easyrsa --pki-dir=$PWD/pki "

enum { DAY = 86400, PERIOD = 30 * DAY };

static struct world w;

static int set_up(void **state)
{
	(void)state;
	world_open(&w);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static const char *serial_of(const char *gateway)
{
	return model_current_certificate(w.model, model_gateway_by_name(w.model, gateway)->device.hex)
	    ->serial.hex;
}

/* openssl's word about a certificate of the ledger. */
static bool is_accepted(const char *serial)
{
	const char *said, *upper = arena_strdup(w.job.arena, serial);
	char *p;

	for (p = (char *)upper; *p; p++)
		*p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
	return world_shell(&w,
		   arena_printf(w.job.arena,
		       "openssl verify -crl_check -CAfile pki/ca.crt "
		       "-CRLfile pki/crl.pem pki/certs_by_serial/%s.pem",
		       upper),
		   &said) == 0;
}

static void test_openssl_agrees(void **state)
{
	const char *good, *superseded, *renewed, *revoked;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "b.example.org", "joe");
	world_add_gateway(&w, "c.example.org", "joe");
	good = serial_of("a.example.org");
	superseded = serial_of("b.example.org");
	revoked = serial_of("c.example.org");
	world_renew(&w, "b.example.org", false);
	renewed = serial_of("b.example.org");
	assert_string_not_equal(superseded, renewed);
	world_delete(&w, CHANGE_GATEWAY_DELETE, "c.example.org");
	assert_true(is_accepted(good));
	assert_true(is_accepted(superseded));
	assert_true(is_accepted(renewed));
	assert_false(is_accepted(revoked));
	world_run(&w,
	    "openssl verify -crl_check -CAfile pki/ca.crt -CRLfile pki/crl.pem "
	    "pki/issued/a.example.org.crt pki/issued/b.example.org.crt pki/issued/vpn.example.org.crt");
	world_run(&w,
	    "openssl x509 -in pki/issued/vpn.example.org.crt -noout -pubkey > pub1 && "
	    "openssl pkey -in pki/private/vpn.example.org.key -pubout > pub2 && cmp pub1 pub2");
}

/* Which file it is, and under how many names. */
static const char *file_of(const char *pattern)
{
	const char *said;

	world_check(&w, world_shell(&w, arena_printf(w.job.arena, "stat -c '%%i %%h' %s", pattern), &said));
	return said;
}

static const char *by_serial(const char *gateway)
{
	return arena_printf(
	    w.job.arena, "pki/certs_by_serial/$(echo %s | tr a-f A-F).pem", serial_of(gateway));
}

/* The newest certificate has two names; those before it keep their own. */
static void test_newest_certificate_is_one_file(void **state)
{
	const char *first, *old, *before;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	first = by_serial("a.example.org");
	before = file_of(first);
	assert_string_equal(file_of("pki/issued/a.example.org.crt"), before);
	assert_non_null(strstr(before, " 2\n"));
	old = world_read(&w, "pki/issued/a.example.org.crt");
	world_renew(&w, "a.example.org", false);
	assert_string_equal(file_of("pki/issued/a.example.org.crt"), file_of(by_serial("a.example.org")));
	assert_non_null(strstr(file_of(first), " 1\n"));
	assert_string_not_equal(world_read(&w, "pki/issued/a.example.org.crt"), old);
	assert_int_equal(unlink(world_path(&w, "pki/issued/a.example.org.crt")), 0);
	world_new_commit(&w);
	world_render_full(&w); /* the other name is live, and stays as it is */
	assert_non_null(strstr(file_of("pki/issued/a.example.org.crt"), " 1\n"));
}

static void test_easyrsa_reads(void **state)
{
	const char *revoked, *said;

	(void)state;
	if (access("/usr/share/easy-rsa/easyrsa", X_OK))
		skip();
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "b.example.org", "joe");
	revoked = serial_of("b.example.org");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "b.example.org");
	assert_says(
	    world_run(&w, EASYRSA "show-cert a.example.org"), "commonName                = a.example.org");
	said = world_run(&w, EASYRSA "show-crl | tr A-F a-f | tr -d :");
	assert_says(said, revoked);
	said = world_run(&w, "EASYRSA_CERT_RENEW=1000 " EASYRSA "show-expire");
	assert_says(said, "CN: a.example.org");
	assert_null(strstr(said, "b.example.org"));
	said = world_run(&w, EASYRSA "show-revoke | tr A-F a-f");
	assert_says(said, revoked);
	/* What easyrsa writes there is no drift, and survives a full render. */
	assert_true(fs_exists(world_path(&w, "pki/safessl-easyrsa.cnf")));
	assert_string_equal(world_drift(&w), "");
	world_render_full(&w);
	assert_true(fs_exists(world_path(&w, "pki/safessl-easyrsa.cnf")));
}

static void test_index(void **state)
{
	const char *index;

	(void)state;
	w.job.now = 1800000000; /* 2027-01-15 */
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	assert_says(world_read(&w, "pki/index.txt"), "Z\t\t");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	index = world_read(&w, "pki/index.txt");
	assert_says(index, "\t270115080000Z,cessationOfOperation\t");
	assert_says(index, "\tunknown\t/CN=a.example.org\n");
	assert_null(strstr(index, "CA G1"));
}

/* Whatever somebody did to the file: found, built anew, newer than the last one. */
static void heals(const char *command)
{
	struct pki_crl before, after;
	struct stat old, new;
	bool renewed;

	world_check(&w, render_read_crl(&w.job, w.render, w.model, &before, NULL));
	world_run(&w, command);
	memset(&old, 0, sizeof(old));
	stat(world_path(&w, "pki/crl.pem"), &old);
	world_check(&w, render_refresh_crl(&w.job, w.render, w.model, &renewed));
	assert_true(renewed);
	world_check(&w, render_read_crl(&w.job, w.render, w.model, &after, NULL));
	assert_int_equal(stat(world_path(&w, "pki/crl.pem"), &new), 0);
	assert_true(new.st_mtim.tv_sec > old.st_mtim.tv_sec);
	assert_int_equal(after.entries, before.entries);
	assert_string_equal(world_drift(&w), "");
}

static void test_bad_crl(void **state)
{
	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_run(&w, "cp pki/crl.pem empty.pem");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	heals("rm pki/crl.pem");
	heals(": > pki/crl.pem");
	heals("head -c 100 empty.pem > pki/crl.pem");
	heals("openssl crl -in empty.pem -outform DER -out pki/crl.pem");
	heals("cp empty.pem pki/crl.pem"); /* of the CA, in time, but it lacks the revoked */
}

static void test_crl_in_time(void **state)
{
	struct pki_crl crl, next;
	bool renewed;

	(void)state;
	world_check(&w, render_read_crl(&w.job, w.render, w.model, &crl, NULL));
	assert_int_equal(crl.next_update, w.job.now + PERIOD);
	w.job.now += PERIOD / 3 - 1;
	world_check(&w, render_refresh_crl(&w.job, w.render, w.model, &renewed));
	assert_false(renewed);
	w.job.now += 1;
	world_check(&w, render_refresh_crl(&w.job, w.render, w.model, &renewed));
	assert_true(renewed);
	world_check(&w, render_read_crl(&w.job, w.render, w.model, &next, NULL));
	assert_int_equal(next.next_update, w.job.now + PERIOD);
	assert_true(next.number > crl.number);
	world_check(&w, render_refresh_crl(&w.job, w.render, w.model, &renewed));
	assert_false(renewed);
	w.job.now += PERIOD;
	assert_string_equal(world_drift(&w), "expired pki/crl.pem\n");
	/* A clock that went back: a CRL from the future refuses everybody. */
	w.job.now -= 3 * PERIOD;
	world_check(&w, render_refresh_crl(&w.job, w.render, w.model, &renewed));
	assert_true(renewed);
	world_check(&w, render_read_crl(&w.job, w.render, w.model, &crl, NULL));
	assert_true(crl.this_update <= w.job.now);
	assert_true(crl.number > next.number);
}

/* What was promoted is known without a look inside; what somebody else wrote is not. */
static void test_crl_of_ours_is_not_read_again(void **state)
{
	struct pki_crl known, read, after;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	world_check(&w, render_read_crl(&w.job, w.render, w.model, &read, NULL));
	world_run(&w,
	    "cp -p pki/crl.pem ours.pem && tr A-Z a-z < ours.pem > pki/crl.pem && "
	    "touch -r ours.pem pki/crl.pem"); /* the same file, by all that stat tells */
	render_look_at_crl(&w.job, w.render, w.model, &known);
	assert_memory_equal(&known, &read, sizeof(read));
	assert_int_equal(known.entries, 1);
	world_run(&w, "touch pki/crl.pem");
	render_look_at_crl(&w.job, w.render, w.model, &after);
	assert_int_equal(after.number, 0);
	world_run(&w, "mv ours.pem pki/crl.pem");
	render_look_at_crl(&w.job, w.render, w.model, &after);
	assert_memory_equal(&after, &read, sizeof(read));
}

/* Neither is what was staged and never promoted. */
static void test_discarded_crl_is_not_known(void **state)
{
	struct pki_crl before, after;
	struct model *fork;
	struct change ch;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	render_look_at_crl(&w.job, w.render, w.model, &before);
	ch = world_change(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	render_discard(w.render);
	model_close(fork);
	render_look_at_crl(&w.job, w.render, w.model, &after);
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(after.entries, 0);
}

static void test_revocation_moves_mtime(void **state)
{
	struct stat old, new;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "b.example.org", "joe");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	assert_int_equal(stat(world_path(&w, "pki/crl.pem"), &old), 0);
	world_delete(&w, CHANGE_GATEWAY_DELETE, "b.example.org"); /* in the same second */
	assert_int_equal(stat(world_path(&w, "pki/crl.pem"), &new), 0);
	assert_true(new.st_mtim.tv_sec > old.st_mtim.tv_sec);
}

/* A promotion that ends half-way has taken access away already. */
static void test_revocation_comes_first(void **state)
{
	struct change ch;
	struct model *fork;
	const char *serial;

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	serial = serial_of("a.example.org");
	assert_true(is_accepted(serial));
	ch = world_change(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_run(&w, "for i in ip firewall; do mv $i $i.away; done");
	assert_int_equal(render_promote(&w.job, w.render), E_IO);
	job_clear(&w.job);
	model_absorb(w.model, fork);
	assert_false(is_accepted(serial));
	assert_false(fs_exists(world_path(&w, "ovpn/clients/a.example.org")));
	assert_non_null(strstr(world_read(&w, "ip.away/routes"), "/60"));
	world_run(&w, "for i in ip firewall; do mv $i.away $i; done");
	world_render_full(&w);
	assert_string_equal(world_drift(&w), "");
}

static void test_server_renewal(void **state)
{
	const char *before = world_read(&w, "pki/private/vpn.example.org.key"),
		   *conf = world_read(&w, "ovpn/server.conf");
	struct change ch = world_change(&w, CHANGE_SERVER_RENEW, "vpn.example.org");

	(void)state;
	w.job.now += 300 * DAY;
	ch.now = w.job.now;
	world_do(&w, &ch);
	assert_string_not_equal(
	    world_read(&w, "ovpn/server.conf"), conf); /* it tells what is read at start */
	assert_string_not_equal(world_read(&w, "pki/private/vpn.example.org.key"), before);
	assert_string_equal(world_drift(&w), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_openssl_agrees, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newest_certificate_is_one_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_easyrsa_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_crl, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crl_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crl_of_ours_is_not_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discarded_crl_is_not_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revocation_moves_mtime, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_revocation_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_server_renewal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
