/*
 * Lists of users and gateways.  One that fits a piece is answered as a whole;
 * a longer one goes out piece by piece, all of one snapshot, so that nobody
 * has to hold a hundred thousand gateways to tell of them.
 */
#include <stdio.h>

#include "api/api_int.h"

enum { PIECE = 1000, PIECE_ROOM = 256 * 1024 };

struct list {
	struct http_request *req;
	struct query_hold *hold;
	const struct list_source *source;
};

static bool read_piece(const struct list *l, struct job *j, const char *after, struct list_piece *out)
{
	const struct query_page page = { .limit = PIECE, .after = after, .hold = l->hold };

	*out = (struct list_piece){ .array = json_array(j->arena), .show = PIECE };
	return l->source->read(l->req, j, &page, l->source, out) == 0;
}

static bool send_piece(const struct list *l, struct job *j, const struct json *array, bool is_first)
{
	const struct json *e;
	struct buf b;

	buf_open(&b, j->arena);
	buf_reserve(&b, PIECE_ROOM);
	buf_puts(&b, is_first ? "[" : "");
	for (e = array->child; e; e = e->next) {
		if (e != array->child || !is_first)
			buf_putc(&b, ',');
		json_print_compact(&b, e);
	}
	return http_write(l->req, b.data, b.len);
}

/* What follows the first piece. */
static int send_rest(const struct list *l, const char *last)
{
	char after[GATEWAY_NAME_MAX + 1];
	struct list_piece piece = { .n = PIECE };
	bool is_going = true;
	struct job j;

	snprintf(after, sizeof(after), "%s", last);
	while (is_going && piece.n == PIECE && !l->req->job->error) {
		job_open(&j);
		j.now = l->req->job->now;
		if (!read_piece(l, &j, after, &piece))
			job_fail(l->req->job, j.error, j.code, "%s", j.message);
		else if (piece.n)
			is_going = send_piece(l, &j, piece.array, false);
		if (piece.n)
			snprintf(after, sizeof(after), "%s", piece.last);
		job_close(&j);
	}
	if (is_going && !l->req->job->error)
		http_write(l->req, "]", 1);
	return l->req->job->error;
}

static int answer_all(
    const struct list *l, struct http_response *res, const struct page *p, const char *commit)
{
	struct http_request *req = l->req;
	struct list_piece first;

	if (!read_piece(l, req->job, p->query.after, &first))
		return req->job->error;
	present(req, res, first.array, l->source->is_live ? NULL : commit, commit);
	if (first.n < PIECE || http_is_not_modified(req))
		return 0;
	res->json = NULL;
	res->content_type = "application/json";
	http_begin(req);
	return send_piece(l, req->job, first.array, true) ? send_rest(l, first.last) : 0;
}

static int answer_page(
    const struct list *l, struct http_response *res, const struct page *p, const char *commit)
{
	struct list_piece piece = { .array = json_array(l->req->job->arena), .show = p->limit };
	struct query_page page = p->query;

	page.hold = l->hold;
	if (l->source->read(l->req, l->req->job, &page, l->source, &piece))
		return l->req->job->error;
	if (piece.n > p->limit)
		page_link(l->req, res, p, l->source->link, piece.last);
	present(l->req, res, piece.array, l->source->is_live ? NULL : commit, commit);
	return 0;
}

int list_answer(struct http_request *req, struct http_response *res, const struct page *p,
    const struct list_source *source)
{
	struct api *api = req->context;
	struct list l = { .req = req, .source = source };
	const char *commit;

	if (query_hold(req->job, api->query, &l.hold, &commit))
		return req->job->error;
	if (p->limit)
		answer_page(&l, res, p, commit);
	else
		answer_all(&l, res, p, commit);
	query_release(api->query, l.hold);
	return req->job->error;
}
