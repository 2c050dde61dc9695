/* /state: HEAD, the rendered and the deployed commit, how they differ. /render: for the command of that name. */
#include "api/api_int.h"
#include "base/time.h"

static const char *const nothing_known[] = { NULL };

static void add_drift(struct job *j, struct json *o, const struct flow_state *state)
{
	struct json *list = json_add(o, "drift", json_array(j->arena));
	size_t i;

	for (i = 0; state->drift && state->drift[i]; i++)
		json_add_string(j->arena, list, NULL, state->drift[i]);
	for (i = 0; state->deploy.drift && state->deploy.drift[i]; i++)
		json_add_string(j->arena, list, NULL, state->deploy.drift[i]);
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void add_pending(struct job *j, struct json *o, const struct flow_state *state)
{
	struct json *pending;
	char text[TIME_TEXT];

	if (!state->pending.hex[0]) {
		json_add_string(j->arena, o, "pending", NULL);
		return;
	}
	pending = json_add(o, "pending", json_object(j->arena));
	json_add_string(j->arena, pending, "commit", state->pending.hex);
	json_add_string(j->arena, pending, "deadline", time_print(state->pending_until, text));
}

int state_get(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *o = json_object(j->arena), *openvpn;
	struct query_counts counts;
	struct flow_state state;

	if (http_query_known(req, nothing_known) || flow_state(j, api->flow, &state) ||
	    query_counts(j, api->query, &counts))
		return j->error;
	json_add_string(j->arena, o, "head", state.head.hex);
	json_add_string(j->arena, o, "rendered", or_null(state.rendered));
	json_add_string(j->arena, o, "deployed", or_null(state.deploy.commit));
	json_add_string(j->arena, o, "detail", or_null(state.deploy.detail));
	add_drift(j, o, &state);
	openvpn = json_add(o, "openvpn", json_object(j->arena));
	json_add_bool(j->arena, openvpn, "running", state.deploy.openvpn_running);
	json_add_bool(j->arena, openvpn, "restart_needed", state.deploy.restart_needed);
	add_pending(j, o, &state);
	json_add_int(j->arena, o, "users", counts.users);
	json_add_int(j->arena, o, "gateways", counts.gateways);
	res->json = o;
	http_set_header(j, res, "X-Commit", counts.commit);
	return 0;
}

/* Everything anew, by the writer. */
int state_render(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_counts counts;

	if (http_query_known(req, nothing_known) || flow_render(j, api->flow) ||
	    query_counts(j, api->query, &counts))
		return j->error;
	res->json = json_object(j->arena);
	json_add_string(j->arena, res->json, "rendered", counts.commit);
	http_set_header(j, res, "X-Commit", counts.commit);
	return 0;
}

/* What differs on the disk from what HEAD renders, compared now. */
int state_check(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *list;
	char **differences;

	if (http_query_known(req, nothing_known) || flow_check(j, api->flow, &differences))
		return j->error;
	res->json = json_object(j->arena);
	list = json_add(res->json, "differences", json_array(j->arena));
	for (; *differences; differences++)
		json_add_string(j->arena, list, NULL, *differences);
	return 0;
}
