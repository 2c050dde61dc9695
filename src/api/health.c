/* /healthz: the process answers. /readyz: what it is there for works. Both without a token. */
#include "api/api_int.h"

static const char *const nothing_known[] = { NULL };

int health_alive(struct http_request *req, struct http_response *res)
{
	if (http_query_known(req, nothing_known))
		return req->job->error;
	res->json = json_object(req->job->arena);
	json_add_bool(req->job->arena, res->json, "alive", true);
	return 0;
}

int health_ready(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *list;
	struct flow_state state;
	size_t i;

	if (http_query_known(req, nothing_known) || flow_state(j, api->flow, &state))
		return j->error;
	res->json = json_object(j->arena);
	list = json_add(res->json, "checks", json_array(j->arena));
	for (i = 0; i < state.checks_n; i++) {
		struct json *o = json_add(list, NULL, json_object(j->arena));

		json_add_string(j->arena, o, "name", state.checks[i].name);
		json_add_bool(j->arena, o, "ok", state.checks[i].ok);
		json_add_string(j->arena, o, "detail", state.checks[i].detail);
		if (!state.checks[i].ok)
			res->status = 503;
	}
	return 0;
}
