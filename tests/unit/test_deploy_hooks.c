/* Hooks: which run, in what order, with what, for how long; and the thread that runs them. */
#include <sys/eventfd.h>

#include "deploy_fixture.h"

static const char c0[] = "0000000000000000000000000000000000000000";
static const char c1[] = "1111111111111111111111111111111111111111";
static const char c2[] = "2222222222222222222222222222222222222222";
static const char c3[] = "3333333333333333333333333333333333333333";

static enum hook_outcome run(struct place *p, int ms, int stop, const char **detail)
{
	const struct hook_run r = {
		.data = p->data, .old_commit = c0, .new_commit = c1, .timeout_ms = ms, .stop_fd = stop
	};

	*detail = "";
	return hooks_run(&p->job, &r, HOOK_KERNEL, detail);
}

static void test_installed(void **state)
{
	struct place *p = *state;
	struct stat st;

	place_hook(p, "an older one");
	assert_int_equal(deploy_install(&p->job, p->data), 0);
	assert_non_null(strstr(place_read(p, "state.git/hooks/post-commit"), "vpnunit-deploy"));
	assert_int_equal(stat(place_path(p, "state.git/hooks/post-commit"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(place_path(p, "state.git/hooks/post-commit.d/mirror.example"), &st), 0);
	assert_int_equal(st.st_mode & 0111, 0);
}

static void test_the_administrators_files_survive(void **state)
{
	struct place *p = *state;

	assert_int_equal(deploy_install(&p->job, p->data), 0);
	place_write(p, "state.git/hooks/post-commit.d/mine", 0755, "mine");
	place_write(p, "state.git/hooks/post-commit.d/mirror.example", 0644, "edited");
	assert_int_equal(deploy_install(&p->job, p->data), 0);
	assert_string_equal(place_read(p, "state.git/hooks/post-commit.d/mine"), "mine");
	assert_string_equal(place_read(p, "state.git/hooks/post-commit.d/mirror.example"), "edited");
}

static void test_which_and_in_what_order(void **state)
{
	static const char *const not [] = { "c~", ".hidden", "#c#", "d.bak", "e.dpkg-old", "f.swp",
		"g.example", "with space", "h.orig" };
	struct place *p = *state;
	char **paths;

	place_hook(p, "true");
	assert_int_equal(fs_mkdirs(&p->job, place_path(p, "state.git/hooks/post-commit.d/folder"), 0755), 0);
	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++)
		place_write(
		    p, arena_printf(p->job.arena, "state.git/hooks/post-commit.d/%s", not [i]), 0755, "");
	place_write(p, "state.git/hooks/post-commit.d/20-b", 0755, "");
	place_write(p, "state.git/hooks/post-commit.d/10-a.sh", 0755, "");
	place_write(p, "state.git/hooks/post-commit.d/15-not-executable", 0644, "");
	assert_int_equal(hooks_list(&p->job, p->data, HOOK_KERNEL, &paths), 0);
	assert_string_equal(paths[0], place_path(p, "state.git/hooks/post-commit"));
	assert_null(paths[1]);
	assert_int_equal(hooks_list(&p->job, p->data, HOOK_OTHERS, &paths), 0);
	assert_string_equal(paths[0], place_path(p, "state.git/hooks/post-commit.d/10-a.sh"));
	assert_string_equal(paths[1], place_path(p, "state.git/hooks/post-commit.d/20-b"));
	assert_null(paths[2]);
}

static void test_what_a_hook_gets(void **state)
{
	struct place *p = *state;
	const char *detail, *seen;
	int null = open("/dev/null", O_RDONLY);

	assert_int_equal(dup2(null, 77), 77);
	setenv("SECRET", "in our environment", 1);
	place_hook(p,
	    "exec >\"$VPNUNIT_DATA/seen\"; env; pwd; echo \"arguments: $#\"; read x || echo no input\n"
	    "[ -e /proc/self/fd/77 ] && echo a descriptor\n[ -x \"$VPNUNIT_BIN\" ] && echo binary; exit 0");
	assert_int_equal(run(p, 5000, -1, &detail), HOOK_DONE);
	seen = place_read(p, "seen");
	assert_non_null(strstr(seen, arena_printf(p->job.arena, "VPNUNIT_DATA=%s\n", p->data)));
	assert_non_null(strstr(seen, arena_printf(p->job.arena, "GIT_DIR=%s/state.git\n", p->data)));
	assert_non_null(strstr(seen, arena_printf(p->job.arena, "\n%s/state.git\n", p->data)));
	assert_non_null(strstr(seen, arena_printf(p->job.arena, "VPNUNIT_OLD=%s\n", c0)));
	assert_non_null(strstr(seen, arena_printf(p->job.arena, "VPNUNIT_NEW=%s\n", c1)));
	assert_non_null(strstr(seen, "arguments: 0\nno input\n"));
	assert_non_null(strstr(seen, "binary\n"));
	assert_null(strstr(seen, "SECRET"));
	assert_null(strstr(seen, "a descriptor"));
	close(77);
	close(null);
}

static void test_outcomes(void **state)
{
	struct place *p = *state;
	const char *detail;

	assert_int_equal(run(p, 5000, -1, &detail), HOOK_DONE); /* there is none */
	place_hook(p, "exit 75");
	assert_int_equal(run(p, 5000, -1, &detail), HOOK_LATER);
	place_hook(p, "echo first; echo no way >&2; exit 7");
	assert_int_equal(run(p, 5000, -1, &detail), HOOK_FAILED);
	assert_string_equal(detail, "the hook post-commit ended with exit code 7: no way");
	place_hook(p, "kill -9 $$");
	assert_int_equal(run(p, 5000, -1, &detail), HOOK_FAILED);
	assert_non_null(strstr(detail, "exit code 137"));
	place_write(p, "state.git/hooks/post-commit", 0755, "#!/no/such/interpreter\n");
	assert_int_equal(run(p, 5000, -1, &detail), HOOK_FAILED);
	assert_non_null(strstr(detail, "post-commit"));
}

static void test_one_failure_does_not_stop_the_next(void **state)
{
	struct place *p = *state;
	const struct hook_run r = {
		.data = p->data, .old_commit = c0, .new_commit = c1, .timeout_ms = 5000, .stop_fd = -1
	};
	const char *detail = "";

	assert_int_equal(fs_mkdirs(&p->job, place_path(p, "state.git/hooks/post-commit.d"), 0755), 0);
	place_write(p, "state.git/hooks/post-commit.d/a", 0755, "#!/bin/sh\nexit 1\n");
	place_write(
	    p, "state.git/hooks/post-commit.d/b", 0755, "#!/bin/sh\ntouch \"$VPNUNIT_DATA/b\"; exit 2\n");
	assert_int_equal(hooks_run(&p->job, &r, HOOK_OTHERS, &detail), HOOK_FAILED);
	assert_string_equal(detail, "the hook a ended with exit code 1");
	assert_true(fs_exists(place_path(p, "b")));
}

/* Gone, or a zombie that waits for whoever inherited it. */
static bool is_dead(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return strstr(line, ") Z") != NULL;
}

static void test_time_is_up_for_the_whole_group(void **state)
{
	struct place *p = *state;
	const char *detail;
	int64_t start = time_monotonic_ms();
	pid_t pid;

	place_hook(p, "sleep 60 & echo $! >\"$VPNUNIT_DATA/pid\"; wait");
	assert_int_equal(run(p, 300, -1, &detail), HOOK_FAILED);
	assert_true(time_monotonic_ms() - start < 3000);
	assert_non_null(strstr(detail, "took longer"));
	pid = atoi(place_read(p, "pid"));
	for (int i = 0; i < 100 && !is_dead(pid); i++)
		usleep(10000);
	assert_true(is_dead(pid));
}

/* What stays in the background holds the pipe open, and must not hold us. */
static void test_a_child_left_behind_is_not_waited_for(void **state)
{
	struct place *p = *state;
	int64_t start = time_monotonic_ms();
	const char *detail;

	place_hook(p, "sleep 5 & exit 0");
	assert_int_equal(run(p, 10000, -1, &detail), HOOK_DONE);
	assert_true(time_monotonic_ms() - start < 3000);
}

static void test_output_is_bounded(void **state)
{
	struct place *p = *state;
	const char *argv[] = { "sh", "-c", "yes | head -c 3000000; yes & exit 3", NULL }, *env[] = { NULL };
	const struct child c = { .path = "/bin/sh",
		.argv = argv,
		.env = env,
		.output_max = 1000,
		.timeout_ms = 10000,
		.stop_fd = -1 };
	struct buf output;
	int status;

	assert_int_equal(child_run(&p->job, &c, &status, &output), 0);
	assert_int_equal(status, 3);
	assert_int_equal(output.len, 1000);
	assert_memory_equal(output.data, "y\ny\n", 4);
}

static void test_input_of_any_size(void **state)
{
	struct place *p = *state;
	const char *argv[] = { "sh", "-c", "cat /dev/stdin /dev/stdin | wc -c", NULL };
	const char *env[] = { "PATH=/usr/bin:/bin", NULL };
	size_t len = 1 << 20;
	struct child c = { .path = "/bin/sh",
		.argv = argv,
		.env = env,
		.output_max = 100,
		.timeout_ms = 10000,
		.stop_fd = -1,
		.input = arena_alloc(p->job.arena, len),
		.input_len = len };
	struct buf output;
	int status;

	assert_int_equal(child_run(&p->job, &c, &status, &output), 0);
	assert_string_equal(output.data, "2097152\n");
	c.path = "/no/such/program";
	assert_int_equal(child_run(&p->job, &c, &status, &output), E_NOT_FOUND);
}

static void test_a_stop_hurries_the_running_one(void **state)
{
	struct place *p = *state;
	int64_t start = time_monotonic_ms(), took;
	int stop = eventfd(1, 0);
	const char *detail;

	place_hook(p, "sleep 60");
	assert_int_equal(run(p, 30000, stop, &detail), HOOK_FAILED);
	took = time_monotonic_ms() - start;
	assert_true(took >= CHILD_STOP_MS - 100 && took < CHILD_STOP_MS + 3000);
	close(stop);
}

/* --- the thread --- */

static struct deploy *begin(struct place *p, bool hooks)
{
	const struct deploy_options o = { .data = p->data, .hooks = hooks };
	struct deploy *d = NULL;

	assert_int_equal(deploy_open(&p->job, &o, &d), 0);
	return d;
}

static void submit(struct deploy *d, const char *old, const char *new)
{
	const struct deploy_task t = { .old_commit = old, .new_commit = new };

	deploy_submit(d, &t);
}

static void test_tasks_that_wait_are_folded(void **state)
{
	struct place *p = *state;
	struct deploy *d;
	const char *warning = NULL;

	place_hook(p, "sleep 0.3; echo \"$VPNUNIT_OLD $VPNUNIT_NEW\" >>\"$VPNUNIT_DATA/runs\"");
	d = begin(p, true);
	submit(d, c0, c1);
	usleep(100000);
	submit(d, c1, c2);
	submit(d, c2, c3);
	assert_true(deploy_wait(&p->job, d, c1, 5000, &warning));
	assert_true(deploy_wait(&p->job, d, c2, 5000, &warning)); /* overtaken by the third */
	assert_null(warning);
	assert_string_equal(
	    place_read(p, "runs"), arena_printf(p->job.arena, "%s %s\n%s %s\n", c0, c1, c1, c3));
	assert_true(deploy_wait(&p->job, d, "the middle of a batch", 0, &warning));
	deploy_close(d);
}

static void test_late_and_failed_are_told(void **state)
{
	struct place *p = *state;
	struct deploy_status status;
	struct deploy *d;
	const char *warning = NULL;

	place_hook(p, "sleep 0.5; echo it broke; exit 1");
	d = begin(p, true);
	submit(d, "", c1);
	assert_false(deploy_wait(&p->job, d, c1, 100, &warning));
	assert_string_equal(warning, "the hooks are still running");
	assert_false(deploy_wait(&p->job, d, c1, 5000, &warning));
	assert_non_null(strstr(warning, "it broke"));
	deploy_status(&p->job, d, &status);
	assert_string_equal(status.commit, "");
	assert_non_null(strstr(status.detail, "it broke"));
	assert_true(status.hooks);
	assert_false(status.openvpn_running);
	deploy_close(d);
}

static void record(struct place *p, const char *commit, const char *warning)
{
	const char *warnings[] = { warning, NULL }, *none[] = { NULL };
	struct record r = { .boot = "b", .firewall = "", .rules = "", .warnings = warnings, .drift = none };

	strcpy(r.commit, commit);
	assert_int_equal(record_write(&p->job, p->data, &r), 0);
}

static void test_what_is_left_to_the_unit_is_awaited(void **state)
{
	struct place *p = *state;
	struct deploy_status status;
	struct deploy *d;
	const char *warning = NULL;

	record(p, c0, NULL);
	place_hook(p, "exit 75");
	d = begin(p, true);
	submit(d, c0, c1);
	assert_false(deploy_wait(&p->job, d, c1, 300, &warning));
	assert_string_equal(warning, "the unit vpnunit-deploy has not acted yet");
	record(p, c1, "no tun");
	assert_false(deploy_wait(&p->job, d, c1, 2000, &warning));
	assert_string_equal(warning, "no tun");
	record(p, c1, NULL); /* repaired, while nobody waits */
	deploy_status(&p->job, d, &status);
	assert_string_equal(status.commit, c1);
	assert_string_equal(status.detail, "");
	assert_true(deploy_wait(&p->job, d, c1, 0, &warning));
	deploy_close(d);
}

static void test_a_deploy_with_obstacles_says_which(void **state)
{
	struct place *p = *state;
	struct deploy_status status;
	struct deploy *d;
	const char *warning = NULL;

	record(p, c1, "the program nft is not installed");
	place_hook(p, "exit 3");
	d = begin(p, true);
	submit(d, c0, c1);
	assert_false(deploy_wait(&p->job, d, c1, 5000, &warning));
	assert_string_equal(warning, "the program nft is not installed");
	deploy_status(&p->job, d, &status);
	assert_string_equal(status.drift[0], "the program nft is not installed");
	assert_null(status.drift[1]);
	deploy_close(d);
}

/* The kernel's hook runs again without a commit; the administrator's don't. */
static void test_it_repairs_now_and_then(void **state)
{
	struct place *p = *state;
	const struct deploy_options o = { .data = p->data, .hooks = true, .repair_ms = 200 };
	struct deploy_status status;
	const char *warning = NULL;
	struct deploy *d;

	assert_int_equal(fs_mkdirs(&p->job, place_path(p, "state.git/hooks/post-commit.d"), 0755), 0);
	place_write(
	    p, "state.git/hooks/post-commit.d/a", 0755, "#!/bin/sh\necho >>\"$VPNUNIT_DATA/others\"\n");
	place_hook(p, "echo \"$VPNUNIT_NEW\" >>\"$VPNUNIT_DATA/runs\"; [ -e \"$VPNUNIT_DATA/fixed\" ]");
	assert_int_equal(deploy_open(&p->job, &o, &d), 0);
	usleep(500000);
	assert_false(fs_exists(place_path(p, "runs"))); /* nothing was ever submitted */
	submit(d, "", c1);
	assert_false(deploy_wait(&p->job, d, c1, 5000, &warning));
	place_write(p, "fixed", 0644, "");
	usleep(700000);
	deploy_status(&p->job, d, &status);
	assert_string_equal(status.detail, "");
	assert_true(deploy_wait(&p->job, d, c1, 0, &warning));
	assert_true(strlen(place_read(p, "runs")) >= 3 * sizeof(c1));
	assert_string_equal(place_read(p, "others"), "\n");
	deploy_close(d);
}

static void test_what_the_unit_does_is_not_repaired_here(void **state)
{
	struct place *p = *state;
	const struct deploy_options o = { .data = p->data, .hooks = true, .repair_ms = 100 };
	const char *warning = NULL;
	struct deploy *d;

	place_hook(p, "echo >>\"$VPNUNIT_DATA/runs\"; exit 75");
	assert_int_equal(deploy_open(&p->job, &o, &d), 0);
	submit(d, "", c1);
	assert_false(deploy_wait(&p->job, d, c1, 600, &warning));
	assert_string_equal(place_read(p, "runs"), "\n");
	deploy_close(d);
}

static void test_without_hooks_nothing_runs_and_nothing_is_missing(void **state)
{
	struct place *p = *state;
	struct deploy *d;
	const char *warning = NULL;

	place_hook(p, "touch \"$VPNUNIT_DATA/ran\"");
	d = begin(p, false);
	submit(d, "", c1);
	assert_true(deploy_wait(&p->job, d, c1, 0, &warning));
	deploy_close(d);
	assert_false(fs_exists(place_path(p, "ran")));
}

static void test_a_broken_record_is_none(void **state)
{
	static const char *const broken[] = { "", "{", "[]", "{\"commit\":1}", "{\"commit\":\"x\"}",
		"{\"boot_id\":\"b\",\"commit\":\"../../etc\",\"firewall\":\"\",\"warnings\":[1,{}]}" };
	struct place *p = *state;
	struct record r;

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		place_write(p, "deployed.json", 0644, broken[i]);
		record_read(&p->job, p->data, &r);
		assert_int_equal(p->job.error, 0);
		assert_string_equal(r.commit, "");
		assert_null(r.warnings[0]);
		assert_null(r.drift[0]);
	}
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(test_installed),
		PLACED(test_the_administrators_files_survive),
		PLACED(test_which_and_in_what_order),
		PLACED(test_what_a_hook_gets),
		PLACED(test_outcomes),
		PLACED(test_one_failure_does_not_stop_the_next),
		PLACED(test_time_is_up_for_the_whole_group),
		PLACED(test_a_child_left_behind_is_not_waited_for),
		PLACED(test_output_is_bounded),
		PLACED(test_input_of_any_size),
		PLACED(test_a_stop_hurries_the_running_one),
		PLACED(test_tasks_that_wait_are_folded),
		PLACED(test_late_and_failed_are_told),
		PLACED(test_what_is_left_to_the_unit_is_awaited),
		PLACED(test_a_deploy_with_obstacles_says_which),
		PLACED(test_it_repairs_now_and_then),
		PLACED(test_what_the_unit_does_is_not_repaired_here),
		PLACED(test_without_hooks_nothing_runs_and_nothing_is_missing),
		PLACED(test_a_broken_record_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
