/* /confirm/{commit}: what Confirm-Within left waiting stays (POST), or goes at once (DELETE). */
#include <string.h>

#include "api/api_int.h"

static const char *const mutation_known[] = { "reason", "dry_run", NULL };

/* Whole, as the answer of the change told it: nobody confirms HEAD, which may be something else by now. */
static int parse_commit(struct http_request *req, struct change *ch)
{
	const char *id = req->params[0];

	if (strlen(id) != OID_HEX - 1 || strspn(id, "0123456789abcdef") != OID_HEX - 1)
		return job_fail_field(req->job, "commit", "the whole id, please: 40 lower-case hex digits");
	ch->target = id;
	return 0;
}

static int answer(struct http_request *req, struct http_response *res, enum change_kind kind)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, kind, &ch) || parse_commit(req, &ch) ||
	    mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	mutate_answer_commit(req, res, &done);
	res->status = 200; /* nothing was created */
	return 0;
}

int confirm_keep(struct http_request *req, struct http_response *res)
{
	return answer(req, res, CHANGE_CONFIRM);
}

int confirm_undo(struct http_request *req, struct http_response *res)
{
	return answer(req, res, CHANGE_UNDO);
}
