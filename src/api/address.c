/* /address/{ipv6}: who has it, or had it. */
#include "api/api_int.h"
#include "base/time.h"

static const char *const known[] = { "at", NULL };

int address_get(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	const char *at = http_query(req, "at"), *head;
	struct json *o = json_object(j->arena);
	struct query_tenure tenure;
	struct query_entry entry;
	char text[TIME_TEXT];

	if (http_query_known(req, known) || query_commit(j, api->query, at ? at : "HEAD", &entry, &head) ||
	    query_address(j, api->query, req->params[0], &entry, &tenure))
		return j->error;
	json_add_string(j->arena, o, "user", tenure.user);
	json_add_string(j->arena, o, "gateway", tenure.gateway);
	json_add_string(j->arena, o, "prefix", tenure.prefix);
	json_add_string(j->arena, o, "since", time_print(tenure.since.time, text));
	json_add_string(j->arena, o, "until", tenure.until ? time_print(tenure.until, text) : NULL);
	json_add_string(j->arena, o, "commit", tenure.since.commit);
	json_add_string(j->arena, o, "actor", tenure.since.actor);
	present(req, res, o, entry.commit, entry.commit);
	return 0;
}
