/* Bodies in pieces: long ones, which nobody should have to hold whole, and event streams, which never end. */
#include <stddef.h>
#include <string.h>

#include "http/http_int.h"

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
