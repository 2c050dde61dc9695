/* /gateways and /gateway/{fqdn}, without its configuration. */
#include "api/api_int.h"
#include "base/time.h"

static const char *const list_known[] = { "user", "expires_before", "limit", "cursor", "at", "status", NULL };
static const char *const mutation_known[] = { "reason", "dry_run", NULL };
static const char *const get_known[] = { "at", "status", NULL };

/* The filter, and the same as part of a Link. */
static int parse_filter(struct http_request *req, struct query_gateway_filter *out, const char **link)
{
	const char *user = http_query(req, "user"), *before = http_query(req, "expires_before");
	struct buf b;

	buf_open(&b, req->job->arena);
	*out = (struct query_gateway_filter){ .user = user };
	if (user && !model_is_user_name(user))
		return job_fail_field(req->job, "user", "is no user's name");
	if (before && !time_parse(before, &out->expires_before))
		return job_fail_field(req->job, "expires_before", "has to be a time as 2026-11-23T01:04:30Z");
	if (user)
		buf_printf(&b, "&user=%s", user);
	if (before)
		buf_printf(&b, "&expires_before=%s", before);
	if (http_query(req, "status"))
		buf_printf(&b, "&status=%s", http_query(req, "status"));
	*link = b.data;
	return 0;
}

static int read_list(struct http_request *req, struct job *j, const struct query_page *page,
    const struct list_source *source, struct list_piece *out)
{
	struct api *api = req->context;
	struct query_gateways found;
	struct json *json;
	size_t i;

	if (query_gateways(j, api->query, source->filter, page, &found))
		return j->error;
	for (i = 0; i < found.n && i < out->show; i++) {
		out->last = found.rows[i].name;
		if (!access_sees(req, found.rows[i].prefix, found.rows[i].name))
			continue;
		if (present_gateway(j, &found.rows[i], &json))
			return j->error;
		if (source->clients)
			live_add(j, json, source->clients, found.rows[i].name);
		json_add(out->array, NULL, json);
	}
	out->n = found.n;
	return 0;
}

int gateways_list(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct query_gateway_filter filter;
	struct list_source source = { .read = read_list, .filter = &filter, .link = "" };
	struct deploy_clients clients;
	struct page page;

	if (http_query_known(req, list_known) || page_parse(req, &page) ||
	    parse_filter(req, &filter, &source.link) || live_parse(req, &source.is_live))
		return req->job->error;
	if (http_query(req, "at"))
		return past_gateways(req, res, &page, &filter, source.link);
	filter.user = access_only_user(req) ? access_only_user(req) : filter.user;
	if (source.is_live) {
		flow_clients(req->job, api->flow, NULL, &clients);
		source.clients = &clients;
	}
	return list_answer(req, res, &page, &source);
}

struct found { /* in memory */
	struct job *job;
	const char *name, *commit;
	struct query_gateway *row;
	bool is_there;
};

static void find_in(void *context, const struct model *m, const struct oid *commit)
{
	struct found *f = context;
	const struct gateway *g = model_gateway_by_name(m, f->name);

	f->is_there = g;
	if (!g)
		return;
	f->commit = arena_strdup(f->job->arena, commit->hex);
	rows_gateway(f->job, m, f->job->now, g, f->row);
}

/* The same from memory where that is what is rendered, at a fraction of the cost. */
static int find_gateway(
    struct http_request *req, const char *name, struct query_gateway *row, const char **commit)
{
	struct api *api = req->context;
	struct found f = { .job = req->job, .name = name, .row = row };

	if (!flow_read_model(api->flow, find_in, &f) || !f.is_there)
		return query_gateway(req->job, api->query, name, row, commit);
	*commit = f.commit;
	return 0;
}

static int read_gateway(struct http_request *req, const char *name, struct object *o)
{
	struct job *j = req->job;
	struct query_gateway row;

	*o = (struct object){ .is_gateway = true };
	if (find_gateway(req, name, &row, &o->commit) || present_gateway(j, &row, &o->json))
		return j->error;
	if (!access_sees(req, row.prefix, row.name))
		return job_fail(j, E_NOT_FOUND, "not_found", "no gateway %s", name);
	o->newest = row.certificates_n ? row.certificates : NULL;
	o->prefix = row.prefix;
	o->blob = row.blob;
	o->tag = present_tag(j, row.blob, o->json);
	return 0;
}

static void answer(
    struct http_request *req, struct http_response *res, const char *name, const struct flow_result *r)
{
	struct object o;

	if (mutate_is_dry(req, res, r))
		return;
	if (read_gateway(req, name, &o))
		mutate_unread(req, name, &o);
	mutate_answer(req, res, r, &o);
}

static void answer_created(
    struct http_request *req, struct http_response *res, const char *name, const struct flow_result *r)
{
	answer(req, res, name, r);
	if (r->preview)
		return;
	res->status = 201;
	http_set_header(req->job, res, "Location", arena_printf(req->job->arena, "/gateway/%s", name));
}

int gateways_create(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_GATEWAY_CREATE, &ch) ||
	    parse_gateway_create(req, req->body, &ch) || mutate_submit(req, NULL, &ch, &done))
		return req->job->error;
	answer_created(req, res, ch.name, &done);
	return 0;
}

/* Its own tag stays in front, and is what a change is matched against: who only watches bytes is not stale. */
static void add_status(struct http_request *req, struct object *o, const char *name, bool is_wanted)
{
	struct api *api = req->context;
	struct deploy_clients clients;

	flow_clients(req->job, api->flow, name, &clients);
	if (!clients.is_known && !is_wanted)
		return;
	live_add(req->job, o->json, &clients, name);
	o->tag = present_tag(req->job, o->tag, json_get(o->json, "status"));
}

int gateways_get(struct http_request *req, struct http_response *res)
{
	bool has_status;
	const char *name;
	struct object o;

	if (http_query_known(req, get_known) || parse_gateway_name(req, &name) ||
	    live_parse(req, &has_status))
		return req->job->error;
	if (http_query(req, "at"))
		return past_gateway(req, res, name);
	if (read_gateway(req, name, &o))
		return req->job->error;
	add_status(req, &o, name, has_status);
	present(req, res, o.json, o.tag, o.commit);
	return 0;
}

/* What PATCH, DELETE and renewal have in common, once the body is in the change. */
static int change_existing(struct http_request *req, struct change *ch, struct flow_result *done)
{
	struct object o;

	if (read_gateway(req, ch->name, &o) || mutate_match(req, &o, ch))
		return req->job->error;
	return mutate_submit(req, &o, ch, done);
}

int gateways_patch(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_GATEWAY_PATCH, &ch) ||
	    parse_gateway_name(req, &ch.name) || parse_gateway_patch(req, req->body, &ch) ||
	    change_existing(req, &ch, &done))
		return req->job->error;
	answer(req, res, ch.name, &done);
	return 0;
}

int gateways_delete(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_GATEWAY_DELETE, &ch) ||
	    parse_gateway_name(req, &ch.name) || change_existing(req, &ch, &done))
		return req->job->error;
	if (!mutate_is_dry(req, res, &done))
		mutate_answer(req, res, &done, NULL);
	return 0;
}

int gateways_renew(struct http_request *req, struct http_response *res)
{
	struct flow_result done = { 0 };
	struct change ch;

	if (http_query_known(req, mutation_known) || mutate_open(req, CHANGE_GATEWAY_RENEW, &ch) ||
	    parse_gateway_name(req, &ch.name) || parse_renew(req, req->body, &ch) ||
	    change_existing(req, &ch, &done))
		return req->job->error;
	answer_created(req, res, ch.name, &done);
	return 0;
}
