/*
 * /metrics: how the service does and what ends when, for Prometheus.  Times
 * are seconds, sizes bytes; names that begin with ovpn_ are those that
 * ovpn-admin made familiar, with their units.  Gateways come page by page, so
 * that neither memory nor a transaction is held for all of them.
 */
#include <stdio.h>

#include "api/api_int.h"
#include "api/exposition.h"
#include "base/version.h"

enum { PAGE = 2000, MICROSECONDS = 1000000 };

static const char *const nothing_known[] = { NULL };

static void add_requests(struct http_request *req, struct buf *b)
{
	static const char name[] = "vpnunit_http_request_duration_seconds";
	const struct http_count *list;
	struct job *j = req->job;
	size_t n, i;

	exposition_family(b, "vpnunit_build_info", "gauge", "The version of the service.");
	exposition_labelled(b, "vpnunit_build_info", "version", VPNUNIT_VERSION, 1);
	exposition_one(
	    b, "vpnunit_http_streams", "gauge", "Streams of events that are open.", http_streams(req));
	exposition_one(b, "vpnunit_refused_tokens_total", "counter", "Requests with a wrong token.",
	    (int64_t)http_refused_tokens(req));
	exposition_family(
	    b, name, "histogram", "Requests by route and status; of a stream the time to its head.");
	list = http_counts(req, &n);
	for (i = 0; i < n; i++)
		exposition_histogram(b, name,
		    arena_printf(j->arena, "method=\"%s\",route=\"%s\",status=\"%d\"", list[i].method,
			list[i].route, list[i].status),
		    &list[i].time, MICROSECONDS);
}

static void add_writer(struct http_request *req, const struct flow_state *state, struct buf *b)
{
	struct api *api = req->context;
	struct flow_measures m;

	flow_measures(api->flow, &m);
	exposition_one(b, "vpnunit_writer_queue_length", "gauge", "Changes that wait for the writer.",
	    (int64_t)m.waiting);
	exposition_family(
	    b, "vpnunit_writer_batch_changes", "histogram", "Changes that the writer took at once.");
	exposition_histogram(b, "vpnunit_writer_batch_changes", "", &m.batches, 1);
	exposition_family(b, "vpnunit_writer_turn_duration_seconds", "histogram",
	    "The writer's turns, from the plan to what is rendered.");
	exposition_histogram(b, "vpnunit_writer_turn_duration_seconds", "", &m.turns, MICROSECONDS);
	exposition_family(b, "vpnunit_render_duration_seconds", "histogram",
	    "Rendering what changed, and putting it into place.");
	exposition_histogram(b, "vpnunit_render_duration_seconds", "", &m.renders, MICROSECONDS);
	exposition_family(b, "vpnunit_deploy_duration_seconds", "histogram", "The hooks behind a change.");
	exposition_histogram(b, "vpnunit_deploy_duration_seconds", "", &state->deploy.turns, MICROSECONDS);
	exposition_one(b, "vpnunit_drift_found_total", "counter",
	    "Rendered files that somebody else had changed.", (int64_t)m.drift);
}

/* The place of a commit in the history; 0 where it cannot be told, as while the index is built. */
static int64_t find_place(struct http_request *req, const char *commit)
{
	struct api *api = req->context;
	struct query_entry entry = { .seq = 0 };
	const char *snapshot;

	if (commit && *commit && query_commit(req->job, api->query, commit, &entry, &snapshot))
		entry.seq = 0;
	job_clear(req->job);
	return entry.seq;
}

static void add_lag(struct http_request *req, const struct flow_state *state, struct buf *b)
{
	int64_t head = find_place(req, state->head.hex);
	int64_t rendered = find_place(req, state->rendered), deployed = find_place(req, state->deploy.commit);

	if (!head)
		return;
	exposition_one(b, "vpnunit_commits_total", "counter", "Commits of the history, up to HEAD.", head);
	exposition_family(b, "vpnunit_lag_commits", "gauge", "How many commits a step is behind HEAD.");
	if (rendered)
		exposition_labelled(b, "vpnunit_lag_commits", "step", "rendered", head - rendered);
	if (deployed)
		exposition_labelled(b, "vpnunit_lag_commits", "step", "deployed", head - deployed);
}

