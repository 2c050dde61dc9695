/* /users and /user/{name}. */
#include "api/api_int.h"

static const char *const list_known[] = { "limit", "cursor", "at", NULL };
static const char *const mutation_known[] = { "reason", "dry_run", NULL };
static const char *const delete_known[] = { "reason", "cascade", "dry_run", NULL };
static const char *const get_known[] = { "at", NULL };

static int read_user(struct http_request *req, const char *name, struct object *o)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_user row;

	*o = (struct object){ 0 };
	if (query_user(j, api->query, name, &row, &o->commit))
		return j->error;
	if (!access_sees(req, row.prefix, NULL))
		return job_fail(j, E_NOT_FOUND, "not_found", "no user %s", name);
	o->json = present_user(j, &row);
	o->prefix = row.prefix;
	o->blob = row.blob;
	o->tag = present_tag(j, row.blob, o->json);
	return 0;
}

/* Who has a token for one user sees that one. */
static int list_own(struct http_request *req, struct http_response *res)
{
	struct json *list = json_array(req->job->arena);
	struct object o;

	if (read_user(req, access_only_user(req), &o))
		return req->job->error;
	json_add(list, NULL, o.json);
	present(req, res, list, o.commit, o.commit);
	return 0;
}

static int read_list(struct http_request *req, struct job *j, const struct query_page *page,
    const struct list_source *source, struct list_piece *out)
{
	struct api *api = req->context;
	struct query_users found;
	size_t i;

	(void)source;
	if (query_users(j, api->query, page, &found))
		return j->error;
	for (i = 0; i < found.n && i < out->show; i++) {
		out->last = found.rows[i].name;
		json_add(out->array, NULL, present_user(j, &found.rows[i]));
	}
	out->n = found.n;
	return 0;
}

int users_list(struct http_request *req, struct http_response *res)
{
	const struct list_source source = { .read = read_list, .link = "" };
	struct page page;

	if (http_query_known(req, list_known) || page_parse(req, &page))
		return req->job->error;
	if (http_query(req, "at"))
		return past_users(req, res, &page);
	if (access_only_user(req))
		return list_own(req, res);
	return list_answer(req, res, &page, &source);
}

static void answer(
    struct http_request *req, struct http_response *res, const char *name, const struct flow_result *r)
{
	struct object o;

	if (mutate_is_dry(req, res, r))
		return;
	if (read_user(req, name, &o))
		mutate_unread(req, name, &o);
	mutate_answer(req, res, r, &o);
}

int users_create(struct http_request *req, struct http_response *res)
{
	struct job *j = req->job;
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_USER_CREATE, &ch) ||
	    parse_user_create(req, req->body, &ch) || mutate_submit(req, NULL, &ch, &done))
		return j->error;
	answer(req, res, ch.name, &done);
	if (done.preview)
		return 0;
	res->status = 201;
	http_set_header(j, res, "Location", arena_printf(j->arena, "/user/%s", ch.name));
	return 0;
}

int users_get(struct http_request *req, struct http_response *res)
{
	const char *name;
	struct object o;

	if (http_query_known(req, get_known) || parse_user_name(req, &name))
		return req->job->error;
	if (http_query(req, "at"))
		return past_user(req, res, name);
	if (read_user(req, name, &o))
		return req->job->error;
	present(req, res, o.json, o.tag, o.commit);
	return 0;
}

int users_patch(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;
	struct object o;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_USER_PATCH, &ch) ||
	    parse_user_name(req, &ch.name) || parse_user_patch(req, req->body, &ch) ||
	    read_user(req, ch.name, &o) || mutate_match(req, &o, &ch) || mutate_submit(req, &o, &ch, &done))
		return req->job->error;
	answer(req, res, ch.new_name ? ch.new_name : ch.name, &done);
	return 0;
}

int users_delete(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;
	struct object o;

	if (http_query_known(req, delete_known) || mutate_open(req, CHANGE_USER_DELETE, &ch) ||
	    parse_user_name(req, &ch.name) || parse_flag(req, "cascade", &ch.cascade) ||
	    read_user(req, ch.name, &o) || mutate_match(req, &o, &ch) || mutate_submit(req, &o, &ch, &done))
		return req->job->error;
	if (!mutate_is_dry(req, res, &done))
		mutate_answer(req, res, &done, NULL);
	return 0;
}
