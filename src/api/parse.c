/*
 * From JSON to a change: every member is known, typed and checked here, names
 * folded to lower case.  The object is a request's body or an entry of a
 * batch.  Decides nothing about the state.
 */
#include <string.h>

#include "api/api_int.h"

enum { REASON_MAX = 500 };

const char *parse_fold(struct job *j, const char *s)
{
	char *out = arena_strdup(j->arena, s), *p;

	for (p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return out;
}

int parse_user_name(struct http_request *req, const char **out)
{
	*out = parse_fold(req->job, req->params[0]);
	if (!model_is_user_name(*out))
		return job_fail(req->job, E_NOT_FOUND, "not_found", "no user %s", *out);
	return 0;
}

int parse_gateway_name(struct http_request *req, const char **out)
{
	*out = parse_fold(req->job, req->params[0]);
	if (!model_is_gateway_name(*out))
		return job_fail(req->job, E_NOT_FOUND, "not_found", "no gateway %s", *out);
	return 0;
}

int parse_user_member(
    struct job *j, const struct json *body, const char *key, bool required, const char **out)
{
	const char *text = NULL;

	if (json_want_string(j, body, key, required, &text) || !text)
		return j->error;
	*out = parse_fold(j, text);
	if (!model_is_user_name(*out))
		return job_fail_field(j, key,
		    "a user's name has 1 to %d of a-z 0-9 . _ - and begins with a letter or digit",
		    USER_NAME_MAX);
	return 0;
}

int parse_gateway_member(struct job *j, const struct json *body, const char **out)
{
	const char *text = NULL;

	if (json_want_string(j, body, "name", true, &text))
		return j->error;
	*out = parse_fold(j, text);
	if (!model_is_gateway_name(*out))
		return job_fail_field(j, "name",
		    "a gateway's name is a host name of at most %d characters: labels of 1 to 63 of a-z 0-9 -, "
		    "no hyphen at their ends",
		    GATEWAY_NAME_MAX);
	return 0;
}

int parse_user_create(struct http_request *req, const struct json *body, struct change *ch)
{
	static const char *const known[] = { "name", "id", NULL };

	if (json_known(req->job, body, known) || parse_user_member(req->job, body, "name", true, &ch->name))
		return req->job->error;
	return json_want_string(req->job, body, "id", false, &ch->id);
}

int parse_user_patch(struct http_request *req, const struct json *body, struct change *ch)
{
	static const char *const known[] = { "name", "enabled", NULL };

	ch->has_enabled = json_get(body, "enabled") != NULL;
	if (json_known(req->job, body, known) ||
	    parse_user_member(req->job, body, "name", false, &ch->new_name))
		return req->job->error;
	return json_want_bool(req->job, body, "enabled", false, &ch->enabled);
}

/* One of two words: 0 or 1 in *out, which stays where there is none. */
static int want_word(
    struct job *j, const struct json *body, const char *key, const char *const words[2], int *out)
{
	const char *text = NULL;
	int i;

	if (json_want_string(j, body, key, false, &text) || !text)
		return j->error;
	for (i = 0; i < 2; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
	return job_fail_field(j, key, "has to be \"%s\" or \"%s\"", words[0], words[1]);
}

static int want_allow(struct http_request *req, const struct json *body, struct change *ch)
{
	struct api *api = req->context;
	struct job *j = req->job;
	const struct json *array = NULL;
	struct model *m = NULL;

	if (json_want_array(j, body, "allow", false, &array) || !array)
		return j->error;
	ch->has_allow = true;
	if (query_network(j, api->query, &m) == 0)
		model_parse_allow(j, model_network(m), array, &ch->allow, &ch->allow_n);
	model_close(m);
	return j->error;
}

/* The members that PATCH and POST have in common. */
static int parse_settings(struct http_request *req, const struct json *body, struct change *ch)
{
	const char *const inbound[] = { model_inbound_word(INBOUND_DENY), model_inbound_word(INBOUND_ALLOW) };
	const char *const routes[] = { model_routes_word(ROUTES_PREFIX), model_routes_word(ROUTES_INTERNET) };
	int in = INBOUND_DENY, out = ROUTES_PREFIX;

	ch->has_enabled = json_get(body, "enabled") != NULL;
	ch->has_inbound = json_get(body, "inbound") != NULL;
	ch->has_routes = json_get(body, "routes") != NULL;
	if (json_want_bool(req->job, body, "enabled", false, &ch->enabled) ||
	    want_word(req->job, body, "inbound", inbound, &in) ||
	    want_word(req->job, body, "routes", routes, &out) || want_allow(req, body, ch))
		return req->job->error;
	ch->inbound = (enum inbound)in;
	ch->routes = (enum routes)out;
	return 0;
}

int parse_gateway_create(struct http_request *req, const struct json *body, struct change *ch)
{
	static const char *const known[] = { "name", "user", "id", "enabled", "inbound", "routes", "allow",
		NULL };

	if (json_known(req->job, body, known) || parse_gateway_member(req->job, body, &ch->name) ||
	    parse_user_member(req->job, body, "user", true, &ch->user) ||
	    json_want_string(req->job, body, "id", false, &ch->id))
		return req->job->error;
	return parse_settings(req, body, ch);
}

int parse_gateway_patch(struct http_request *req, const struct json *body, struct change *ch)
{
	static const char *const known[] = { "enabled", "inbound", "routes", "allow", NULL };

	return json_known(req->job, body, known) || parse_settings(req, body, ch) ? req->job->error : 0;
}

int parse_settings_patch(struct http_request *req, const struct json *body, struct change *ch)
{
	(void)req;
	ch->settings = body;
	return 0;
}

/* It becomes a trailer of a commit: one line of printable text. */
static int check_reason(struct job *j, const char *text)
{
	const unsigned char *p;

	if (strlen(text) > REASON_MAX)
		return job_fail_field(j, "reason", "longer than %d bytes", REASON_MAX);
	for (p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return job_fail_field(j, "reason", "holds a control character");
	return 0;
}

int parse_reason(struct http_request *req, struct change *ch)
{
	const char *text = http_query(req, "reason");

	ch->reason = text ? text : "";
	return check_reason(req->job, ch->reason);
}

int parse_reason_member(struct job *j, const struct json *body, struct change *ch)
{
	if (json_want_string(j, body, "reason", false, &ch->reason))
		return j->error;
	return check_reason(j, ch->reason);
}

int parse_renew(struct http_request *req, const struct json *body, struct change *ch)
{
	static const char *const known[] = { "force", "revoke_old", "reason", NULL };

	if (!body)
		return 0;
	if (json_known(req->job, body, known) || json_want_bool(req->job, body, "force", false, &ch->force) ||
	    json_want_bool(req->job, body, "revoke_old", false, &ch->revoke_old))
		return req->job->error;
	return parse_reason_member(req->job, body, ch);
}

int parse_flag(struct http_request *req, const char *name, bool *out)
{
	const char *text = http_query(req, name);

	if (!text)
		return 0;
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return job_fail_field(req->job, name, "has to be 0 or 1");
	*out = text[0] == '1';
	return 0;
}