static int64_t count(char *const *list)
{
	int64_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static void add_state(struct http_request *req, const struct flow_state *state, struct buf *b)
{
	size_t i;

	add_lag(req, state, b);
	exposition_family(b, "vpnunit_check_ok", "gauge", "The checks of /readyz: 1 well, 0 not.");
	for (i = 0; i < state->checks_n; i++)
		exposition_labelled(
		    b, "vpnunit_check_ok", "check", state->checks[i].name, state->checks[i].ok);
	exposition_family(b, "vpnunit_drift_differences", "gauge",
	    "What the last look found changed by somebody else, on the disk and in the kernel.");
	exposition_labelled(b, "vpnunit_drift_differences", "side", "disk", count(state->drift));
	exposition_labelled(b, "vpnunit_drift_differences", "side", "kernel",
	    count((char *const *)(const void *)state->deploy.drift));
	exposition_one(b, "vpnunit_openvpn_restart_needed", "gauge",
	    "OpenVPN has not been told of a new configuration yet.", state->deploy.restart_needed);
}

static void add_end(struct buf *b, const char *name, const char *help, int64_t left)
{
	exposition_one(b, name, "gauge", help, left);
}

static void add_ends(struct http_request *req, const struct flow_state *state, struct buf *b)
{
	int64_t now = req->job->now;

	add_end(b, "ovpn_server_crl_expire_seconds", "Seconds until the revocation list ends.",
	    state->crl_until - now);
	add_end(b, "ovpn_server_ca_cert_expire_seconds", "Seconds until the CA ends.", state->ca_until - now);
	add_end(b, "ovpn_server_cert_expire_seconds", "Seconds until the server's certificate ends.",
	    state->server_until - now);
}

static void add_connections(struct http_request *req, const struct flow_state *state, struct buf *b)
{
	struct api *api = req->context;
	struct deploy_clients c;
	size_t i;

	flow_clients(req->job, api->flow, NULL, &c);
	exposition_one(b, "ovpn_server_up", "gauge", "OpenVPN's management socket answers.",
	    state->deploy.openvpn_running);
	if (!c.is_known)
		return;
	exposition_one(b, "ovpn_clients_connected", "gauge", "Gateways that are connected.", (int64_t)c.n);
	exposition_family(
	    b, "ovpn_client_received_bytes_total", "counter", "Bytes from a gateway, since it connected.");
	for (i = 0; i < c.n; i++)
		exposition_labelled(b, "ovpn_client_received_bytes_total", "client", c.list[i].name,
		    (int64_t)c.list[i].received);
	exposition_family(
	    b, "ovpn_client_sent_bytes_total", "counter", "Bytes to a gateway, since it connected.");
	for (i = 0; i < c.n; i++)
		exposition_labelled(
		    b, "ovpn_client_sent_bytes_total", "client", c.list[i].name, (int64_t)c.list[i].sent);
}

/* One page of gateways; how many there were, or a job's error. */
static int send_page(struct http_request *req, struct job *j, char *after)
{
	const struct query_page page = { .limit = PAGE, .after = after };
	struct api *api = req->context;
	struct query_ends ends;
	struct buf b;
	size_t i;

	buf_open(&b, j->arena);
	if (query_ends(j, api->query, &page, &ends))
		return j->error;
	for (i = 0; i < ends.n; i++) {
		const struct query_end *end = &ends.rows[i];

		if (end->not_after)
			buf_printf(&b, "ovpn_client_cert_expire_seconds{client=\"%s\",user=\"%s\"} %lld\n",
			    end->name, end->user, (long long)(end->not_after - req->job->now));
	}
	if (ends.n)
		snprintf(after, GATEWAY_NAME_MAX + 1, "%s", ends.rows[ends.n - 1].name);
	return http_write(req, b.data, b.len) ? (int)ends.n : 0;
}

static int send_gateways(struct http_request *req)
{
	char after[GATEWAY_NAME_MAX + 1] = "";
	struct job j;
	int n;

	do {
		job_open(&j);
		n = send_page(req, &j, after);
		if (n < 0)
			job_fail(req->job, n, j.code, "%s", j.message);
		job_close(&j);
	} while (n == PAGE);
	return req->job->error;
}

int metrics_get(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_counts counts;
	struct flow_state state;
	struct buf b;

	buf_open(&b, j->arena);
	if (http_query_known(req, nothing_known) || flow_state(j, api->flow, &state) ||
	    query_counts(j, api->query, &counts))
		return j->error;
	add_requests(req, &b);
	add_writer(req, &state, &b);
	add_state(req, &state, &b);
	add_ends(req, &state, &b);
	add_connections(req, &state, &b);
	exposition_one(&b, "vpnunit_users", "gauge", "Users that there are.", counts.users);
	exposition_one(&b, "ovpn_clients", "gauge", "Gateways that there are.", counts.gateways);
	exposition_family(&b, "ovpn_client_cert_expire_seconds", "gauge",
	    "Seconds until the newest certificate of a gateway ends.");
	res->content_type = "text/plain; version=0.0.4; charset=utf-8";
	http_begin(req);
	return http_write(req, b.data, b.len) ? send_gateways(req) : 0;
}
