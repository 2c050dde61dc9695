/*
 * Goal: each change plans exactly the files, certificates and words that it
 * should, and refuses with the code of the contract.  Pure: no git, no keys.
 */
#include "change_fixture.h"

static void test_ids_skip_the_reserved(void **state)
{
	struct change ch = change(CHANGE_USER_CREATE, "eve");
	struct plan *p;

	(void)state;
	p = create_user("joe", NULL);
	assert_string_equal(p->subject, "user joe: create, 2001:db8:0:300::/56");
	assert_non_null(file(p, "users/0/3/user.json"));
	assert_non_null(file(p, "ledger/ids/0/3.json"));
	create_user("two", "02");
	assert_int_equal(model_user_by_name(m, "two")->id, 2);
	ch.id = "00";
	refused(&ch, E_CONFLICT, "id_reserved");
	ch.id = "01";
	refused(&ch, E_CONFLICT, "id_reserved");
	ch.id = "03";
	refused(&ch, E_CONFLICT, "id_taken");
	ch.id = "4";
	refused(&ch, E_INVALID, "invalid");
	ch.id = "0G";
	refused(&ch, E_INVALID, "invalid");
	ch.id = NULL;
	ch.name = "joe";
	refused(&ch, E_CONFLICT, "name_taken");
}

/* The plan holds 253 users beside 00, 01 and 02; then ids come back, the one free for longest first. */
static void test_a_full_plan(void **state)
{
	struct change ch;
	unsigned i;

	(void)state;
	for (i = 3; i < 256; i++)
		create_user(arena_printf(j.arena, "u%u", i), NULL);
	ch = change(CHANGE_USER_CREATE, "late");
	refused(&ch, E_CONFLICT, "plan_full");
	ch = change(CHANGE_USER_DELETE, "u200");
	done(&ch);
	ch = change(CHANGE_USER_DELETE, "u100");
	ch.now = NOW + 10;
	done(&ch);
	create_user("late", NULL);
	assert_int_equal(model_user_by_name(m, "late")->id, 200);
	create_user("later", NULL);
	assert_int_equal(model_user_by_name(m, "later")->id, 100);
}

static void test_the_17th_gateway(void **state)
{
	struct change ch;
	unsigned i;

	(void)state;
	create_user("joe", NULL);
	for (i = 0; i < 16; i++)
		create_gateway(arena_printf(j.arena, "g%u.example.org", i), "joe");
	ch = change(CHANGE_GATEWAY_CREATE, "g16.example.org");
	ch.user = "joe";
	refused(&ch, E_CONFLICT, "user_full");
	ch = change(CHANGE_GATEWAY_DELETE, "g7.example.org");
	done(&ch);
	create_gateway("g16.example.org", "joe");
	assert_int_equal(model_gateway_by_name(m, "g16.example.org")->id, 7);
}

static void test_a_gateway_gets_its_old_id(void **state)
{
	struct change ch;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	create_gateway("b.example.org", "joe");
	ch = change(CHANGE_GATEWAY_DELETE, "a.example.org");
	done(&ch);
	create_gateway("c.example.org", "joe");
	assert_int_equal(model_gateway_by_name(m, "c.example.org")->id, 2); /* never used before free again */
	create_gateway("a.example.org", "joe");
	assert_int_equal(model_gateway_by_name(m, "a.example.org")->id, 0);
}

static void test_gateway_names(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_CREATE, "a.example.org");

	(void)state;
	ch.user = "nobody";
	refused(&ch, E_NOT_FOUND, "not_found");
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	ch.user = "joe";
	refused(&ch, E_CONFLICT, "name_taken");
	ch.name = "vpn.example.org"; /* the server's */
	refused(&ch, E_CONFLICT, "name_taken");
}

static void test_delete_revokes_every_certificate(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_RENEW, "a.example.org");
	const char *device;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	device = arena_strdup(j.arena, model_gateway_by_name(m, "a.example.org")->device.hex);
	ch.force = true;
	ch.reason = "test";
	done(&ch);
	ch = change(CHANGE_GATEWAY_DELETE, "a.example.org");
	done(&ch);
	assert_null(model_gateway_by_name(m, "a.example.org"));
	assert_null(model_current_certificate(m, device));
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 2);
}

static unsigned live(const char *gateway, int64_t t)
{
	const struct certificate **c = model_certificates(
	    j.arena, m, model_gateway_by_name(m, gateway)->device.hex);
	unsigned n = 0;

	for (; *c; c++)
		n += model_is_live(m, *c, t);
	return n;
}

static void test_renewal(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_RENEW, "a.example.org");
	const struct certificate *old;
	int64_t late = NOW + (825 - 30) * (int64_t)DAY;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	old = model_current_certificate(m, model_gateway_by_name(m, "a.example.org")->device.hex);
	assert_int_equal(old->not_before, NOW - 3600);
	assert_int_equal(old->not_after, NOW + 825 * (int64_t)DAY);
	ch.now = late - 1;
	refused(&ch, E_CONFLICT, "not_renewable_yet");
	ch.force = true;
	refused(&ch, E_INVALID, "reason_required");
	ch.force = false;
	ch.now = late;
	assert_non_null(done(&ch)->issues);
	assert_int_equal(live("a.example.org", late + 1), 2);
	/* Its own end comes before the overlap's. */
	assert_int_equal(model_supersession(m, old->serial.hex)->until, old->not_after);
}

