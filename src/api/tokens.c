/* /tokens, /token/{name}: who may do what. A token is drawn here, shown in this one answer and kept nowhere. */
#include <string.h>

#include "api/api_int.h"
#include "base/digest.h"
#include "base/time.h"

enum { SECRET_BYTES = 32, SECRET_HEX = 2 * SECRET_BYTES + 1, ANSWER_MAX = 2048 };

static const char *const list_known[] = { "limit", "cursor", NULL };
static const char *const mutation_known[] = { "reason", "dry_run", NULL };

static void add_time(struct job *j, struct json *o, const char *key, int64_t t)
{
	char text[TIME_TEXT];

	json_add_string(j->arena, o, key, t ? time_print(t, text) : NULL);
}

static struct json *present_token(struct job *j, const struct flow_token *t)
{
	struct json *o = json_object(j->arena);
	bool is_over = t->expires && t->expires <= j->now;

	json_add_string(j->arena, o, "name", t->name);
	json_add_string(j->arena, o, "role", model_role_word(t->role));
	json_add_string(j->arena, o, "user", t->user);
	json_add_string(j->arena, o, "gateway", t->gateway);
	add_time(j, o, "created", t->created);
	add_time(j, o, "expires", t->expires);
	json_add_string(j->arena, o, "state", is_over ? "expired" : t->stands ? "valid" : "gone");
	return o;
}

static const char *read_head(struct job *j, struct flow *flow)
{
	struct flow_state state;

	flow_state(j, flow, &state);
	return arena_strdup(j->arena, state.head.hex);
}

int tokens_list(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *list = json_array(j->arena);
	const struct flow_token *all;
	const char *head;
	struct page page;
	size_t n, i, shown = 0;

	if (http_query_known(req, list_known) || page_parse(req, &page))
		return j->error;
	head = read_head(j, api->flow);
	flow_list_tokens(j, api->flow, &all, &n);
	for (i = 0; i < n; i++) {
		if (page.query.after && strcmp(all[i].name, page.query.after) <= 0)
			continue;
		if (page.limit && shown == page.limit) {
			page_link(req, res, &page, "", all[i - 1].name);
			break;
		}
		json_add(list, NULL, present_token(j, &all[i]));
		shown++;
	}
	present(req, res, list, NULL, head);
	return 0;
}

/* Names of other tokens than there could be are not found, whoever asks. */
static int parse_name(struct http_request *req, const char **out)
{
	*out = parse_fold(req->job, req->params[0]);
	if (!model_is_token_name(*out))
		return job_fail(req->job, E_NOT_FOUND, "not_found", "no token %s", *out);
	return 0;
}

static int parse_expires(struct job *j, const struct json *body, struct change *ch)
{
	const char *text = NULL;

	if (json_want_string(j, body, "expires", false, &text) || !text)
		return j->error;
	return time_parse(text, &ch->expires)
	    ? 0
	    : job_fail_field(j, "expires", "has to be a time as 2026-11-23T01:04:30Z");
}

static int parse_gateway(struct job *j, const struct json *body, struct change *ch)
{
	const char *text = NULL;

	if (json_want_string(j, body, "gateway", false, &text) || !text)
		return j->error;
	ch->gateway = parse_fold(j, text);
	return model_is_gateway_name(ch->gateway) ? 0 : job_fail_field(j, "gateway", "is no gateway's name");
}

static int parse_create(struct http_request *req, struct change *ch)
{
	static const char *const known[] = { "name", "role", "user", "gateway", "expires", NULL };
	const struct json *body = req->body;
	struct job *j = req->job;
	const char *role;

	if (json_known(j, body, known) || parse_user_member(j, body, "name", true, &ch->name) ||
	    json_want_string(j, body, "role", true, &role) ||
	    parse_user_member(j, body, "user", false, &ch->user) || parse_gateway(j, body, ch) ||
	    parse_expires(j, body, ch))
		return j->error;
	if (!model_parse_role(role, &ch->role))
		return job_fail_field(j, "role", "has to be admin, operator, auditor or gateway");
	return 0;
}

static const struct flow_token *find_token(struct http_request *req, const char *name)
{
	struct api *api = req->context;
	const struct flow_token *all;
	size_t n, i;

	flow_list_tokens(req->job, api->flow, &all, &n);
	for (i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

/* The only time that it is seen; into one piece of memory, which is cleansed once it is sent. */
static void show_once(struct http_request *req, struct http_response *res, const char *secret)
{
	struct buf b;

	json_add_borrowed(req->job->arena, res->json, "token", secret);
	buf_open(&b, req->job->arena);
	buf_reserve(&b, ANSWER_MAX);
	json_print_compact(&b, res->json);
	res->json = NULL;
	res->text = b.data;
	res->text_len = b.len;
	res->content_type = "application/json";
	res->is_secret = true;
}

static void answer_created(struct http_request *req, struct http_response *res, const struct change *ch,
    const struct flow_result *done, const char *secret)
{
	const struct flow_token *t = find_token(req, ch->name);
	struct object o = { .json = NULL };

	if (mutate_is_dry(req, res, done))
		return;
	if (t)
		o.json = present_token(req->job, t);
	else
		mutate_unread(req, ch->name, &o);
	mutate_answer(req, res, done, &o);
	res->status = 201;
	http_set_header(req->job, res, "Location", arena_printf(req->job->arena, "/token/%s", ch->name));
	if (!done->is_replay)
		show_once(req, res, secret);
}

int tokens_create(struct http_request *req, struct http_response *res)
{
	char secret[SECRET_HEX], digest[DIGEST_HEX];
	unsigned char bytes[SECRET_BYTES];
	struct flow_result done = { 0 };
	struct change ch;

	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), secret);
	digest_sha256_hex(secret, SECRET_HEX - 1, digest);
	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_TOKEN_CREATE, &ch))
		goto out;
	ch.digest = digest;
	if (parse_create(req, &ch) == 0 && mutate_submit(req, NULL, &ch, &done) == 0)
		answer_created(req, res, &ch, &done, secret);
out:
	digest_cleanse(bytes, sizeof(bytes));
	digest_cleanse(secret, sizeof(secret));
	return req->job->error;
}

int tokens_delete(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_TOKEN_DELETE, &ch) ||
	    parse_name(req, &ch.name) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	if (!mutate_is_dry(req, res, &done))
		mutate_answer(req, res, &done, NULL);
	return 0;
}
