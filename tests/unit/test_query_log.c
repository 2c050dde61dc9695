/*
 * Goal: a log costs what it returns. Asked of SQLite itself: no statement
 * scans a table or sorts, whichever filter leads.
 */
#include "query/query_int.h"
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

static const char *explain(const struct query_log_filter *f)
{
	const char *sql = arena_printf(w.job.arena, "EXPLAIN QUERY PLAN %s", query_log_sql(f));
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	struct buf b;

	buf_open(&b, w.job.arena);
	assert_int_equal(sqlite3_open(world_path(&w, "database.sqlite3"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		buf_printf(&b, "%s\n", sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return b.data;
}

static void check(const struct query_log_filter *f, const char *index)
{
	const char *plan = explain(f);

	assert_says(plan, index);
	if (strstr(plan, "SCAN") || strstr(plan, "TEMP B-TREE"))
		fail_msg("reads more than it returns:\n%s", plan);
}

static void test_plans(void **state)
{
	(void)state;
	check(&(struct query_log_filter){ .user = "x" },
	    "SEARCH t USING PRIMARY KEY (object=? AND seq>? AND seq<?)");
	check(&(struct query_log_filter){ .gateway = "x" },
	    "SEARCH t USING PRIMARY KEY (object=? AND seq>? AND seq<?)");
	check(&(struct query_log_filter){ .address = "x", .actor = "y" },
	    "SEARCH t USING PRIMARY KEY (object=?");
	check(&(struct query_log_filter){ .actor = "x" },
	    "SEARCH c USING INDEX commits_of_actor (actor=? AND seq>?");
	check(&(struct query_log_filter){ .change = "x" },
	    "SEARCH c USING INDEX commits_of_change (change=? AND seq>?");
	check(&(struct query_log_filter){ .limit = 1 },
	    "SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
}

static void test_prefixes(void **state)
{
	const char *out[TENURE_LENGTHS];
	struct ip_prefix p = { .len = 128 };

	(void)state;
	assert_true(ip_parse_addr("2001:db8:0:317:1::9", &p.addr));
	assert_int_equal(query_prefixes(w.job.arena, &p, out), 16);
	assert_string_equal(out[0], "2001:db8:0:317::/64");
	assert_string_equal(out[1], "2001:db8:0:310::/60");
	assert_string_equal(out[2], "2001:db8:0:300::/56");
	assert_string_equal(out[15], "2000::/4");
	assert_true(ip_parse_prefix("2001:db8::/47", &p));
	assert_int_equal(query_prefixes(w.job.arena, &p, out), 11);
	assert_string_equal(out[0], "2001:db8::/44");
	assert_true(ip_parse_prefix("::/0", &p));
	assert_int_equal(query_prefixes(w.job.arena, &p, out), 0);
}

/* An index that lags answers nothing rather than half of it. */
static void test_building(void **state)
{
	struct render_commit c = { .id = w.commit, .actor = "x", .subject = "y", .change = "", .reason = "" };
	const struct query_log_filter all = { .limit = 9 };
	struct query_entry entry;
	struct query_log log;
	struct query *q = NULL;
	const char *head;

	(void)state;
	world_check(&w, query_open(&w.job, w.data, &q));
	assert_int_equal(query_log(&w.job, q, &all, &log), E_BUSY);
	assert_string_equal(w.job.code, "index_building");
	job_clear(&w.job);
	assert_int_equal(query_commit(&w.job, q, "HEAD", &entry, &head), E_BUSY);
	job_clear(&w.job);
	c.plan = *model_network(w.model);
	world_check(&w, render_add_commits(&w.job, w.render, &c, 1));
	world_check(&w, query_log(&w.job, q, &all, &log));
	assert_int_equal(log.n, 1);
	assert_string_equal(log.rows[0].commit, w.commit);
	world_add_user(&w, "joe"); /* rendered, but not in the index */
	assert_int_equal(query_log(&w.job, q, &all, &log), E_BUSY);
	query_close(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prefixes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_building, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
