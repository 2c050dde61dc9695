/*
 * Goal: a preview is what a change then does to the disk, and touches none of
 * it; and whatever somebody once committed, the index of the history takes it.
 */
#include <sqlite3.h>

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

/* Every file below DATA but SQLite's, with its content. */
static const char *fingerprint(void)
{
	return world_run(
	    &w, "find . -type f ! -name 'database*' -exec sha256sum {} + | sort -k2; ls staging");
}

static void assert_is_on_disk(const char *path, const char *bytes)
{
	const char *live = world_read(&w, path);

	if (bytes)
		assert_string_equal(live, bytes);
	else
		assert_null(live);
}

/* What the preview of a change says, before and after the change is made. */
static void check_change(const struct change *ch, const char *wanted)
{
	char *old = arena_strdup(w.job.arena, w.commit);
	struct model *fork = world_plan(&w, ch);
	const char *before = fingerprint();
	struct render_preview preview;
	struct buf paths;
	size_t i;

	buf_open(&paths, w.job.arena);
	world_check(&w, render_preview(&w.job, w.render, fork, old, w.commit, &preview));
	assert_string_equal(fingerprint(), before);
	for (i = 0; i < preview.n; i++) {
		buf_printf(&paths, "%s ", preview.files[i].path);
		assert_is_on_disk(preview.files[i].path, preview.files[i].before);
	}
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_check(&w, render_promote(&w.job, w.render));
	for (i = 0; i < preview.n; i++)
		assert_is_on_disk(preview.files[i].path, preview.files[i].after);
	model_absorb(w.model, fork);
	assert_string_equal(paths.data, wanted);
}

static void test_preview(void **state)
{
	struct change patch = world_change(&w, CHANGE_USER_PATCH, "joe");
	struct change rename = world_change(&w, CHANGE_USER_PATCH, "joe");
	struct change delete = world_change(&w, CHANGE_GATEWAY_DELETE, "a.example.org");

	(void)state;
	rename.new_name = "jane";
	check_change(&rename, "state.json ");
	patch.name = "jane";
	patch.has_enabled = true;
	check_change(&patch, "firewall/nftables.conf ip/routes ovpn/clients/a.example.org state.json ");
	check_change(&delete, "pki/index.txt pki/issued/a.example.org.crt state.json ");
}

/* New settings: everything is looked at, and what is secret stays out. */
static void test_preview_of_settings(void **state)
{
	struct model *fork = model_fork(w.model);
	struct network n = *model_network(w.model);
	struct render_preview preview;
	struct buf text;

	(void)state;
	n.policy.max_clients = 7;
	buf_open(&text, w.job.arena);
	model_encode_network(&text, &n);
	world_check(&w, model_put(&w.job, fork, "network.json", text.data, text.len));
	world_check(&w, render_preview(&w.job, w.render, fork, w.commit, w.commit, &preview));
	assert_int_equal(preview.n, 1);
	assert_string_equal(preview.files[0].path, "ovpn/server.conf");
	assert_says(preview.files[0].after, "\nmax-clients 7\n");
	model_close(fork);
}

static void test_preview_of_all(void **state)
{
	struct render_preview preview;
	size_t i;

	(void)state;
	world_check(&w, render_preview(&w.job, w.render, w.model, "", w.commit, &preview));
	assert_true(preview.n > 10);
	for (i = 0; i < preview.n; i++) {
		assert_null(preview.files[i].before);
		assert_is_on_disk(preview.files[i].path, preview.files[i].after);
		assert_null(strstr(preview.files[i].path, "private/"));
		assert_null(strstr(preview.files[i].path, "tls-crypt"));
		assert_null(strstr(preview.files[i].path, "crl.pem"));
	}
}

