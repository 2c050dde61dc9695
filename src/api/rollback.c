/* POST /rollback and /commit/{id}/revert: intent as it was, or as it would be without one commit. */
#include <string.h>

#include "api/api_int.h"

static const char *const mutation_known[] = { "reason", "dry_run", NULL };
static const char *const rollback_known[] = { "to", "reason", "only", "include", NULL };
static const char *const revert_known[] = { "reason", NULL };

/* A whole id needs no index, which may lag behind a fresh clone; the writer looks whether there is such a commit. */
static bool is_whole_id(const char *text)
{
	return strlen(text) == OID_HEX - 1 && text[strspn(text, "0123456789abcdef")] == '\0';
}

/* The commit that a text of the grammar of ids means. */
static int find_target(struct http_request *req, const char *text, struct change *ch)
{
	struct api *api = req->context;
	struct query_entry entry;
	const char *head;

	ch->target = text;
	if (is_whole_id(text))
		return 0;
	if (query_commit(req->job, api->query, text, &entry, &head))
		return req->job->error;
	ch->target = entry.commit;
	return 0;
}

static size_t count(const struct json *array)
{
	const struct json *v;
	size_t n = 0;

	for (v = array->child; v; v = v->next)
		n++;
	return n;
}

/* "user:NAME" or "gateway:NAME", with the name folded. */
static int parse_object(struct job *j, const struct json *v, const char **out)
{
	const char *text = v->type == JSON_STRING ? parse_fold(j, v->string) : "";

	*out = text;
	if (strncmp(text, "user:", 5) == 0 && model_is_user_name(text + 5))
		return 0;
	if (strncmp(text, "gateway:", 8) == 0 && model_is_gateway_name(text + 8))
		return 0;
	return job_fail_field(j, "only", "has to hold \"user:NAME\" or \"gateway:NAME\"");
}

static int parse_only(struct job *j, const struct json *body, struct change *ch)
{
	const struct json *array = NULL, *v;
	const char **list;

	if (json_want_array(j, body, "only", false, &array) || !array)
		return j->error;
	if (!array->child) /* nothing at all is no way to say everything */
		return job_fail_field(j, "only", "is empty: leave it out for a rollback of everything");
	list = arena_alloc(j->arena, (count(array) + 1) * sizeof(*list));
	ch->only = list;
	for (v = array->child; v; v = v->next)
		if (parse_object(j, v, list++))
			return j->error;
	return 0;
}

static int parse_include(struct job *j, const struct json *body, struct change *ch)
{
	const struct json *array = NULL, *v;

	if (json_want_array(j, body, "include", false, &array) || !array)
		return j->error;
	for (v = array->child; v; v = v->next) {
		if (v->type != JSON_STRING || strcmp(v->string, "network") != 0)
			return job_fail_field(j, "include", "has to hold \"network\"");
		ch->with_network = true;
	}
	return 0;
}

static int parse_rollback(struct http_request *req, struct change *ch)
{
	struct job *j = req->job;
	const char *to;

	if (json_known(j, req->body, rollback_known) || json_want_string(j, req->body, "to", true, &to) ||
	    parse_reason_member(j, req->body, ch) || parse_only(j, req->body, ch) ||
	    parse_include(j, req->body, ch))
		return j->error;
	return find_target(req, to, ch);
}

int rollback_to(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_ROLLBACK, &ch) ||
	    parse_rollback(req, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	mutate_answer_commit(req, res, &done);
	return 0;
}

static int parse_revert(struct http_request *req, struct change *ch)
{
	struct job *j = req->job;

	if (req->body && (json_known(j, req->body, revert_known) || parse_reason_member(j, req->body, ch)))
		return j->error;
	return find_target(req, req->params[0], ch);
}

int rollback_revert(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_REVERT, &ch) ||
	    parse_revert(req, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	mutate_answer_commit(req, res, &done);
	return 0;
}
