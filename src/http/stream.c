/* Bodies in pieces: long ones, which nobody should have to hold whole, and event streams, which never end. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "http/http_int.h"

/* Half of the listener's workers are for other requests. */
int http_stay(struct http_request *r)
{
	struct exchange *x = exchange_of(r);
	struct listener *l = x->listener;

	x->is_staying = atomic_fetch_add(&l->streams, 1) < l->workers / 2;
	if (x->is_staying) {
		atomic_fetch_add(&x->http->streams, 1);
		return 0;
	}
	atomic_fetch_sub(&l->streams, 1);
	return job_fail(r->job, E_BUSY, "too_many_streams",
	    "%u streams are open here already: try again when one has ended", l->workers / 2);
}

void stream_leave(struct exchange *x)
{
	if (!x->is_staying)
		return;
	atomic_fetch_sub(&x->listener->streams, 1);
	atomic_fetch_sub(&x->http->streams, 1);
}

void stream_wait(const struct http *h)
{
	int64_t end = time_monotonic_ms() + 1000;

	while (h->streams && time_monotonic_ms() < end)
		usleep(1000);
}

unsigned http_streams(const struct http_request *r)
{
	return exchange_of(r)->http->streams;
}

bool http_is_gone(const struct http_request *r)
{
	const struct exchange *x = exchange_of(r);

	return x->is_gone || peer_is_gone(x->conn);
}

int http_identify(struct http_request *r)
{
	return auth_check(exchange_of(r));
}

bool http_is_not_modified(const struct http_request *r)
{
	return answer_is_not_modified(exchange_of(r));
}

void http_begin(struct http_request *r)
{
	answer_begin(exchange_of(r));
}

static bool send_piece(struct exchange *x, const char *data, size_t len)
{
	if (x->is_chunked)
		return mg_send_chunk(x->conn, data, (unsigned int)len) > 0;
	return mg_write(x->conn, data, len) == (int)len;
}

/* An empty chunk would be the end. */
bool http_write(struct http_request *r, const char *data, size_t len)
{
	struct exchange *x = exchange_of(r);

	if (len && !x->is_gone)
		x->is_gone = !send_piece(x, data, len);
	return !x->is_gone;
}

void stream_end(struct exchange *x)
{
	bool is_head = strcmp(x->request.method, "HEAD") == 0;

	if (!x->job.error && x->is_chunked && !x->is_gone)
		mg_send_chunk(x->conn, "", 0);
	else if (!is_head)
		mg_disable_connection_keep_alive(x->conn);
}
