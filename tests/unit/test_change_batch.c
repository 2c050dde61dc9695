/*
 * Goal: a batch is one plan, later changes see earlier ones, what it takes
 * back again leaves no trace but the ledger's, and a failure says which.
 */
#include "change_fixture.h"

enum { LIST_MAX = 8 };

static struct change list[LIST_MAX];
static size_t list_n;

static struct change *add(enum change_kind kind, const char *name)
{
	assert_true(list_n < LIST_MAX);
	list[list_n] = change(kind, name);
	return &list[list_n++];
}

static void add_gateway(const char *name, const char *user)
{
	add(CHANGE_GATEWAY_CREATE, name)->user = user;
}

static struct change batch(void)
{
	struct change ch = change(CHANGE_BATCH, NULL);

	ch.list = list;
	ch.list_n = list_n;
	list_n = 0;
	return ch;
}

static size_t count_issues(const struct plan *p)
{
	const struct plan_issue *i;
	size_t n = 0;

	for (i = p->issues; i; i = i->next)
		n++;
	return n;
}

static void test_later_ones_see_earlier_ones(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	add(CHANGE_USER_CREATE, "joe");
	add_gateway("a.example.org", "joe");
	add_gateway("b.example.org", "joe");
	add(CHANGE_USER_PATCH, "joe")->new_name = "joseph";
	add_gateway("c.example.org", "joseph");
	ch = batch();
	p = done(&ch);
	assert_string_equal(p->change, "batch");
	assert_string_equal(p->subject, "batch: 5 changes");
	assert_non_null(strstr(
	    p->body, "- user joe: create, 2001:db8:0:300::/56\n- gateway a.example.org: create for joe"));
	assert_non_null(strstr(p->body, "\n- user joe: rename to joseph\n"));
	assert_int_equal(count_issues(p), 3);
	assert_int_equal(model_gateway_by_name(m, "c.example.org")->id, 2);
	assert_string_equal(model_user(m, 3)->name, "joseph");
}

static void test_all_or_nothing(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	add(CHANGE_USER_CREATE, "joe");
	add(CHANGE_USER_CREATE, "joe");
	ch = batch();
	assert_int_equal(change_plan(&j, m, &ch, &p), E_CONFLICT);
	assert_string_equal(j.code, "name_taken");
	assert_string_equal(j.fields->field, "changes/1");
	assert_null(model_user_by_name(m, "joe"));
	job_clear(&j);
}

static void test_a_failure_names_its_member(void **state)
{
	struct allow from_nobody = {
		.proto = "tcp", .port_low = 1, .port_high = 1, .from = FROM_USER, .from_user = "nobody"
	};
	struct change ch, *patch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	add(CHANGE_USER_CREATE, "ann");
	patch = add(CHANGE_GATEWAY_PATCH, "a.example.org");
	patch->has_allow = true;
	patch->allow = &from_nobody;
	patch->allow_n = 1;
	ch = batch();
	assert_int_equal(change_plan(&j, m, &ch, &p), E_INVALID);
	assert_string_equal(j.fields->field, "changes/1/allow");
	job_clear(&j);
}

/* Made and taken back: no file, no certificate; the ledger says that the ids were given. */
static void test_made_and_taken_back(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	add(CHANGE_USER_CREATE, "joe");
	add_gateway("a.example.org", "joe");
	add(CHANGE_USER_DELETE, "joe")->cascade = true;
	ch = batch();
	p = done(&ch);
	assert_null(p->issues);
	assert_null(file(p, "users/"));
	assert_non_null(file(p, "ledger/ids/0/3.json"));
	assert_non_null(file(p, "ledger/ids/0/3/0/released/0.json"));
	assert_null(model_user_by_name(m, "joe"));
	assert_int_equal(create_user("ann", NULL) != NULL && model_user_by_name(m, "ann")->id == 3, 0);
}

static void test_taken_and_made_again(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	add(CHANGE_GATEWAY_DELETE, "a.example.org");
	add_gateway("a.example.org", "joe");
	ch = batch();
	p = done(&ch);
	assert_int_equal(count_issues(p), 1);
	assert_non_null(file(p, "ledger/revocations/"));
	assert_string_equal(p->issues->device.hex, model_gateway_by_name(m, "a.example.org")->device.hex);
	assert_int_equal(model_gateway_by_name(m, "a.example.org")->id, 0);
}

/* Two for one device at once would be three live ones with the old. */
static void test_one_certificate_a_device(void **state)
{
	struct change ch;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	add(CHANGE_GATEWAY_RENEW, "a.example.org")->force = true;
	add(CHANGE_GATEWAY_RENEW, "a.example.org")->force = true;
	list[0].reason = list[1].reason = "test";
	ch = batch();
	refused(&ch, E_CONFLICT, "issued_already");
	add_gateway("b.example.org", "joe");
	add(CHANGE_GATEWAY_RENEW, "b.example.org")->force = true;
	list[1].reason = "test";
	ch = batch();
	refused(&ch, E_CONFLICT, "issued_already");
}

static void test_reasons(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	create_gateway("a.example.org", "joe");
	create_gateway("b.example.org", "joe");
	add(CHANGE_GATEWAY_RENEW, "a.example.org")->force = true;
	list[0].reason = "stolen";
	add(CHANGE_GATEWAY_DELETE, "b.example.org")->reason = "moved";
	ch = batch();
	ch.reason = "moved";
	p = done(&ch);
	assert_string_equal(p->reason, "moved");
	assert_non_null(strstr(p->body, "renew its certificate (stolen)\n"));
	assert_null(strstr(p->body, "(moved)"));
}

static void test_nothing_to_do(void **state)
{
	struct change ch;
	struct plan *p;

	(void)state;
	create_user("joe", NULL);
	add(CHANGE_USER_PATCH, "joe");
	ch = batch();
	p = done(&ch);
	assert_null(p->files);
	assert_null(p->body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_later_ones_see_earlier_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_failure_names_its_member, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_made_and_taken_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taken_and_made_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_certificate_a_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reasons, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_do, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
