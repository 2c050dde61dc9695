/*
 * Goal: what GET answers is the rendered commit, whole: one snapshot an answer
 * while the writer goes on, sorted, paged, and no more than was asked for.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "query/query.h"
#include "render_fixture.h"

static struct world w;
static struct query *q;

static int set_up(void **state)
{
	(void)state;
	world_open(&w);
	q = NULL;
	world_check(&w, query_open(&w.job, w.data, &q));
	world_add_user(&w, "joe");
	world_add_user(&w, "eve");
	world_add_gateway(&w, "b.example.org", "joe");
	world_add_gateway(&w, "a.example.org", "joe");
	world_add_gateway(&w, "c.example.org", "eve");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	query_close(q);
	world_close(&w);
	return 0;
}

static const struct query_page all;

static void test_users(void **state)
{
	struct query_users found;
	struct query_user row;
	const char *commit;

	(void)state;
	world_check(&w, query_users(&w.job, q, &all, &found));
	assert_string_equal(found.commit, w.commit);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.rows[0].name, "eve");
	assert_string_equal(found.rows[0].id, "04");
	assert_string_equal(found.rows[0].prefix, "2001:db8:0:400::/56");
	assert_int_equal(found.rows[0].gateways, 1);
	assert_true(found.rows[0].enabled);
	assert_string_equal(found.rows[1].name, "joe");
	assert_int_equal(found.rows[1].gateways, 2);
	assert_int_equal(found.rows[1].created, w.job.now);
	assert_string_equal(found.rows[1].blob, model_user_by_name(w.model, "joe")->entity.blob);

	world_check(&w, query_users(&w.job, q, &(struct query_page){ .limit = 1 }, &found));
	assert_int_equal(found.n, 1);
	world_check(&w, query_users(&w.job, q, &(struct query_page){ .limit = 5, .after = "eve" }, &found));
	assert_int_equal(found.n, 1);
	assert_string_equal(found.rows[0].name, "joe");

	world_check(&w, query_user(&w.job, q, "eve", &row, &commit));
	assert_string_equal(row.name, "eve");
	assert_int_equal(query_user(&w.job, q, "ev", &row, &commit), E_NOT_FOUND);
	assert_string_equal(w.job.code, "not_found");
	assert_string_equal(commit, w.commit);
}

static const char *names(const struct query_gateway_filter *f, const struct query_page *page)
{
	struct query_gateways found;
	struct buf b;
	size_t i;

	world_check(&w, query_gateways(&w.job, q, f, page, &found));
	assert_string_equal(found.commit, w.commit);
	buf_open(&b, w.job.arena);
	for (i = 0; i < found.n; i++)
		buf_printf(&b, "%.1s", found.rows[i].name);
	return b.data;
}

static void test_gateways(void **state)
{
	const struct query_gateway_filter none = { .user = NULL };
	const struct gateway *g = model_gateway_by_name(w.model, "a.example.org");
	struct query_gateway row;
	const char *commit;

	(void)state;
	assert_string_equal(names(&none, &all), "abc");
	assert_string_equal(names(&(struct query_gateway_filter){ .user = "joe" }, &all), "ab");
	assert_string_equal(names(&(struct query_gateway_filter){ .user = "nobody" }, &all), "");
	assert_string_equal(names(&none, &(struct query_page){ .limit = 2 }), "ab");
	assert_string_equal(names(&none, &(struct query_page){ .limit = 2, .after = "b.example.org" }), "c");

	world_check(&w, query_gateway(&w.job, q, "a.example.org", &row, &commit));
	assert_string_equal(row.user, "joe");
	assert_string_equal(row.id, "1");
	assert_string_equal(row.prefix, "2001:db8:0:310::/60");
	assert_string_equal(row.address, "2001:db8:0:310::1");
	assert_string_equal(row.inbound, "deny");
	assert_string_equal(row.routes, "prefix");
	assert_string_equal(row.allow, "[]");
	assert_string_equal(row.blob, g->entity.blob);
	assert_true(row.enabled);
	assert_int_equal(row.certificates_n, 1);
	assert_string_equal(
	    row.certificates[0].serial, model_current_certificate(w.model, g->device.hex)->serial.hex);
	assert_int_equal(row.certificates[0].until, 0);

	world_enable(&w, CHANGE_USER_PATCH, "joe", false);
	world_check(&w, query_gateway(&w.job, q, "a.example.org", &row, &commit));
	assert_true(row.enabled);
	assert_int_equal(query_gateway(&w.job, q, "x", &row, &commit), E_NOT_FOUND);
	assert_says(w.job.message, "there is no gateway x");
}

static void test_certificates(void **state)
{
	const struct gateway *g = model_gateway_by_name(w.model, "a.example.org");
	const char *old = model_current_certificate(w.model, g->device.hex)->serial.hex, *commit;
	struct query_gateway_filter soon = { .user = NULL };
	struct query_gateway row;
	struct certificate copy;

	(void)state;
	w.job.now += 100;
	world_renew(&w, "a.example.org", false);
	copy = *model_current_certificate(w.model, g->device.hex);
	world_check(&w, query_gateway(&w.job, q, "a.example.org", &row, &commit));
	assert_int_equal(row.certificates_n, 2);
	assert_string_equal(row.certificates[0].serial, copy.serial.hex);
	assert_string_equal(row.certificates[1].serial, old);
	assert_int_equal(row.certificates[1].until, model_supersession(w.model, old)->until);

	soon.expires_before = copy.not_after;
	assert_string_equal(names(&soon, &all), "bc");
	soon.expires_before = copy.not_after + 1;
	assert_string_equal(names(&soon, &all), "abc");

	world_renew(&w, "a.example.org", true); /* both go */
	world_check(&w, query_gateway(&w.job, q, "a.example.org", &row, &commit));
	assert_int_equal(row.certificates_n, 1);
	w.job.now = copy.not_after + 1000;
	world_check(&w, query_gateway(&w.job, q, "a.example.org", &row, &commit));
	assert_int_equal(row.certificates_n, 0);
}

