/* POST /batch: a list of changes as one commit, all or nothing, later ones seeing earlier ones. */
#include <string.h>

#include "api/api_int.h"

enum { CHANGES_MAX = 5000 };

static const char *const mutation_known[] = { "reason", "dry_run", NULL };
static const char *const batch_known[] = { "changes", "reason", NULL };

/* Which object an entry is about, where its request says that in the path and the query. */
enum subject { NO_OBJECT, A_USER, A_GATEWAY };

static const struct operation {
	const char *op;
	enum change_kind kind;
	enum subject subject;
	parse_change *parse; /* what is left is as in the body of the request */
} operations[] = {
	{ "user.create", CHANGE_USER_CREATE, NO_OBJECT, parse_user_create },
	{ "user.patch", CHANGE_USER_PATCH, A_USER, parse_user_patch },
	{ "user.delete", CHANGE_USER_DELETE, A_USER, NULL },
	{ "gateway.create", CHANGE_GATEWAY_CREATE, NO_OBJECT, parse_gateway_create },
	{ "gateway.patch", CHANGE_GATEWAY_PATCH, A_GATEWAY, parse_gateway_patch },
	{ "gateway.delete", CHANGE_GATEWAY_DELETE, A_GATEWAY, NULL },
	{ "gateway.renew", CHANGE_GATEWAY_RENEW, A_GATEWAY, parse_renew },
	{ "network.patch", CHANGE_NETWORK_PATCH, NO_OBJECT, parse_settings_patch },
	{ "server.patch", CHANGE_SERVER_PATCH, NO_OBJECT, parse_settings_patch },
};

/* NULL: failed. */
static const struct operation *find_operation(struct job *j, const struct json *entry)
{
	const char *op = NULL;
	size_t i;

	if (json_want_object(j, entry) || json_want_string(j, entry, "op", true, &op))
		return NULL;
	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].op, op) == 0)
			return &operations[i];
	job_fail_field(j, "op",
	    "has to be user.create, user.patch, user.delete, gateway.create, "
	    "gateway.patch, gateway.delete, gateway.renew, network.patch or server.patch");
	return NULL;
}

/* The entry without the members that stand for the request's path and query. */
static const struct json *body_of(struct job *j, const struct json *entry, const char *const *without)
{
	struct json *body = json_object(j->arena), *copy;
	const struct json *member;
	const char *const *name;

	for (member = entry->child; member; member = member->next) {
		for (name = without; *name && strcmp(*name, member->key) != 0; name++)
			;
		if (*name)
			continue;
		copy = arena_alloc(j->arena, sizeof(*copy));
		*copy = *member;
		copy->next = NULL;
		json_add(body, member->key, copy);
	}
	return body;
}

/* A user's `name` says whom, so that its new one is `new_name`; `cascade` is of the query elsewhere. */
static int parse_user_entry(
    struct http_request *req, const struct operation *o, const struct json *entry, struct change *ch)
{
	static const char *const of_patch[] = { "op", "name", "new_name", NULL };
	static const char *const delete_known[] = { "op", "name", "cascade", NULL };
	struct job *j = req->job;

	if (parse_user_member(j, entry, "name", true, &ch->name))
		return j->error;
	if (!o->parse)
		return json_known(j, entry, delete_known)
		    ? j->error
		    : json_want_bool(j, entry, "cascade", false, &ch->cascade);
	if (o->parse(req, body_of(j, entry, of_patch), ch))
		return j->error;
	return parse_user_member(j, entry, "new_name", false, &ch->new_name);
}

static int parse_gateway_entry(
    struct http_request *req, const struct operation *o, const struct json *entry, struct change *ch)
{
	static const char *const of_change[] = { "op", "name", NULL };
	struct job *j = req->job;

	if (parse_gateway_member(j, entry, &ch->name))
		return j->error;
	return o->parse ? o->parse(req, body_of(j, entry, of_change), ch) : json_known(j, entry, of_change);
}

static int parse_entry(
    struct http_request *req, const struct json *entry, const char *reason, struct change *ch)
{
	static const char *const of_creation[] = { "op", NULL };
	const struct operation *o = find_operation(req->job, entry);

	if (!o || mutate_open(req, o->kind, ch))
		return req->job->error;
	ch->reason = reason;
	ch->confirm_within = 0; /* the batch's, as a whole, as is the key */
	ch->idempotency = NULL;
	switch (o->subject) {
	case A_USER:
		return parse_user_entry(req, o, entry, ch);
	case A_GATEWAY:
		return parse_gateway_entry(req, o, entry, ch);
	case NO_OBJECT:
		break;
	}
	return o->parse(req, body_of(req->job, entry, of_creation), ch);
}

static int parse_batch(struct http_request *req, struct change *ch)
{
	const struct json *array, *entry;
	struct job *j = req->job;
	struct change *list;

	if (json_known(j, req->body, batch_known) || parse_reason_member(j, req->body, ch) ||
	    json_want_array(j, req->body, "changes", true, &array))
		return j->error;
	for (entry = array->child; entry; entry = entry->next)
		ch->list_n++;
	if (ch->list_n < 1 || ch->list_n > CHANGES_MAX)
		return job_fail_field(j, "changes", "has to hold 1 to %d changes", CHANGES_MAX);
	ch->list = list = arena_alloc(j->arena, ch->list_n * sizeof(*list));
	for (entry = array->child; entry; entry = entry->next, list++)
		if (parse_entry(req, entry, ch->reason, list)) {
			job_locate(j, arena_printf(j->arena, "changes/%td", list - ch->list));
			return j->error;
		}
	return 0;
}

int batch_apply(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_BATCH, &ch) ||
	    parse_batch(req, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	mutate_answer_commit(req, res, &done);
	return 0;
}
