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
	repairs("sqlite3 database.sqlite3 \"UPDATE meta SET value = 'older' WHERE key = 'writer'\"", false);
}

/* What the rows don't hold. */
static void put_settings(struct model *m)
{
	struct buf network, server;

	world_put(&w, m, "format", "1\n");
	buf_open(&network, w.job.arena);
	model_encode_network(&network, model_network(w.model));
	world_put(&w, m, "network.json", network.data);
	buf_open(&server, w.job.arena);
	model_encode_server(&server, model_server(w.model));
	world_put(&w, m, "servers/main.json", server.data);
}

/* Where the damage is behind the first pages, reading tells, or the next look. */
static void test_hidden_damage(void **state)
{
	struct model *m = model_open();

	(void)state;
	render_close(w.render);
	w.render = NULL;
	world_run(&w,
	    "dd if=/dev/zero of=database.sqlite3 bs=4096 count=1 conv=notrunc seek=$(($(sqlite3 database.sqlite3 "
	    "\"SELECT rootpage FROM sqlite_master WHERE name = 'certificates'\") - 1)) 2>&1");
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	assert_string_equal(world_drift(&w), "bad database.sqlite3\n");
	put_settings(m);
	assert_int_equal(render_load_model(&w.job, w.render, m), E_IO);
	model_close(m);
	job_clear(&w.job);
	assert_string_equal(rendered(), "");
	world_render_full(&w);
	assert_true(fs_exists(world_path(&w, "database.sqlite3.damaged")));
	assert_string_equal(rendered(), w.commit);
	assert_string_equal(world_drift(&w), "");
}

/* A model from rows is the model that they were written from. */
static void test_load(void **state)
{
	struct allow openings[] = { { .proto = "tcp", .port_low = 22, .port_high = 22 },
		{ .proto = "udp", .port_low = 1, .port_high = 9, .from = FROM_USER, .from_user = "joe" } };
	struct change ch = world_change(&w, CHANGE_GATEWAY_PATCH, "b.example.org");
	struct model *m = model_open();
	enum entity_kind kind;

	(void)state;
	world_add_gateway(&w, "b.example.org", "joe");
	ch.has_allow = true;
	ch.allow = openings;
	ch.allow_n = 2;
	world_do(&w, &ch);
	world_renew(&w, "b.example.org", false);
	world_delete(&w, CHANGE_GATEWAY_DELETE, "a.example.org");
	put_settings(m);
	world_check(&w, render_load_model(&w.job, w.render, m));
	for (kind = ENTITY_USER; kind <= ENTITY_ADOPTION; kind++) {
		const struct entity **a = model_all(w.job.arena, w.model, kind);
		const struct entity **b = model_all(w.job.arena, m, kind);

		for (; *a && *b; a++, b++) {
			assert_string_equal((*a)->path, (*b)->path);
			assert_string_equal((*a)->blob, (*b)->blob);
		}
		assert_true(!*a && !*b);
	}
	world_check(&w, model_check(&w.job, m));
	world_check(&w, render_stage(&w.job, w.render, m, w.commit));
	world_check(&w, render_promote(&w.job, w.render));
	assert_string_equal(world_drift(&w), "");
	model_close(w.model);
	w.model = m;
	assert_string_equal(world_drift(&w), "");
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

static off_t size_of(const char *name)
{
	struct stat st;

	return stat(world_path(&w, name), &st) == 0 ? st.st_size : 0;
}

/* Five hundred commits more in the index of the history, in one transaction. */
static void add_commits(unsigned first)
{
	enum { N = 500 };
	struct render_commit *list = arena_alloc(w.job.arena, N * sizeof(*list));
	unsigned i;

	for (i = 0; i < N; i++)
		list[i] = (struct render_commit){ .id = arena_printf(w.job.arena, "%040x", first + i),
			.time = w.job.now,
			.actor = "tester",
			.subject = "one of many",
			.change = "user.patch",
			.reason = arena_printf(w.job.arena, "%0200u", first + i) };
	world_check(&w, render_add_commits(&w.job, w.render, list, N));
}

/* The log goes to the database every 16 MiB, behind the commits: it begins anew long before it has held all. */
static void test_the_log_stays_small(void **state)
{
	enum { MIB = 1024 * 1024, LOTS = 200 };
	off_t largest = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < LOTS; i++) {
		off_t size;

		add_commits(1000 + i * 500);
		size = size_of("database.sqlite3-wal");
		largest = size > largest ? size : largest;
	}
	assert_in_range(largest, 15 * MIB, 24 * MIB);
	assert_in_range(size_of("database.sqlite3"), 24 * MIB, 200 * MIB);
	world_add_gateway(&w, "b.example.org", "joe");
	assert_string_equal(world_drift(&w), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_survives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hidden_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_incremental_on_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damage_while_running, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readers_are_not_blocked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_log_stays_small, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