static void test_counts(void **state)
{
	struct query_counts counts;

	(void)state;
	world_delete(&w, CHANGE_GATEWAY_DELETE, "b.example.org");
	world_check(&w, query_counts(&w.job, q, &counts));
	assert_int_equal(counts.users, 2);
	assert_int_equal(counts.gateways, 2);
	assert_string_equal(counts.commit, w.commit);
}

/* A client's file from nothing but the database and the master key. */
static void test_profile(void **state)
{
	struct query_profile p;
	const char *commit;
	struct buf text;

	(void)state;
	world_check(&w, query_profile(&w.job, q, "a.example.org", &p, &commit));
	assert_string_equal(commit, w.commit);
	assert_string_equal(
	    p.gateway->entity.blob, model_gateway_by_name(w.model, "a.example.org")->entity.blob);
	assert_string_equal(model_current_certificate(p.model, p.gateway->device.hex)->entity.blob,
	    model_current_certificate(w.model, p.gateway->device.hex)->entity.blob);
	assert_string_equal(model_ca(p.model)->entity.blob, model_ca(w.model)->entity.blob);
	buf_open(&text, w.job.arena);
	world_check(&w, render_profile(&w.job, w.pki, p.model, p.gateway, &text));
	model_close(p.model);
	assert_says(text.data, "# a.example.org, 2001:db8:0:310::/60\n# valid until 20");
	assert_says(text.data, "\nremote vpn.example.org 1194\nremote-cert-tls server\n");
	assert_says(text.data, "\nverify-x509-name vpn.example.org name\n");
	assert_says(text.data, "<key>\n-----BEGIN PRIVATE KEY-----\n");
	assert_says(text.data, "<tls-crypt-v2>\n-----BEGIN OpenVPN tls-crypt-v2 client key-----\n");
	world_write(&w, "a.ovpn", text.data);
	world_run(&w, "PATH=$PATH:/usr/sbin; ! which openvpn || openvpn --config a.ovpn --show-ciphers");
	world_run(&w,
	    "for i in cert key; do sed -n \"/<$i>/,/<.$i>/p\" a.ovpn | grep -v '^<' > $i.pem; done; "
	    "openssl x509 -in cert.pem -noout -pubkey > 1; openssl pkey -in key.pem -pubout | cmp - 1");
}

static void test_profile_is_refused(void **state)
{
	struct query_profile p;
	const char *commit;

	(void)state;
	assert_int_equal(query_profile(&w.job, q, "x", &p, &commit), E_NOT_FOUND);
	assert_null(p.model);
	job_clear(&w.job);
	w.job.now += 1000 * (int64_t)86400;
	assert_int_equal(query_profile(&w.job, q, "a.example.org", &p, &commit), E_CONFLICT);
	assert_string_equal(w.job.code, "no_certificate");
	assert_null(p.model);
}

static void test_network(void **state)
{
	struct model *m;

	(void)state;
	world_check(&w, query_network(&w.job, q, &m));
	assert_string_equal(model_network(m)->entity.blob, model_network(w.model)->entity.blob);
	assert_string_equal(model_server(m)->entity.blob, model_server(w.model)->entity.blob);
	model_close(m);
}

/* The file was set aside and made anew: connections to the old one are not used any more. */
static void test_replaced_database(void **state)
{
	struct query_counts counts;

	(void)state;
	world_check(&w, query_counts(&w.job, q, &counts));
	render_close(w.render);
	world_run(&w, "mkdir away && mv database.sqlite3* away");
	world_check(&w, render_open(&w.job, w.data, (gid_t)-1, w.pki, &w.render));
	world_add_user(&w, "new");
	world_check(&w, query_counts(&w.job, q, &counts));
	assert_int_equal(counts.users, 3);
	assert_string_equal(counts.commit, w.commit);
}

static atomic_bool is_over;
static unsigned long first; /* commit, with three gateways; each one after it has four or three, in turns */

/* Rows and commit are of one snapshot, however many statements were asked for them. */
static void *read_on(void *result)
{
	int *wrong = result;
	const struct query_gateway_filter none = { .user = NULL };
	struct query_gateways found;
	struct job j;
	size_t i;

	while (!is_over) {
		job_open(&j);
		if (query_gateways(&j, q, &none, &all, &found) ||
		    found.n != 3 + (strtoul(found.commit, NULL, 16) - first) % 2)
			(*wrong)++;
		for (i = 0; !j.error && i < found.n; i++)
			*wrong += found.rows[i].certificates_n != 1;
		job_close(&j);
	}
	return NULL;
}

static void test_snapshots(void **state)
{
	pthread_t threads[3];
	int wrong[3] = { 0 };
	size_t i;

	(void)state;
	is_over = false;
	first = strtoul(w.commit, NULL, 16);
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &wrong[i]), 0);
	for (i = 0; i < 30; i++) {
		world_add_gateway(&w, "d.example.org", "eve");
		world_delete(&w, CHANGE_GATEWAY_DELETE, "d.example.org");
	}
	is_over = true;
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

static void test_without_database(void **state)
{
	struct query *other;

	(void)state;
	assert_int_equal(query_open(&w.job, w.dir, &other), E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gateways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_certificates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_profile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_profile_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_network, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced_database, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_snapshots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_without_database, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
