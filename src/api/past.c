/*
 * ?at=: users and gateways as they were, out of that commit's own files, with
 * the same JSON as today's.  One object costs its own files; a list those of
 * all.  Certificates are judged as of that commit's time.
 */
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"

struct past { /* a commit, and what of it has been read */
	struct query_entry entry;
	struct oid commit;
	struct model *model;
};

static int past_open(struct http_request *req, struct past *p)
{
	struct api *api = req->context;
	const char *head;

	*p = (struct past){ .model = NULL };
	if (access_check_past(req) ||
	    query_commit(req->job, api->query, http_query(req, "at"), &p->entry, &head))
		return req->job->error;
	memcpy(p->commit.hex, p->entry.commit, OID_HEX);
	p->model = model_open();
	return 0;
}

static int past_read(struct http_request *req, struct past *p, const char *const *paths)
{
	struct api *api = req->context;

	return flow_read_past(req->job, api->flow, &p->commit, paths, p->model);
}

static int past_read_one(struct http_request *req, struct past *p, const char *path)
{
	const char *paths[] = { path, NULL };

	return past_read(req, p, paths);
}

static const char *name_of(const struct entity *e)
{
	return e->kind == ENTITY_USER ? ((const struct user *)e)->name : ((const struct gateway *)e)->name;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(name_of(*(const struct entity *const *)a), name_of(*(const struct entity *const *)b));
}

/* All of a kind behind the page's cursor, in order of name; NULL-terminated. */
static const struct entity **list_from(
    struct job *j, const struct past *p, enum entity_kind kind, const struct page *page)
{
	const struct entity **all = model_all(j->arena, p->model, kind);
	size_t n = 0;

	while (all[n])
		n++;
	qsort(all, n, sizeof(*all), by_name);
	while (page->query.after && *all && strcmp(name_of(*all), page->query.after) <= 0)
		all++;
	return all;
}

static const char *print_at(struct http_request *req, const struct past *p, const char *filter)
{
	return arena_printf(req->job->arena, "%s&at=%s", filter, p->entry.commit);
}

int past_users(struct http_request *req, struct http_response *res, const struct page *page)
{
	struct job *j = req->job;
	struct json *list = json_array(j->arena);
	const struct entity **e;
	struct query_user row;
	struct past p;
	size_t n;

	if (past_open(req, &p) || past_read_one(req, &p, "users/"))
		goto out;
	e = list_from(j, &p, ENTITY_USER, page);
	for (n = 0; *e && (!page->limit || n < page->limit); e++, n++) {
		rows_user(j, p.model, (const struct user *)*e, &row);
		json_add(list, NULL, present_user(j, &row));
	}
	if (*e)
		page_link(req, res, page, print_at(req, &p, ""), row.name);
	present(req, res, list, p.entry.commit, p.entry.commit);
out:
	model_close(p.model);
	return j->error;
}

static bool matches(const struct past *p, const struct gateway *g, const struct query_gateway_filter *f)
{
	const struct user *u = model_user(p->model, g->user);
	const struct certificate *c;

	if (f->user && (!u || strcmp(u->name, f->user)))
		return false;
	if (!f->expires_before)
		return true;
	c = model_current_certificate(p->model, g->device.hex);
	return c && c->not_after < f->expires_before;
}

/* NOLINTNEXTLINE(readability-function-size): the filter and its place in a Link */
int past_gateways(struct http_request *req, struct http_response *res, const struct page *page,
    const struct query_gateway_filter *filter, const char *link)
{
	static const char *const folders[] = { "users/", "ledger/certificates/", "ledger/superseded/",
		"ledger/revocations/", NULL };
	struct json *list = json_array(req->job->arena), *json;
	struct query_gateway row = { .name = NULL };
	struct job *j = req->job;
	const struct entity **e;
	struct past p;
	size_t n = 0;

	if (past_open(req, &p) || past_read(req, &p, folders))
		goto out;
	for (e = list_from(j, &p, ENTITY_GATEWAY, page); *e; e++) {
		if (!matches(&p, (const struct gateway *)*e, filter))
			continue;
		if (page->limit && n++ == page->limit) {
			page_link(req, res, page, print_at(req, &p, link), row.name);
			break;
		}
		rows_gateway(j, p.model, p.entry.time, (const struct gateway *)*e, &row);
		if (present_gateway(j, &row, &json))
			goto out;
		json_add(list, NULL, json);
	}
	present(req, res, list, p.entry.commit, p.entry.commit);
out:
	model_close(p.model);
	return j->error;
}

