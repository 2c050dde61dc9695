/*
 * /network and /server: settings, as network.json and servers/main.json of a
 * commit have them, and changed member by member like any other part of the state.
 */
#include <string.h>

#include "api/api_int.h"

static const char *const get_known[] = { "at", NULL };
static const char *const mutation_known[] = { "reason", "dry_run", NULL };
static const char *const nothing_known[] = { NULL };

struct settings { /* one of the two files */
	const char *path;
	enum change_kind patch;
};
static const struct settings network = { "network.json", CHANGE_NETWORK_PATCH };
static const struct settings server = { "servers/main.json", CHANGE_SERVER_PATCH };

/* The commit that is asked for, or the one that is rendered. */
static int find_commit(struct http_request *req, struct oid *out)
{
	const char *at = strcmp(req->method, "PATCH") == 0 ? NULL : http_query(req, "at"), *commit;
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_counts counts;
	struct query_entry entry;

	if (at ? query_commit(j, api->query, at, &entry, &commit) : query_counts(j, api->query, &counts))
		return j->error;
	memcpy(out->hex, at ? entry.commit : counts.commit, OID_HEX);
	return 0;
}

static int read_settings(struct http_request *req, const struct settings *which, struct object *o)
{
	const char *const paths[] = { which->path, NULL };
	struct api *api = req->context;
	struct job *j = req->job;
	struct model *m = model_open();
	struct oid commit;
	struct buf text;

	*o = (struct object){ .path = which->path };
	buf_open(&text, j->arena);
	if (find_commit(req, &commit) || flow_read_past(j, api->flow, &commit, paths, m))
		goto out;
	if (which == &network)
		model_encode_network(&text, model_network(m));
	else
		model_encode_server(&text, model_server(m));
	o->blob = o->tag = arena_strdup(j->arena, model_entity(m, which->path)->blob);
	o->commit = arena_strdup(j->arena, commit.hex);
	json_parse(j, text.data, text.len, &o->json);
out:
	model_close(m);
	return j->error;
}

static int get(struct http_request *req, struct http_response *res, const struct settings *which)
{
	struct object o;

	if (http_query_known(req, get_known) || read_settings(req, which, &o))
		return req->job->error;
	present(req, res, o.json, o.tag, o.commit);
	return 0;
}

static void answer(struct http_request *req, struct http_response *res, const struct settings *which,
    const struct flow_result *r)
{
	struct object o;

	if (mutate_is_dry(req, res, r))
		return;
	if (read_settings(req, which, &o)) {
		mutate_unread(req, which->path, &o);
	} else {
		mutate_add_restart(req->job, o.json, &r->summary);
		mutate_add_needs_config(req->job, o.json, &r->summary);
	}
	mutate_answer(req, res, r, &o);
}

static int patch(struct http_request *req, struct http_response *res, const struct settings *which)
{
	struct flow_result done = { 0 };
	struct change ch;
	struct object o;

	if (http_query_known(req, mutation_known) || mutate_open(req, which->patch, &ch) ||
	    parse_settings_patch(req, req->body, &ch) || read_settings(req, which, &o) ||
	    mutate_match(req, &o, &ch) || mutate_submit(req, &o, &ch, &done))
		return req->job->error;
	answer(req, res, which, &done);
	return 0;
}

int network_get(struct http_request *req, struct http_response *res)
{
	return get(req, res, &network);
}

int server_get(struct http_request *req, struct http_response *res)
{
	return get(req, res, &server);
}

int network_patch(struct http_request *req, struct http_response *res)
{
	return patch(req, res, &network);
}

int server_patch(struct http_request *req, struct http_response *res)
{
	return patch(req, res, &server);
}

/* It is no change: what is rendered stays, and OpenVPN reads it. */
int server_restart(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;

	if (http_query_known(req, nothing_known) || flow_restart(req->job, api->flow))
		return req->job->error;
	res->json = json_object(req->job->arena);
	json_add_bool(req->job->arena, res->json, "restarting", true);
	res->status = 202;
	return 0;
}
