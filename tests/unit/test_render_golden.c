/*
 * Goal: a state tree in, the rendered files out, byte for byte, on every
 * machine.  tests/golden/CASE holds state/, master.key and expected/.  With
 * GOLDEN_WRITE=1 in the environment expected/ is written anew: read the diff.
 */
#include "render_fixture.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

/* crl.pem knows the clock, the database is compared by content elsewhere; the rest are no files of the commit. */
#define LEFT_OUT "-x crl.pem -x 'database*' -x staging -x run "

static struct world w;

/* Files in the order that the model wants: what others need first. */
static void load(const char *root, const char *path)
{
	const char *full = *path ? arena_printf(w.job.arena, "%s/%s", root, path) : root;
	struct stat st;
	char **names;
	struct buf b;

	assert_int_equal(stat(full, &st), 0);
	if (S_ISDIR(st.st_mode)) {
		world_check(&w, fs_list(&w.job, full, &names));
		for (; *names; names++)
			load(root, *path ? arena_printf(w.job.arena, "%s/%s", path, *names) : *names);
		return;
	}
	world_check(&w, fs_read(&w.job, full, 1 << 20, &b));
	world_check(&w, model_put(&w.job, w.model, path, b.data, b.len));
}

static void write_profiles(void)
{
	const struct entity **e = model_all(w.job.arena, w.model, ENTITY_GATEWAY);
	struct buf text;

	world_run(&w, "mkdir profiles");
	for (; *e; e++) {
		const struct gateway *g = (const struct gateway *)*e;

		buf_open(&text, w.job.arena);
		world_check(&w, render_profile(&w.job, w.pki, w.model, g, &text));
		world_write(&w, arena_printf(w.job.arena, "profiles/%s.ovpn", g->name), text.data);
	}
}

static void run_case(const char *name)
{
	char *here = realpath("tests/golden", NULL);
	const char *root = arena_printf(w.job.arena, "%s/%s", here, name);
	const char *state = arena_printf(w.job.arena, "%s/state", root);

	free(here);
	world_check(&w, pki_open(&w.job, arena_printf(w.job.arena, "%s/master.key", root), &w.pki));
	load(state, "network.json");
	load(state, "ledger/certificates");
	load(state, "");
	world_check(&w, model_check(&w.job, w.model));
	world_check(&w, pki_check(&w.job, w.pki, w.model));
	memcpy(w.commit, COMMIT, sizeof(COMMIT));
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	world_render_full(&w);
	assert_string_equal(world_drift(&w), "");
	write_profiles();
	if (getenv("GOLDEN_WRITE"))
		world_run(&w,
		    arena_printf(w.job.arena,
			"rm -rf %s/expected && mkdir %s/expected && cp -r pki ovpn ip "
			"firewall audit profiles state.json %s/expected && rm %s/expected/pki/crl.pem && "
			"rmdir %s/expected/pki/reqs",
			root, root, root, root, root));
	world_run(&w, "rmdir pki/reqs"); /* empty, so in no git repository */
	world_run(&w, arena_printf(w.job.arena, "diff -r " LEFT_OUT "%s/expected .", root));
}

static int set_up(void **state)
{
	(void)state;
	w = (struct world){ .dir = "/tmp/test-render-XXXXXX" };
	job_open(&w.job);
	assert_non_null(mkdtemp(w.dir));
	w.data = arena_printf(w.job.arena, "%s/data", w.dir);
	w.model = model_open();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void test_hackerspace(void **state)
{
	(void)state;
	run_case("hackerspace");
}

static void test_provider(void **state)
{
	(void)state;
	run_case("provider");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hackerspace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_provider, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
