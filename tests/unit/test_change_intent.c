/*
 * Goal: intent that comes as files issues and revokes exactly what the
 * difference asks for, notes ids, and is refused where it does not fit.
 */
#include "change_fixture.h"

static struct plan_file *intent, **last;

static int begin(void **state)
{
	intent = NULL;
	last = &intent;
	return set_up(state);
}

/* text NULL: the file goes. */
static void want(const char *path, const char *text)
{
	struct plan_file *f = arena_alloc(j.arena, sizeof(*f));

	f->path = path;
	f->data = text;
	f->len = text ? strlen(text) : 0;
	*last = f;
	last = &f->next;
}

static const char *gateway_file(const char *name, const char *device, const char *inbound)
{
	return arena_printf(j.arena,
	    "{\n  \"allow\": [],\n  \"created\": \"2026-11-23T00:00:00Z\",\n  \"device\": \"%s\",\n  \"enabled\": true,\n"
	    "  \"inbound\": \"%s\",\n  \"name\": \"%s\",\n  \"routes\": \"prefix\"\n}\n",
	    device, inbound, name);
}

static const char *user_file(const char *name, const char *created)
{
	return arena_printf(j.arena,
	    "{\n  \"created\": \"%s\",\n  \"enabled\": true,\n  \"name\": \"%s\"\n}\n", created, name);
}

static struct change rollback(void)
{
	struct change ch = change(CHANGE_ROLLBACK, NULL);

	ch.target = "0123456789012345678901234567890123456789";
	ch.subject = "rollback: to 012345678901";
	ch.intent = intent;
	return ch;
}

static const char *device_of(const char *gateway)
{
	return arena_strdup(j.arena, model_gateway_by_name(m, gateway)->device.hex);
}

static const char A_DEVICE[] = "abcdefabcdefabcdefabcdefabcdef00";

static void test_gone(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", NULL);
	ch = rollback();
	p = done(&ch);
	assert_string_equal(p->subject, "rollback: to 012345678901");
	assert_null(p->issues);
	assert_non_null(file(p, "ledger/revocations/"));
	assert_non_null(file(p, "ledger/ids/0/3/0/released/0.json"));
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 1);
}

static void test_back(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	want("users/0/3/gateways/5.json", gateway_file("a.example.org", A_DEVICE, "deny"));
	ch = rollback();
	p = done(&ch);
	assert_string_equal(p->issues->device.hex, A_DEVICE);
	assert_string_equal(p->issues->name, "a.example.org");
	assert_null(p->issues->next);
	assert_non_null(file(p, "ledger/ids/0/3/5.json"));
	assert_null(file(p, "ledger/revocations/"));
}

/* The same device under the same name: its certificates stay, whatever else changed. */
static void test_settings_alone(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", gateway_file("a.example.org", device_of("a.example.org"), "allow"));
	ch = rollback();
	p = done(&ch);
	assert_null(p->issues);
	assert_null(file(p, "ledger/"));
	assert_int_equal(model_gateway_by_name(m, "a.example.org")->inbound, INBOUND_ALLOW);
}

static void test_moved(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", NULL);
	want("users/0/3/gateways/9.json", gateway_file("a.example.org", device_of("a.example.org"), "deny"));
	ch = rollback();
	p = done(&ch);
	assert_null(p->issues);
	assert_null(file(p, "ledger/revocations/"));
	assert_non_null(file(p, "ledger/ids/0/3/0/released/0.json"));
	assert_non_null(file(p, "ledger/ids/0/3/9.json"));
}

/* A certificate is of a name, too. */
static void test_renamed(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", gateway_file("b.example.org", device_of("a.example.org"), "deny"));
	ch = rollback();
	p = done(&ch);
	assert_string_equal(p->issues->name, "b.example.org");
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 1);
	/* Newer than what is revoked, so that it is the device's current one. */
	assert_string_equal(model_current_certificate(m, device_of("b.example.org"))->name, "b.example.org");
}

static void test_another_at_the_same_address(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", gateway_file("b.example.org", A_DEVICE, "deny"));
	ch = rollback();
	p = done(&ch);
	assert_string_equal(p->issues->device.hex, A_DEVICE);
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 1);
	assert_int_equal(model_releases(m, 3, 0), 1);
}

/* What expired by itself needs no revocation. */
static void test_expired_stays_expired(void **state)
{
	struct change ch;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	want("users/0/3/gateways/0.json", NULL);
	ch = rollback();
	ch.now = NOW + 826 * (int64_t)DAY;
	done(&ch);
	assert_int_equal(model_count(m, ENTITY_REVOCATION), 0);
}

static void test_holders_of_a_user_id(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	want("users/0/3/user.json", user_file("eve", "2020-01-01T00:00:00Z"));
	want("users/0/4/user.json", user_file("ann", "2020-01-01T00:00:00Z"));
	ch = rollback();
	p = done(&ch);
	assert_non_null(file(p, "ledger/ids/0/3/released/0.json"));
	assert_non_null(file(p, "ledger/ids/0/4.json"));
	assert_int_equal(model_releases(m, 3, -1), 1);
}

static void test_what_does_not_fit(void **state)
{
	static const struct {
		const char *path;
		bool is_user;
		const char *name;
	} wrong[] = {
		{ "users/0/9/gateways/0.json", false, "b.example.org" }, /* no such user */
		{ "users/0/3/gateways/1.json", false, "a.example.org" }, /* a twin */
		{ "users/0/3/gateways/1.json", false, "vpn.example.org" }, /* the server */
		{ "users/0/0/user.json", true, "zero" },
		{ "users/0/4/user.json", true, "joe" },
	};
	struct change ch;
	size_t i;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		intent = NULL;
		last = &intent;
		want(wrong[i].path,
		    wrong[i].is_user ? user_file(wrong[i].name, "2020-01-01T00:00:00Z")
				     : gateway_file(wrong[i].name, A_DEVICE, "deny"));
		ch = rollback();
		refused(&ch, E_CONFLICT, "does_not_fit");
	}
	intent = NULL;
	last = &intent;
	want("users/0/3/user.json", NULL); /* and its gateway stays */
	ch = rollback();
	refused(&ch, E_CONFLICT, "does_not_fit");
}

static void test_nothing_to_do(void **state)
{
	struct change ch = rollback();

	(void)state;
	assert_null(done(&ch)->files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gone, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_back, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_settings_alone, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_moved, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_renamed, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_another_at_the_same_address, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_expired_stays_expired, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_holders_of_a_user_id, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_what_does_not_fit, begin, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_do, begin, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
