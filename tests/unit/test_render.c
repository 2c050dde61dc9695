/*
 * Goal: after every change the rendered files are what a full render of the
 * same model would write, byte for byte, and the files are the real thing.
 */
#include <dirent.h>
#include <unistd.h>

#include "render_fixture.h"

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

static bool has(const char *name)
{
	return fs_exists(world_path(&w, name));
}

static const char *configuration(void)
{
	char *digest = arena_alloc(w.job.arena, DIGEST_HEX);

	world_check(&w, render_server_digest(&w.job, w.model, digest));
	return digest;
}

static void test_first_render(void **state)
{
	const char *commit;

	(void)state;
	assert_string_equal(world_drift(&w), "");
	world_check(&w, render_commit(&w.job, w.render, &commit));
	assert_string_equal(commit, w.commit);
	assert_string_equal(world_read(&w, "ip/routes"), "unreachable 2001:db8::/48 metric 4096\n");
	assert_says(world_read(&w, "ovpn/server.conf"), "ifconfig-ipv6 2001:db8::1/64 2001:db8::2\n");
	assert_string_equal(world_read(&w, "pki/private/ca.key"), "");
	assert_says(world_read(&w, "ovpn/server.conf"),
	    arena_printf(w.job.arena, "\necho vpnunit-config %s\n", configuration()));
}

static void test_gateway_comes_and_goes(void **state)
{
	const char *before = configuration();

	(void)state;
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	assert_string_equal(world_read(&w, "ovpn/clients/a.example.org"),
	    "# a.example.org, 2001:db8:0:300::/60\n"
	    "ifconfig-ipv6-push 2001:db8:0:300::1/64 2001:db8::1\n"
	    "iroute-ipv6 2001:db8:0:300::/60\n");
	assert_string_equal(world_read(&w, "ip/routes"),
	    "unreachable 2001:db8::/48 metric 4096\n"
	    "2001:db8:0:300::/60 dev tun-vpn metric 1024\n");
	assert_true(has("pki/issued/a.example.org.crt"));
	assert_string_equal(world_drift(&w), "");

	world_enable(&w, CHANGE_GATEWAY_PATCH, "a.example.org", false);
	assert_false(has("ovpn/clients/a.example.org"));
	assert_null(strstr(world_read(&w, "ip/routes"), "/60"));
	assert_true(has("pki/issued/a.example.org.crt"));
	assert_string_equal(world_drift(&w), "");

	world_enable(&w, CHANGE_GATEWAY_PATCH, "a.example.org", true);
	world_enable(&w, CHANGE_USER_PATCH, "joe", false);
	assert_false(has("ovpn/clients/a.example.org"));
	assert_string_equal(world_drift(&w), "");
	world_enable(&w, CHANGE_USER_PATCH, "joe", true);
	assert_true(has("ovpn/clients/a.example.org"));

	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	assert_false(has("ovpn/clients/a.example.org"));
	assert_false(has("pki/issued/a.example.org.crt"));
	assert_string_equal(world_drift(&w), "");
	assert_string_equal(configuration(), before);
}

static void add_some(void)
{
	world_add_user(&w, "joe");
	world_add_user(&w, "eve");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "b.example.org", "joe");
	world_add_gateway(&w, "c.example.org", "eve");
}

/* One step of a history: whatever it finds. */
static void random_step(void)
{
	static const char *const users[] = { "joe", "eve", "bob" };
	static const char *const names[] = { "a.example.org", "b.example.org", "c.example.org", "d" };
	const char *user = users[rand() % 3], *name = names[rand() % 4];
	bool has_user = model_user_by_name(w.model, user), has_name = model_gateway_by_name(w.model, name);

	w.job.now += rand() % 1000;
	switch (rand() % 8) {
	case 0:
		if (!has_user)
			world_add_user(&w, user);
		break;
	case 1:
	case 2:
		if (has_user && !has_name)
			world_add_gateway(&w, name, user);
		break;
	case 3:
		if (has_user)
			world_enable(&w, CHANGE_USER_PATCH, user, rand() % 2);
		break;
	case 4:
		if (has_name)
			world_enable(&w, CHANGE_GATEWAY_PATCH, name, rand() % 2);
		break;
	case 5:
		if (has_name)
			world_delete(&w, CHANGE_GATEWAY_DELETE, name);
		break;
	case 6:
		if (has_name)
			world_renew(&w, name, rand() % 2);
		break;
	case 7:
		if (has_user && rand() % 4 == 0)
			world_delete(&w, CHANGE_USER_DELETE, user);
		break;
	}
}

