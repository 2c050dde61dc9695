/*
 * /events: server-sent events (WHATWG HTML, 9.2) of commits, connections and
 * expiries.  Commits are read from the index of the history, so that none is
 * missed and Last-Event-ID goes on where a listener was; the feed only says
 * that there are some.  Each stream holds a thread, so there are few of them.
 */
#include <string.h>

#include "api/api_int.h"
#include "base/feed.h"
#include "base/time.h"

enum { COMMITS_A_TIME = 100, SILENCE_MS = 1000, KEEP_ALIVE_MS = 15000 };

static const char *const nothing_known[] = { NULL };

struct listener {
	struct http_request *req;
	uint64_t at; /* in the feed */
	int64_t seq; /* of the last commit that it knows; -1: the index is not there yet */
	int64_t looked_at; /* monotonic */
};

static bool say(struct listener *l, struct job *j, const char *kind, const char *id, const char *text)
{
	struct buf b;

	buf_open(&b, j->arena);
	if (id)
		buf_printf(&b, "id: %s\n", id);
	buf_printf(&b, "event: %s\ndata: %s\n\n", kind, text);
	return http_write(l->req, b.data, b.len);
}

/* The newest commit: who comes without Last-Event-ID begins behind it. */
static void find_newest(struct job *j, struct query *q, int64_t *seq)
{
	const struct query_log_filter newest = { .limit = 1 };
	struct query_log found;

	if (query_log(j, q, &newest, &found) == 0)
		*seq = found.n ? found.rows[0].seq : 0;
	job_clear(j);
}

static bool say_commits(struct listener *l, struct job *j)
{
	struct api *api = l->req->context;
	struct query_log found;
	bool is_there = true;
	struct buf text;
	size_t i;

	if (l->seq < 0)
		find_newest(j, api->query, &l->seq);
	do {
		if (l->seq < 0 || query_commits_after(j, api->query, l->seq, COMMITS_A_TIME, &found)) {
			job_clear(j); /* the next commit will bring these too */
			return true;
		}
		for (i = 0; i < found.n && is_there; i++) {
			struct json *o = json_object(j->arena);

			present_entry(j, &found.rows[i], o);
			buf_open(&text, j->arena);
			json_print_compact(&text, o);
			is_there = say(l, j, "commit", found.rows[i].commit, text.data);
			l->seq = found.rows[i].seq;
		}
	} while (is_there && found.n == COMMITS_A_TIME);
	return is_there;
}

/* Now and then: is somebody there, and is it still somebody who may listen? */
static bool look_after(struct listener *l)
{
	int64_t now = time_monotonic_ms();

	if (http_is_gone(l->req))
		return false;
	if (now - l->looked_at < KEEP_ALIVE_MS)
		return true;
	l->looked_at = now;
	return http_identify(l->req) == 0 && http_write(l->req, ":\n\n", 3);
}

/* One turn: a piece of news or some silence. False: it is over. */
static bool listen_once(struct listener *l, struct job *j)
{
	struct api *api = l->req->context;
	struct feed_news news;

	if (!look_after(l))
		return false;
	switch (feed_next(j, flow_feed(api->flow), &l->at, SILENCE_MS, &news)) {
	case FEED_NEWS:
		return strcmp(news.kind, "commit") == 0 ? say_commits(l, j)
							: say(l, j, news.kind, NULL, news.text);
	case FEED_SILENCE:
		return true;
	case FEED_LOST: /* it comes back, and goes on where it was */
	case FEED_OVER:
		break;
	}
	return false;
}

static void find_place(struct listener *l)
{
	const char *last = http_header(l->req, "Last-Event-ID"), *commit;
	struct job *j = l->req->job;
	struct api *api = l->req->context;
	struct query_entry entry;

	l->seq = -1;
	if (last && strlen(last) == OID_HEX - 1 && query_commit(j, api->query, last, &entry, &commit) == 0)
		l->seq = entry.seq;
	job_clear(j);
	if (l->seq < 0)
		find_newest(j, api->query, &l->seq);
}

int events_get(struct http_request *req, struct http_response *res)
{
	static const char hello[] = "retry: 2000\n\n";
	struct api *api = req->context;
	struct listener l = { .req = req, .looked_at = time_monotonic_ms() };
	bool goes_on;
	struct job j;

	if (http_query_known(req, nothing_known) || http_stay(req))
		return req->job->error;
	l.at = feed_end(flow_feed(api->flow));
	find_place(&l);
	res->content_type = "text/event-stream";
	http_set_header(req->job, res, "X-Accel-Buffering", "no"); /* nginx would keep it to itself */
	http_begin(req);
	goes_on = http_write(req, hello, sizeof(hello) - 1);
	job_open(&j);
	goes_on = goes_on && say_commits(&l, &j);
	job_close(&j);
	while (goes_on) {
		job_open(&j);
		goes_on = listen_once(&l, &j);
		job_close(&j);
	}
	return req->job->error;
}
