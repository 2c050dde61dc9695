/* What a token may do, judged on the plan, by whatever kind of change it came. */
#include "change_fixture.h"

static const char DIGESTS[][DIGEST_HEX] = {
	"1111111111111111111111111111111111111111111111111111111111111111",
	"2222222222222222222222222222222222222222222222222222222222222222",
};

static struct change token(const char *name, enum role role)
{
	struct change ch = change(CHANGE_TOKEN_CREATE, name);

	ch.role = role;
	ch.digest = DIGESTS[0];
	return ch;
}

/* A change by the holder of that token. */
static struct change by(const char *actor, enum change_kind kind, const char *name)
{
	struct change ch = change(kind, name);

	ch.actor = actor;
	ch.token = DIGESTS[0];
	return ch;
}

static void give(const char *name, enum role role, const char *user, const char *gateway)
{
	struct change ch = token(name, role);

	ch.user = user;
	ch.gateway = gateway;
	done(&ch);
}

static int set_up_people(void **state)
{
	set_up(state);
	create_user("joe", NULL);
	create_user("eve", NULL);
	create_gateway("a.example.org", "joe");
	create_gateway("b.example.org", "eve");
	return 0;
}

static void forbidden(const struct change *ch)
{
	refused(ch, E_DENIED, "forbidden");
}

static void disables(const char *actor, const char *gateway, bool may)
{
	struct change ch = by(actor, CHANGE_GATEWAY_PATCH, gateway);
	struct plan *p;

	ch.has_enabled = true;
	if (!may) {
		forbidden(&ch);
		return;
	}
	assert_int_equal(change_plan(&j, m, &ch, &p), 0);
}

static void auditors_change_nothing(void **state)
{
	struct change ch;

	(void)state;
	give("t", ROLE_AUDITOR, NULL, NULL);
	disables("t", "a.example.org", false);
	ch = by("t", CHANGE_USER_CREATE, "x");
	forbidden(&ch);
}

static void operators_have_users(void **state)
{
	struct change ch, inner = change(CHANGE_TOKEN_DELETE, "t");

	(void)state;
	give("t", ROLE_OPERATOR, NULL, NULL);
	disables("t", "a.example.org", true);
	ch = by("t", CHANGE_TOKEN_DELETE, "t");
	forbidden(&ch);
	ch = by("t", CHANGE_SERVER_RENEW, NULL);
	ch.kind = CHANGE_ROLLBACK;
	ch.subject = "rollback: x";
	forbidden(&ch);
	ch = by("t", CHANGE_BATCH, NULL); /* the inner change says nothing of a token: the whole is judged */
	ch.list = &inner;
	ch.list_n = 1;
	forbidden(&ch);
}

static void a_scope_is_gateways_of_one(void **state)
{
	struct change ch, list[2];

	(void)state;
	give("t", ROLE_OPERATOR, "joe", NULL);
	disables("t", "a.example.org", true);
	disables("t", "b.example.org", false);
	ch = by("t", CHANGE_USER_PATCH, "joe");
	ch.has_enabled = true;
	forbidden(&ch);
	ch = by("t", CHANGE_GATEWAY_CREATE, "c.example.org");
	ch.user = "eve";
	forbidden(&ch);
	list[0] = change(CHANGE_GATEWAY_DELETE, "a.example.org");
	list[1] = change(CHANGE_GATEWAY_DELETE, "b.example.org");
	ch = by("t", CHANGE_BATCH, NULL);
	ch.list = list;
	ch.list_n = 2;
	forbidden(&ch);
	ch = by("t", CHANGE_GATEWAY_DELETE, "a.example.org");
	ch.confirm_within = 60; /* others would have to wait for it */
	forbidden(&ch);
	ch.confirm_within = 0;
	done(&ch);
	ch = by("t", CHANGE_GATEWAY_CREATE, "a.example.org");
	ch.user = "joe";
	done(&ch);
}

static void a_scope_is_no_name(void **state)
{
	struct change ch;

	(void)state;
	give("t", ROLE_OPERATOR, "joe", NULL);
	ch = change(CHANGE_USER_DELETE, "joe");
	ch.cascade = true;
	done(&ch);
	create_user("joe", NULL);
	ch = by("t", CHANGE_GATEWAY_CREATE, "c.example.org");
	ch.user = "joe";
	refused(&ch, E_DENIED, "token_invalid");
}

static void gateways_renew_when_it_is_due(void **state)
{
	struct change ch;

	(void)state;
	give("t", ROLE_GATEWAY, NULL, "a.example.org");
	ch = by("t", CHANGE_GATEWAY_RENEW, "a.example.org");
	refused(&ch, E_CONFLICT, "not_renewable_yet");
	ch.force = true;
	ch.reason = "now";
	forbidden(&ch);
	ch.force = false;
	ch.now += 824 * (int64_t)DAY;
	done(&ch);
	ch = by("t", CHANGE_GATEWAY_RENEW, "b.example.org");
	ch.now += 824 * (int64_t)DAY;
	forbidden(&ch);
	disables("t", "a.example.org", false);
}

static void what_counts_is_now(void **state)
{
	struct change ch = token("t", ROLE_ADMIN);

	(void)state;
	ch.expires = NOW + 10;
	done(&ch);
	disables("t", "a.example.org", true);
	ch = by("t", CHANGE_GATEWAY_DELETE, "a.example.org");
	ch.now = NOW + 10;
	refused(&ch, E_DENIED, "token_expired");
	ch.now = NOW;
	ch.token = DIGESTS[1]; /* another one of that name */
	refused(&ch, E_DENIED, "token_invalid");
	ch = change(CHANGE_TOKEN_DELETE, "t");
	done(&ch);
	ch = by("t", CHANGE_GATEWAY_DELETE, "a.example.org");
	refused(&ch, E_DENIED, "token_invalid");
}

static void none_comes_back(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	give("t", ROLE_ADMIN, NULL, NULL);
	ch = change(CHANGE_TOKEN_DELETE, "t");
	done(&ch);
	ch = token("other", ROLE_ADMIN); /* the same digest */
	assert_int_equal(change_plan(&j, m, &ch, &p), 0);
	put_plan(&j, m, p);
	assert_int_equal(model_check(&j, m), E_CORRUPT);
	assert_non_null(strstr(j.message, "taken away"));
	job_clear(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(auditors_change_nothing, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(operators_have_users, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(a_scope_is_gateways_of_one, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(a_scope_is_no_name, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(gateways_renew_when_it_is_due, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(what_counts_is_now, set_up_people, tear_down),
		cmocka_unit_test_setup_teardown(none_comes_back, set_up_people, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
