/*
 * POST /push: commits that git receive-pack has put into the repository are to
 * be accepted.  The door of the hook proc-receive, which runs as the
 * repository's user: who pushed is what it says.
 */
#include <string.h>

#include "api/api_int.h"

static const char *const nothing_known[] = { NULL };
static const char *const members[] = { "actor", "new", "old", "pusher", NULL };

static int want_commit(struct job *j, const struct json *body, const char *key, const char **out)
{
	if (json_want_string(j, body, key, true, out))
		return j->error;
	if (strlen(*out) != OID_HEX - 1 || strspn(*out, "0123456789abcdef") != OID_HEX - 1)
		return job_fail_field(j, key, "has to be the id of a commit, 40 digits");
	return 0;
}

static int parse_push(struct http_request *req, struct change *ch)
{
	struct job *j = req->job;

	if (json_known(j, req->body, members) || want_commit(j, req->body, "old", &ch->base) ||
	    want_commit(j, req->body, "new", &ch->target) ||
	    json_want_string(j, req->body, "actor", true, &ch->actor) ||
	    json_want_string(j, req->body, "pusher", true, &ch->pusher))
		return j->error;
	return *ch->actor ? 0 : job_fail_field(j, "actor", "is empty");
}

int push_accept(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, nothing_known) || mutate_open(req, CHANGE_PUSH, &ch) ||
	    parse_push(req, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	mutate_answer_commit(req, res, &done);
	return 0;
}