static const char *ask(const char *sql)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	struct buf b;

	buf_open(&b, w.job.arena);
	assert_int_equal(sqlite3_open(world_path(&w, "database.sqlite3"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		buf_printf(&b, "%s ", sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return b.data;
}

static struct render_change file(const char *path, const char *before, const char *after)
{
	return (struct render_change){ .path = path,
		.before = before,
		.before_len = before ? strlen(before) : 0,
		.after = after,
		.after_len = after ? strlen(after) : 0 };
}

static void add(const struct render_change *files, size_t n)
{
	struct render_commit c = { .id = world_new_commit(&w),
		.time = w.job.now,
		.actor = "x",
		.subject = "y",
		.change = "",
		.reason = "",
		.plan = *model_network(w.model),
		.files = files,
		.files_n = n };

	world_check(&w, render_add_commits(&w.job, w.render, &c, 1));
	assert_string_equal(render_indexed(w.render), w.commit);
}

#define JOE "{\"name\":\"joe\",\"created\":\"2026-01-01T00:00:00Z\",\"enabled\":true}"
#define JANE "{\"name\":\"jane\",\"created\":\"2026-01-01T00:00:00Z\",\"enabled\":true}"
#define OTHER_JOE "{\"name\":\"joe\",\"created\":\"2026-01-02T00:00:00Z\",\"enabled\":true}"
#define GATEWAY "{\"name\":\"g\",\"device\":\"00000000000000000000000000000001\"}"
#define SERIAL "400000000000000000000000000000ab"
#define CERTIFICATE "{\"kind\":\"gateway\",\"name\":\"g\",\"device\":\"00000000000000000000000000000001\"}"

static void test_nonsense(void **state)
{
	const struct render_change files[] = {
		file("users/.json", NULL, JOE),
		file("users/x/y/user.json", NULL, JOE),
		file("users/0/3/user.json/4.json", NULL, JOE),
		file("users/0/3/4/5/6/7/8/9/a/b/user.json", NULL, JOE),
		file("users/0/3/gateways/zz.json", NULL, GATEWAY),
		file("users/gateways/3.json", NULL, GATEWAY),
		file("users/0/4/user.json", NULL, "no JSON"),
		file("users/0/5/user.json", NULL, "[\"name\"]"),
		file("users/0/6/user.json", NULL, "{\"name\":{}}"),
		file("users/0/7/user.json", NULL, "{\"name\":\"../../etc\"}"),
		file("users/0/8/README", NULL, ""),
		file("README.md", NULL, "hello"),
		file("ledger", NULL, ""),
		file("ledger/certificates/x.json", NULL, CERTIFICATE),
		file(
		    "ledger/certificates/a/0123456789012345678901234567890123456789.json", NULL, CERTIFICATE),
		file("ledger/revocations/2026-01/0/0/0/" SERIAL ".json", NULL, "{}"),
	};

	(void)state;
	add(files, sizeof(files) / sizeof(*files));
	assert_string_equal(ask("SELECT count(*) FROM commits"), "1 ");
	assert_string_equal(ask("SELECT count(*) FROM touched"), "0 ");
	assert_string_equal(ask("SELECT count(*) FROM tenures"), "0 ");
}

static void test_tenures(void **state)
{
	struct render_change born[] = { file("users/0/3/gateways/1.json", NULL, GATEWAY),
		file("users/0/3/user.json", NULL, JOE),
		file("ledger/certificates/2026-01/0/0/0/" SERIAL ".json", NULL, CERTIFICATE) };
	struct render_change renamed[] = { file("users/0/3/user.json", JOE, JANE) };
	struct render_change replaced[] = { file("users/0/3/user.json", JANE, OTHER_JOE) };
	struct render_change revoked[] = { file(
	    "ledger/revocations/2026-01/0/0/0/" SERIAL ".json", NULL, "{}") };
	struct render_change gone[] = { file("users/0/3/gateways/1.json", GATEWAY, NULL),
		file("users/0/3/user.json", OTHER_JOE, NULL) };

	(void)state;
	add(born, 3);
	add(renamed, 1);
	add(revoked, 1);
	add(replaced, 1);
	add(gone, 2);
	assert_string_equal(ask("SELECT name || since || '-' || until FROM tenures ORDER BY gateway, since"),
	    "joe1-2 jane2-4 joe4-5 g1-5 ");
	assert_string_equal(ask("SELECT seq FROM touched WHERE object = 'gateway:g'"), "1 3 5 ");
	assert_string_equal(ask("SELECT object FROM touched WHERE seq = 3 ORDER BY object"),
	    "gateway:g owner:jane prefix:2001:db8:0:310::/60 within:2001:db8:0:300::/56 ");
	assert_string_equal(
	    ask("SELECT object FROM touched WHERE seq = 5 AND object LIKE 'owner:%'"), "owner:joe ");
}

/* A transaction that is given up takes its commits with it. */
static void test_discard(void **state)
{
	struct change ch = world_change(&w, CHANGE_USER_CREATE, "eve");
	struct model *fork = world_plan(&w, &ch);
	struct render_commit c = { .id = w.commit, .actor = "x", .subject = "y", .change = "", .reason = "" };

	(void)state;
	c.plan = *model_network(w.model);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_check(&w, render_add_commits(&w.job, w.render, &c, 1));
	assert_string_equal(render_indexed(w.render), "");
	render_discard(w.render);
	assert_string_equal(render_indexed(w.render), "");
	assert_string_equal(ask("SELECT count(*) FROM commits"), "0 ");
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_check(&w, render_add_commits(&w.job, w.render, &c, 1));
	world_check(&w, render_promote(&w.job, w.render));
	assert_string_equal(render_indexed(w.render), w.commit);
	model_absorb(w.model, fork);
	world_check(&w, render_forget_index(&w.job, w.render));
	assert_string_equal(render_indexed(w.render), "");
	assert_string_equal(ask("SELECT count(*) FROM commits"), "0 ");
}

/* The order of the history stands where a clock went back. */
static void test_clock(void **state)
{
	(void)state;
	w.job.now = 1000;
	add(NULL, 0);
	w.job.now = 3000;
	add(NULL, 0);
	w.job.now = 2000;
	add(NULL, 0);
	assert_string_equal(
	    ask("SELECT time || ':' || reached FROM commits ORDER BY seq"), "1000:1000 3000:3000 2000:3000 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_preview, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_preview_of_settings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_preview_of_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tenures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