/* The history's index tells which address bore the name, and so where its files are. */
static int find_name(
    struct http_request *req, struct past *p, const char *name, bool is_gateway, struct query_tenure *out)
{
	static const char *const nothing[] = { NULL };
	struct api *api = req->context;

	if (past_open(req, p) || query_name(req->job, api->query, name, is_gateway, &p->entry, out))
		return req->job->error;
	return past_read(req, p, nothing);
}

int past_user(struct http_request *req, struct http_response *res, const char *name)
{
	struct job *j = req->job;
	struct query_tenure tenure = { 0 };
	char path[MODEL_PATH_MAX];
	const struct user *u;
	struct query_user row;
	struct json *json;
	struct past p;

	if (find_name(req, &p, name, false, &tenure))
		goto out;
	model_user_path(model_network(p.model), tenure.user_id, path);
	strrchr(path, '/')[1] = '\0'; /* the folder: its gateways are counted */
	if (past_read_one(req, &p, path))
		goto out;
	u = model_user_by_name(p.model, name);
	if (!u) {
		job_fail(j, E_NOT_FOUND, "not_found", "there was no user %s as of commit %.12s", name,
		    p.commit.hex);
		goto out;
	}
	rows_user(j, p.model, u, &row);
	json = present_user(j, &row);
	present(req, res, json, present_tag(j, row.blob, json), p.entry.commit);
out:
	model_close(p.model);
	return j->error;
}

/* Files of the ledger about a certificate, beside its own. */
static const char *sibling(struct arena *a, const char *path, const char *folder)
{
	return arena_printf(a, "ledger/%s/%s", folder, path + strlen("ledger/certificates/"));
}

static int read_gateway(struct http_request *req, struct past *p, const struct query_tenure *t)
{
	const struct network *n = model_network(p->model);
	char user[MODEL_PATH_MAX], gateway[MODEL_PATH_MAX];
	const char *paths[] = { user, gateway, NULL }, **issued;
	struct api *api = req->context;
	struct job *j = req->job;

	model_user_path(n, t->user_id, user);
	model_gateway_path(n, t->user_id, t->gateway_id, gateway);
	if (past_read(req, p, paths) || query_issued(j, api->query, t->device, &issued))
		return j->error;
	for (; *issued; issued++) {
		const char *three[] = { *issued, sibling(j->arena, *issued, "superseded"),
			sibling(j->arena, *issued, "revocations"), NULL };

		if (past_read(req, p, three))
			return j->error;
	}
	return 0;
}

int past_gateway(struct http_request *req, struct http_response *res, const char *name)
{
	struct job *j = req->job;
	struct query_tenure tenure = { 0 };
	const struct gateway *g;
	struct query_gateway row;
	struct json *json;
	struct past p;

	if (find_name(req, &p, name, true, &tenure) || read_gateway(req, &p, &tenure))
		goto out;
	g = model_gateway_by_name(p.model, name);
	if (!g) {
		job_fail(j, E_NOT_FOUND, "not_found", "there was no gateway %s as of commit %.12s", name,
		    p.commit.hex);
		goto out;
	}
	rows_gateway(j, p.model, p.entry.time, g, &row);
	if (present_gateway(j, &row, &json))
		goto out;
	present(req, res, json, present_tag(j, row.blob, json), p.entry.commit);
out:
	model_close(p.model);
	return j->error;
}