static void test_never_three_live_certificates(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_RENEW, "a.example.org");
	const struct certificate *first;
	unsigned i;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	first = model_current_certificate(m, model_gateway_by_name(m, "a.example.org")->device.hex);
	ch.force = true;
	ch.reason = "test";
	done(&ch);
	assert_int_equal(live("a.example.org", NOW), 2);
	assert_int_equal(model_supersession(m, first->serial.hex)->until, NOW + 30 * DAY);
	for (i = 0; i < 3; i++) {
		done(&ch); /* within one second */
		assert_int_equal(live("a.example.org", NOW), 2);
	}
	assert_non_null(model_revocation(m, first->serial.hex));
	ch.revoke_old = true;
	done(&ch);
	assert_int_equal(live("a.example.org", NOW), 1);
}

static void test_the_overlap_ends(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_RENEW, "a.example.org");
	const struct certificate *first;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	first = model_current_certificate(m, model_gateway_by_name(m, "a.example.org")->device.hex);
	ch.force = true;
	ch.reason = "test";
	done(&ch);
	ch = change(CHANGE_SUPERSEDED_END, NULL);
	ch.now = NOW + 30 * DAY - 1;
	assert_null(done(&ch)->files);
	ch.now = NOW + 31 * DAY;
	assert_non_null(done(&ch)->files);
	assert_int_equal(model_revocation(m, first->serial.hex)->at, NOW + 30 * DAY);
	assert_null(done(&ch)->files);
}

static void test_prune(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_DELETE, "a.example.org");

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	create_gateway("b.example.org", "joe");
	done(&ch);
	ch = change(CHANGE_LEDGER_PRUNE, NULL);
	ch.now = NOW + (825 + 30) * (int64_t)DAY;
	assert_null(done(&ch)->files);
	ch.now += DAY;
	done(&ch);
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 0);
	assert_int_equal(model_count(m, ENTITY_CERTIFICATE), 2); /* the CA's, and the one that b still has */
}

static void test_settings(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_PATCH, "a.example.org");
	struct allow from_ann = {
		.proto = "tcp", .port_low = 22, .port_high = 22, .from = FROM_USER, .from_user = "ann"
	};
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	assert_null(done(&ch)->files); /* nothing asked, nothing done */
	ch.has_enabled = true;
	p = done(&ch);
	assert_string_equal(p->subject, "gateway a.example.org: disable");
	assert_null(p->issues);
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 0);
	assert_null(done(&ch)->files); /* it was off already */
	ch = change(CHANGE_GATEWAY_PATCH, "a.example.org");
	ch.has_allow = true;
	ch.allow = &from_ann;
	ch.allow_n = 1;
	refused(&ch, E_INVALID, "invalid");
	create_user("ann", NULL);
	p = done(&ch);
	assert_string_equal(p->subject, "gateway a.example.org: allow 1 opening");
	ch = change(CHANGE_GATEWAY_PATCH, "a.example.org");
	ch.has_inbound = true;
	ch.inbound = INBOUND_ALLOW;
	done(&ch);
	assert_non_null(j.warnings); /* allow changes nothing now */
}

static const struct allow *only_opening(const char *gateway)
{
	const struct gateway *g = model_gateway_by_name(m, gateway);

	return g->allow_n == 1 ? &g->allow[0] : NULL;
}

static void test_openings_follow_their_user(void **state)
{
	struct allow from_ann = {
		.proto = "tcp", .port_low = 22, .port_high = 22, .from = FROM_USER, .from_user = "ann"
	};
	struct change ch = change(CHANGE_GATEWAY_PATCH, "a.example.org");

	(void)state;
	create_user("joe", NULL);
	create_user("ann", NULL);
	create_gateway("a.example.org", "joe");
	ch.has_allow = true;
	ch.allow = &from_ann;
	ch.allow_n = 1;
	done(&ch);
	ch = change(CHANGE_USER_PATCH, "ann");
	ch.new_name = "anna";
	assert_string_equal(done(&ch)->subject, "user ann: rename to anna");
	assert_string_equal(only_opening("a.example.org")->from_user, "anna");
	ch = change(CHANGE_USER_DELETE, "anna");
	done(&ch);
	assert_null(only_opening("a.example.org")); /* not for the next anna */
}

static void test_delete_of_a_user(void **state)
{
	struct change ch = change(CHANGE_USER_DELETE, "joe");
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	create_gateway("b.example.org", "joe");
	refused(&ch, E_CONFLICT, "has_gateways");
	ch.cascade = true;
	p = done(&ch);
	assert_string_equal(p->subject, "user joe: delete with 2 gateways, 2001:db8:0:300::/56");
	assert_int_equal(model_count(m, ENTITY_GATEWAY), 0);
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 2);
	assert_int_equal(model_releases(m, 3, -1), 1);
}

static void test_if_match(void **state)
{
	struct change ch = change(CHANGE_GATEWAY_DELETE, "a.example.org");

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	ch.if_match = "0000000000000000000000000000000000000000";
	refused(&ch, E_STALE, "stale");
	ch.if_match = model_gateway_by_name(m, "a.example.org")->entity.blob;
	done(&ch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids_skip_the_reserved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_full_plan, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_17th_gateway, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_gateway_gets_its_old_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gateway_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_delete_revokes_every_certificate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renewal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_never_three_live_certificates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_overlap_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prune, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_openings_follow_their_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_delete_of_a_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_if_match, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
