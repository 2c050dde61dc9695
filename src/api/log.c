/* /log: the history as a list. /commit/{id}: what one commit did. */
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"
#include "base/time.h"

enum { LOG_LIMIT = 1000, CURSOR_DIGITS = 15, DAY = 86400 };

static const char *const log_known[] = { "user", "gateway", "actor", "change", "address", "since", "until",
	"q", "limit", "cursor", NULL };
static const char *const nothing_known[] = { NULL };

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void present_entry(struct job *j, const struct query_entry *e, struct json *o)
{
	struct json *objects = json_array(j->arena);
	const char **object;
	char text[TIME_TEXT];

	json_add_string(j->arena, o, "commit", e->commit);
	json_add_string(j->arena, o, "time", time_print(e->time, text));
	json_add_string(j->arena, o, "actor", e->actor);
	json_add_string(j->arena, o, "change", or_null(e->change));
	json_add_string(j->arena, o, "subject", e->subject);
	json_add_string(j->arena, o, "reason", or_null(e->reason));
	json_add_string(j->arena, o, "signed_by", e->signed_by);
	json_add(o, "objects", objects);
	for (object = e->objects; *object; object++)
		json_add_string(j->arena, objects, NULL, *object);
}

/* A time; a date is its beginning or its end. */
static int parse_bound(struct http_request *req, const char *name, int64_t rest_of_day, int64_t *out)
{
	const char *text = http_query(req, name);

	if (!text || time_parse(text, out))
		return 0;
	if (!time_parse_date(text, out))
		return job_fail_field(req->job, name, "has to be a time as 2026-11-23T01:04:30Z or a date");
	*out += rest_of_day;
	return 0;
}

static int parse_cursor(struct http_request *req, int64_t *out)
{
	const char *text = http_query(req, "cursor");

	if (!text)
		return 0;
	if (strlen(text) > CURSOR_DIGITS || text[strspn(text, "0123456789")] ||
	    !(*out = strtoll(text, NULL, 10)))
		return job_fail_field(req->job, "cursor", "is none that a Link gave");
	return 0;
}

static int parse_filter(struct http_request *req, struct query_log_filter *f)
{
	const char *user = http_query(req, "user"), *gateway = http_query(req, "gateway");

	*f = (struct query_log_filter){
		.user = user ? parse_fold(req->job, user) : NULL,
		.gateway = gateway ? parse_fold(req->job, gateway) : NULL,
		.actor = http_query(req, "actor"),
		.change = http_query(req, "change"),
		.address = http_query(req, "address"),
		.text = http_query(req, "q"),
	};
	if (f->user && !model_is_user_name(f->user))
		return job_fail_field(req->job, "user", "is no user's name");
	if (f->gateway && !model_is_gateway_name(f->gateway))
		return job_fail_field(req->job, "gateway", "is no gateway's name");
	if (parse_bound(req, "since", 0, &f->since) || parse_bound(req, "until", DAY - 1, &f->until))
		return req->job->error;
	return parse_cursor(req, &f->before);
}

/* The filters of this request, for the Link to the next page. */
static const char *print_filter(struct http_request *req)
{
	const char *const *name, *value;
	struct buf b;

	buf_open(&b, req->job->arena);
	for (name = log_known; strcmp(*name, "limit"); name++) {
		if (!(value = http_query(req, *name)))
			continue;
		buf_printf(&b, "&%s=", *name);
		http_encode(&b, value);
	}
	return b.data;
}

int log_list(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *list = json_array(j->arena);
	struct query_log_filter filter;
	struct query_log found;
	struct page page;
	size_t shown, i;

	if (http_query_known(req, log_known) || page_parse(req, &page) || parse_filter(req, &filter))
		return j->error;
	if (!page.limit)
		page.limit = LOG_LIMIT;
	filter.limit = page.limit + 1;
	if (query_log(j, api->query, &filter, &found))
		return j->error;
	shown = page_cut(&page, found.n);
	for (i = 0; i < shown; i++)
		present_entry(j, &found.rows[i], json_add(list, NULL, json_object(j->arena)));
	if (shown < found.n)
		page_link(req, res, &page, print_filter(req),
		    arena_printf(j->arena, "%lld", (long long)found.rows[shown - 1].seq));
	present(req, res, list, found.commit, found.commit);
	return 0;
}

/* A file's JSON; as a string where it is none, null where there is no file. */
static void add_file(struct job *j, struct json *parent, const char *key, const char *text)
{
	struct json *value;

	if (text && json_parse(j, text, strlen(text), &value) == 0) {
		json_add(parent, key, value);
		return;
	}
	job_clear(j);
	json_add_string(j->arena, parent, key, text);
}

static void add_shown(struct job *j, struct json *o, const struct flow_shown *shown)
{
	struct json *intent = json_add(o, "intent", json_array(j->arena)), *file;
	struct json *rendered = json_add(o, "rendered", json_array(j->arena));
	const struct flow_file *f;

	for (f = shown->intent; f->path; f++) {
		file = json_add(intent, NULL, json_object(j->arena));
		json_add_string(j->arena, file, "path", f->path);
		add_file(j, file, "before", f->before);
		add_file(j, file, "after", f->after);
	}
	for (f = shown->rendered; f->path; f++) {
		file = json_add(rendered, NULL, json_object(j->arena));
		json_add_string(j->arena, file, "path", f->path);
		json_add_string(j->arena, file, "diff", f->diff);
	}
}

int log_show(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct json *o = json_object(j->arena);
	struct flow_shown shown;
	struct query_entry entry;
	const char *head;
	struct oid id;

	if (http_query_known(req, nothing_known) ||
	    query_commit(j, api->query, req->params[0], &entry, &head))
		return j->error;
	memcpy(id.hex, entry.commit, OID_HEX);
	if (flow_show(j, api->flow, &id, &shown))
		return j->error;
	present_entry(j, &entry, o);
	add_shown(j, o, &shown);
	present(req, res, o, entry.commit, entry.commit);
	return 0;
}
