/*
 * Goal: whole-network files are patched to what would be written anew, whatever a change does to the order
 * of their lines, and are left alone when nothing in them changes.
 */
#include "render_fixture.h"

static struct world w;

static int set_up(void **state)
{
	(void)state;
	world_open(&w);
	world_add_user(&w, "joe");
	world_add_user(&w, "eve");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "b.example.org", "eve");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void allow(const char *name, struct allow *list, size_t n)
{
	struct change ch = world_change(&w, CHANGE_GATEWAY_PATCH, name);

	ch.has_allow = true;
	ch.allow = list;
	ch.allow_n = n;
	world_do(&w, &ch);
	assert_string_equal(world_drift(&w), "");
}

static void test_openings_come_and_go(void **state)
{
	struct allow list[] = {
		{ .proto = "tcp", .port_low = 22, .port_high = 22 },
		{ .proto = "udp", .port_low = 53, .port_high = 53 },
		{ .proto = "tcp", .port_low = 80, .port_high = 90, .from = FROM_VPN },
	};

	(void)state;
	allow("b.example.org", list, 3);
	allow("a.example.org", list, 2);
	allow("b.example.org", list + 1, 2);
	allow("a.example.org", list, 0);
	allow("b.example.org", list, 0);
	assert_null(strstr(world_read(&w, "firewall/nftables.conf"), "22"));
}

/* Lines between lines, at both ends, several at once, and none left. */
static void test_order(void **state)
{
	struct change delete = world_change(&w, CHANGE_USER_DELETE, "joe");

	(void)state;
	world_add_gateway(&w, "c.example.org", "joe");
	world_add_user(&w, "ann");
	world_add_gateway(&w, "d.example.org", "ann");
	assert_string_equal(world_drift(&w), "");
	delete.cascade = true;
	world_do(&w, &delete);
	assert_string_equal(world_drift(&w), "");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "d.example.org");
	world_delete(&w, CHANGE_GATEWAY_DELETE, "b.example.org");
	assert_string_equal(world_drift(&w), "");
	assert_string_equal(world_read(&w, "ip/routes"), "unreachable 2001:db8::/48 metric 4096\n");
}

/* An opening names a user; one commit gives that name to another user. */
static void test_name_changes_hands(void **state)
{
	struct allow from_eve = {
		.proto = "tcp", .port_low = 1, .port_high = 1, .from = FROM_USER, .from_user = "eve"
	};
	struct model *fork;
	struct user joe, eve;
	struct buf text;

	(void)state;
	world_add_user(&w, "ann");
	world_add_gateway(&w, "c.example.org", "ann");
	allow("c.example.org", &from_eve, 1);
	assert_non_null(strstr(world_read(&w, "firewall/nftables.conf"), "2001:db8:0:400::/56"));
	fork = model_fork(w.model);
	joe = *model_user_by_name(w.model, "joe");
	eve = *model_user_by_name(w.model, "eve");
	joe.name = "eve";
	eve.name = "joe";
	buf_open(&text, w.job.arena);
	model_encode_user(&text, &joe);
	world_put(&w, fork, joe.entity.path, text.data);
	buf_open(&text, w.job.arena);
	model_encode_user(&text, &eve);
	world_put(&w, fork, eve.entity.path, text.data);
	world_new_commit(&w);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	world_check(&w, render_promote(&w.job, w.render));
	model_absorb(w.model, fork);
	assert_string_equal(world_drift(&w), "");
	assert_non_null(strstr(world_read(&w, "firewall/nftables.conf"), "2001:db8:0:300::/56"));
}

/* A stage that is given up leaves no line behind. */
static void test_discarded(void **state)
{
	struct change ch = world_change(&w, CHANGE_GATEWAY_CREATE, "lost.example.org");
	struct model *fork;

	(void)state;
	ch.user = "joe";
	fork = world_plan(&w, &ch);
	world_check(&w, render_stage(&w.job, w.render, fork, w.commit));
	render_discard(w.render);
	model_close(fork);
	world_add_gateway(&w, "c.example.org", "eve");
	assert_string_equal(world_drift(&w), "");
	assert_null(strstr(world_read(&w, "pki/index.txt"), "lost"));
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(world_path(&w, path), &st), 0);
	return st.st_ino;
}

static void test_untouched(void **state)
{
	ino_t index = inode_of("pki/index.txt"), rules = inode_of("firewall/nftables.conf");

	(void)state;
	world_add_user(&w, "ann");
	assert_int_equal(inode_of("pki/index.txt"), index);
	assert_int_equal(inode_of("firewall/nftables.conf"), rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_openings_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_name_changes_hands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discarded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_untouched, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