static void test_incremental_equals_full(void **state)
{
	struct render *other = NULL;
	const char *drift;
	int i;

	(void)state;
	srand(20261123);
	add_some();
	for (i = 0; i < 60; i++) {
		random_step();
		drift = world_drift(&w);
		if (*drift)
			fail_msg("after step %d: %s", i, drift);
	}
	world_check(
	    &w, render_open(&w.job, arena_printf(w.job.arena, "%s/other", w.dir), (gid_t)-1, w.pki, &other));
	world_check(&w, render_stage(&w.job, other, w.model, w.commit));
	world_check(&w, render_promote(&w.job, other));
	render_close(other);
	world_run(&w, "diff -r -x crl.pem -x 'database*' . ../other");
}

/* A batch: names and ids change hands within one fork. */
static void test_batch(void **state)
{
	struct change moves[3];
	struct model *fork, *next;
	size_t i;

	(void)state;
	add_some();
	moves[0] = world_change(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	moves[1] = world_change(&w, CHANGE_GATEWAY_CREATE, "a.example.org");
	moves[1].user = "eve";
	moves[2] = world_change(&w, CHANGE_USER_PATCH, "joe");
	moves[2].new_name = "jim";
	fork = model_fork(w.model);
	for (i = 0; i < 3; i++) {
		struct plan *plan;

		next = model_fork(fork);
		world_check(&w, change_plan(&w.job, next, &moves[i], &plan));
		world_check(&w, pki_issue(&w.job, w.pki, next, plan, NULL));
		world_put_plan(&w, next, plan);
		model_absorb(fork, next);
	}
	world_new_commit(&w);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_check(&w, render_promote(&w.job, w.render));
	model_absorb(w.model, fork);
	assert_string_equal(world_drift(&w), "");
	assert_says(world_read(&w, "ovpn/clients/a.example.org"), "2001:db8:0:410::/60");
}

/* Until it is promoted, or when it is discarded, a stage has changed nothing. */
static void test_stage_changes_nothing(void **state)
{
	struct change ch;
	struct model *fork;
	const char *before, *commit;

	(void)state;
	add_some();
	before = world_run(&w,
	    "find . -path ./staging -prune -o -path ./database\\* -prune -o -type f -print0 | "
	    "sort -z | xargs -0 sha256sum");
	ch = world_change(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_run(&w, "ls staging | grep .");
	assert_string_equal(before,
	    world_run(&w,
		"find . -path ./staging -prune -o -path ./database\\* -prune -o "
		"-type f -print0 | sort -z | xargs -0 sha256sum"));
	render_discard(w.render);
	model_close(fork);
	world_run(&w, "! ls staging | grep .");
	snprintf(w.commit, sizeof(w.commit), "%040x", w.commits - 1);
	world_check(&w, render_commit(&w.job, w.render, &commit));
	assert_string_equal(commit, w.commit);
	assert_string_equal(world_drift(&w), "");
}

static void test_drift(void **state)
{
	(void)state;
	add_some();
	world_write(&w, "ip/routes", "");
	world_write(&w, "ovpn/clients/stranger", "");
	world_run(&w,
	    "rm pki/issued/a.example.org.crt && mkdir pki/issued/x && touch pki/issued/x/y && "
	    "ln -s /etc pki/link && chmod 0644 ovpn/clients/b.example.org && "
	    "sqlite3 database.sqlite3 'DELETE FROM gateways WHERE id = 0'");
	assert_string_equal(world_drift(&w),
	    "changed database.sqlite3, table gateways\n"
	    "changed ip/routes\n"
	    "changed ovpn/clients/b.example.org\n"
	    "foreign ovpn/clients/stranger\n"
	    "foreign pki/issued/x\n"
	    "foreign pki/link\n"
	    "missing pki/issued/a.example.org.crt\n");
	world_render_full(&w);
	assert_string_equal(world_drift(&w), "");
	assert_true(fs_exists("/etc/passwd"));
}

/* A process that ends between staging and promotion leaves nothing that a later one trips over. */
static void test_stale_staging(void **state)
{
	(void)state;
	render_close(w.render);
	world_run(&w, "touch staging/0 staging/1 && mkdir -p staging/dry/pki");
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	assert_false(has("staging/0"));
	add_some();
	assert_string_equal(world_drift(&w), "");
}

/* A promotion that fails half-way: the next stage trusts nothing that is there. */
static void test_failed_promotion(void **state)
{
	struct change ch;
	struct model *fork;

	(void)state;
	world_add_user(&w, "joe");
	ch = world_change(&w, CHANGE_GATEWAY_CREATE, "a.example.org");
	ch.user = "joe";
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_run(&w, "mv ip ip.away");
	assert_int_equal(render_promote(&w.job, w.render), E_IO);
	job_clear(&w.job);
	model_absorb(w.model, fork);
	world_run(&w, "mv ip.away ip");
	world_add_gateway(&w, "b.example.org", "joe");
	assert_string_equal(world_drift(&w), "");
}

/* Empty folders are filled aside and take their names whole; where one can't, a link here, its files do. */
static void test_empty_folders(void **state)
{
	struct stat old, st;

	(void)state;
	add_some();
	world_run(&w,
	    "rm ovpn/clients/* pki/certs_by_serial/* && mv pki/issued ../elsewhere && rm ../elsewhere/* && "
	    "ln -s ../../elsewhere pki/issued && rm ip/routes && touch ip/other");
	assert_int_equal(stat(world_path(&w, "ovpn/clients"), &old), 0);
	world_render_full(&w);
	assert_int_equal(stat(world_path(&w, "ovpn/clients"), &st), 0);
	assert_int_not_equal(st.st_ino, old.st_ino);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(lstat(world_path(&w, "pki/issued"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_true(has("../elsewhere/a.example.org.crt"));
	assert_true(has("ip/routes"));
	assert_false(has("ip/other"));
	assert_string_equal(world_drift(&w), "");
}

static void test_permissions(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	render_close(w.render);
	world_check(&w, render_open(&w.job, w.data, 65534, w.pki, &w.render));
	world_render_full(&w);
	assert_int_equal(stat(world_path(&w, "pki/private/vpn.example.org.key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_gid, 65534);
	assert_int_equal(stat(world_path(&w, "ovpn/clients"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_gid, 65534);
	assert_int_equal(stat(world_path(&w, "run"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
	assert_int_equal(stat(world_path(&w, "database.sqlite3"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(w.data, &st), 0);
	assert_int_equal(st.st_gid, 65534);
	assert_says(world_read(&w, "state.json"), "\"user\": \"nogroup\"");
}

/* What OpenVPN would refuse is found before anything live has changed. */
static void test_openvpn_refuses(void **state)
{
	const char *conf = world_read(&w, "ovpn/server.conf"), *before = configuration();
	struct model *fork = model_fork(w.model);
	struct server s = *model_server(w.model);
	const char *extra = "push \"route-ipv6 2001:db8:1::/48"; /* its quote is open */
	struct buf text;

	(void)state;
	if (access("/usr/sbin/openvpn", X_OK))
		skip();
	s.extra = &extra;
	s.extra_n = 1;
	buf_open(&text, w.job.arena);
	model_encode_server(&text, &s);
	world_put(&w, fork, "servers/main.json", text.data);
	assert_int_equal(render_stage(&w.job, w.render, fork, world_new_commit(&w)), E_INVALID);
	assert_string_equal(w.job.code, "openvpn_refuses");
	assert_says(w.job.message, "Options error:");
	job_clear(&w.job);
	model_close(fork);
	assert_string_equal(world_read(&w, "ovpn/server.conf"), conf);
	world_run(&w, "! ls staging | grep .");

	extra = "keepalive 20 90";
	fork = model_fork(w.model);
	buf_open(&text, w.job.arena);
	model_encode_server(&text, &s);
	world_put(&w, fork, "servers/main.json", text.data);
	world_check(&w, render_stage(&w.job, w.render, fork, world_new_commit(&w)));
	world_check(&w, render_promote(&w.job, w.render));
	assert_null(w.job.warnings);
	model_absorb(w.model, fork);
	assert_string_not_equal(configuration(), before);
	assert_says(world_read(&w, "ovpn/server.conf"), "\nkeepalive 20 90\n");
	assert_string_equal(world_drift(&w), "");
}

static void test_openvpn_reads(void **state)
{
	const char *said;

	(void)state;
	if (access("/usr/sbin/openvpn", X_OK))
		skip();
	said = world_run(&w, "/usr/sbin/openvpn --cd . --config ovpn/server.conf --show-ciphers");
	assert_says(said, "AES-256-GCM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_render, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gateway_comes_and_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_incremental_equals_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stage_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_drift, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale_staging, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failed_promotion, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_folders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_permissions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_openvpn_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_openvpn_reads, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
