/* Is a gateway connected? What OpenVPN's management socket tells, as a member of the gateway. */
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"
#include "base/time.h"

int live_parse(struct http_request *req, bool *out)
{
	*out = false;
	if (parse_flag(req, "status", out))
		return req->job->error;
	if (*out && http_query(req, "at"))
		return job_fail_field(
		    req->job, "status", "is known of the present alone, and does not go with at");
	return 0;
}

static int compare_name(const void *name, const void *client)
{
	return strcmp(name, ((const struct deploy_client *)client)->name);
}

void live_add(struct job *j, struct json *o, const struct deploy_clients *clients, const char *name)
{
	const struct deploy_client *c = NULL;
	struct json *status;
	char text[TIME_TEXT];

	if (!clients->is_known) {
		json_add_string(j->arena, o, "status", NULL);
		return;
	}
	if (clients->n)
		c = bsearch(name, clients->list, clients->n, sizeof(*clients->list), compare_name);
	status = json_add(o, "status", json_object(j->arena));
	json_add_bool(j->arena, status, "connected", c != NULL);
	if (!c)
		return;
	json_add_string(j->arena, status, "since", c->since ? time_print(c->since, text) : NULL);
	json_add_string(j->arena, status, "remote", *c->remote ? c->remote : NULL);
	json_add_int(j->arena, status, "received", (int64_t)c->received);
	json_add_int(j->arena, status, "sent", (int64_t)c->sent);
}
