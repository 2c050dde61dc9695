/*
 * Goal: the database never stands in the way: whatever is damaged, missing or
 * of another version is rendered anew, and readers never see half a commit.
 */
#include "render_fixture.h"

static struct world w;

static int set_up(void **state)
{
	(void)state;
	world_open(&w);
	world_add_user(&w, "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void reopen(void)
{
	render_close(w.render);
	w.render = NULL;
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
}

static const char *rendered(void)
{
	const char *commit;

	world_check(&w, render_commit(&w.job, w.render, &commit));
	return commit;
}

static const char *sql(const char *text)
{
	return world_run(&w, arena_printf(w.job.arena, "sqlite3 database.sqlite3 \"%s\"", text));
}

static void test_survives(void **state)
{
	(void)state;
	reopen();
	assert_string_equal(rendered(), w.commit);
	assert_string_equal(world_drift(&w), "");
	assert_string_equal(sql("PRAGMA journal_mode"), "wal\n");
	assert_string_equal(
	    sql("SELECT name, hex, prefix, enabled FROM users"), "joe|03|2001:db8:0:300::/56|1\n");
	assert_string_equal(sql("SELECT name, hex, address, inbound, routes, allow FROM gateways"),
	    "a.example.org|0|2001:db8:0:300::1|deny|prefix|[]\n");
	assert_string_equal(sql("SELECT path FROM documents"), "network.json\nservers/main.json\n");
}

static void test_ledger(void **state)
{
	(void)state;
	world_renew(&w, "a.example.org", false);
	assert_string_equal(sql("SELECT until IS NOT NULL, revoked_at IS NOT NULL FROM certificates "
				"WHERE kind = 'gateway' ORDER BY 1"),
	    "0|0\n1|0\n");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	assert_string_equal(
	    sql("SELECT reason FROM certificates WHERE kind = 'gateway' AND revoked_at IS NOT NULL"),
	    "cessationOfOperation\ncessationOfOperation\n");
}

/* Each damage is found when the folder is opened; all is rendered anew and the old file kept. */
static void repairs(const char *command, bool keeps)
{
	world_run(&w, "rm -f database.sqlite3.damaged*");
	render_close(w.render);
	w.render = NULL;
	world_run(&w, command);
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	assert_string_equal(rendered(), "");
	assert_int_equal(fs_exists(world_path(&w, "database.sqlite3.damaged")), keeps);
	world_render_full(&w);
	assert_string_equal(rendered(), w.commit);
	assert_string_equal(world_drift(&w), "");
}

static void test_damage(void **state)
{
	(void)state;
	repairs("rm database.sqlite3*", false);
	repairs("echo 'this is no database at all, but it is long enough' > database.sqlite3", true);
	repairs(": > database.sqlite3", false);
	repairs("dd if=/dev/zero of=database.sqlite3 bs=4096 seek=2 count=3 conv=notrunc 2>&1", true);
	repairs("sqlite3 database.sqlite3 \"UPDATE meta SET value = 'older' WHERE key = 'writer'\"", false);
}

/* With a base to build on, but not on the disk: an incremental stage renders everything. */
static void test_incremental_on_nothing(void **state)
{
	(void)state;
	render_close(w.render);
	world_run(&w, "rm -r database.sqlite3* ip ovpn");
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	world_add_gateway(&w, "b.example.org", "joe");
	assert_string_equal(world_drift(&w), "");
}

/* Damage that shows only in the middle of a stage. */
static void test_damage_while_running(void **state)
{
	(void)state;
	world_run(&w, "sqlite3 database.sqlite3 'PRAGMA wal_checkpoint(TRUNCATE)'");
	world_run(&w, "dd if=/dev/urandom of=database.sqlite3 bs=4096 seek=1 count=9 conv=notrunc 2>&1");
	world_run(&w, "sqlite3 database.sqlite3 'PRAGMA user_version = 7'"); /* so that caches are dropped */
	world_add_gateway(&w, "b.example.org", "joe");
	assert_string_equal(world_drift(&w), "");
	assert_string_equal(rendered(), w.commit);
	assert_true(fs_exists(world_path(&w, "database.sqlite3.damaged")));
}

/* A reader during a stage sees the old commit, and is not in its way. */
static void test_readers_are_not_blocked(void **state)
{
	struct change ch = world_change(&w, CHANGE_GATEWAY_CREATE, "b.example.org");
	const char *before = arena_strdup(w.job.arena, w.commit);
	struct model *fork;

	(void)state;
	ch.user = "joe";
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	assert_says(sql("SELECT value, (SELECT count(*) FROM gateways) FROM meta WHERE key = 'commit'"),
	    arena_printf(w.job.arena, "%s|1\n", before));
	world_check(&w, render_promote(&w.job, w.render));
	assert_says(sql("SELECT value, (SELECT count(*) FROM gateways) FROM meta WHERE key = 'commit'"),
	    arena_printf(w.job.arena, "%s|2\n", w.commit));
	model_absorb(w.model, fork);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_survives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_incremental_on_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage_while_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readers_are_not_blocked, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
