/* /network: name, address plan, policies and defaults, as network.json of a commit has them. */
#include <string.h>

#include "api/api_int.h"

static const char *const known[] = { "at", NULL };

/* The commit that is asked for, or the one that is rendered. */
static int find_commit(struct http_request *req, struct oid *out)
{
	const char *at = http_query(req, "at"), *commit;
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_counts counts;
	struct query_entry entry;

	if (at ? query_commit(j, api->query, at, &entry, &commit) : query_counts(j, api->query, &counts))
		return j->error;
	memcpy(out->hex, at ? entry.commit : counts.commit, OID_HEX);
	return 0;
}

int network_get(struct http_request *req, struct http_response *res)
{
	static const char *const nothing_else[] = { NULL };
	struct api *api = req->context;
	struct job *j = req->job;
	struct model *m = model_open();
	struct json *json;
	struct oid commit;
	struct buf text;

	buf_open(&text, j->arena);
	if (http_query_known(req, known) || find_commit(req, &commit) ||
	    flow_read_past(j, api->flow, &commit, nothing_else, m))
		goto out;
	model_encode_network(&text, model_network(m));
	if (json_parse(j, text.data, text.len, &json) == 0)
		present(req, res, json, arena_strdup(j->arena, model_network(m)->entity.blob),
		    arena_strdup(j->arena, commit.hex));
out:
	model_close(m);
	return j->error;
}
