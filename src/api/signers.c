/* /signers, /signer/{name}: the keys that pushed commits have to be signed with, once there is one. */
#include <string.h>

#include "api/api_int.h"

static const char *const nothing_known[] = { NULL };
static const char *const mutation_known[] = { "reason", "dry_run", NULL };

static void add_signer(struct job *j, struct json *o, const char *name, const char *key)
{
	json_add_string(j->arena, o, "name", name);
	json_add_string(j->arena, o, "key", key);
}

int signers_list(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *list = json_array(j->arena);
	const struct flow_signer *all;
	struct flow_state state;
	size_t n, i;

	if (http_query_known(req, nothing_known) || flow_state(j, api->flow, &state))
		return j->error;
	flow_list_signers(j, api->flow, &all, &n);
	for (i = 0; i < n; i++)
		add_signer(j, json_add(list, NULL, json_object(j->arena)), all[i].name, all[i].key);
	present(req, res, list, NULL, arena_strdup(j->arena, state.head.hex));
	return 0;
}

static int parse_create(struct http_request *req, struct change *ch)
{
	static const char *const known[] = { "name", "key", NULL };
	struct job *j = req->job;

	if (json_known(j, req->body, known) || parse_user_member(j, req->body, "name", true, &ch->name) ||
	    json_want_string(j, req->body, "key", true, &ch->key))
		return j->error;
	return model_is_signer_key(ch->key) ? 0
					    : job_fail_field(j, "key",
						  "has to be a line of a .pub file of ssh-keygen -t ed25519: "
						  "ssh-ed25519 AAAA...");
}

int signers_create(struct http_request *req, struct http_response *res)
{
	struct object o = { .json = json_object(req->job->arena) };
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_SIGNER_CREATE, &ch) ||
	    parse_create(req, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	if (mutate_is_dry(req, res, &done))
		return 0;
	add_signer(req->job, o.json, ch.name, ch.key);
	mutate_answer(req, res, &done, &o);
	res->status = 201;
	http_set_header(req->job, res, "Location", arena_printf(req->job->arena, "/signer/%s", ch.name));
	return 0;
}

int signers_delete(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_SIGNER_DELETE, &ch))
		return req->job->error;
	ch.name = parse_fold(req->job, req->params[0]);
	if (!model_is_token_name(ch.name))
		return job_fail(req->job, E_NOT_FOUND, "not_found", "no signer %s", ch.name);
	if (mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	if (!mutate_is_dry(req, res, &done))
		mutate_answer(req, res, &done, NULL);
	return 0;
}
