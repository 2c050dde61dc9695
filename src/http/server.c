/*
 * The server: CivetWeb's settings and callbacks.  CivetWeb reads the request
 * and its framing; all else is ours.  Each unix socket has workers of its own:
 * whoever keeps those of the network busy is not felt by who sits on the machine.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/time.h"
#include "http/http_int.h"

static int on_log(const struct mg_connection *conn, const char *text)
{
	struct listener *l = mg_get_user_data(mg_get_context(conn));
	bool is_starting = pthread_equal(pthread_self(), l->starter) && !l->civetweb;

	if (!is_starting && limits_may_log(l->http->limits, time_monotonic_ms()))
		log_line(LOG_LEVEL_WARNING, "http: %s", text);
	else if (is_starting && l->trouble[0] == '\0')
		snprintf(l->trouble, sizeof(l->trouble), "%s", text);
	return 1;
}

static int on_request(struct mg_connection *conn)
{
	return exchange_run(mg_get_user_data(mg_get_context(conn)), conn);
}

static int on_error(struct mg_connection *conn, int status, const char *text)
{
	exchange_refuse(mg_get_user_data(mg_get_context(conn)), conn, status, text);
	return 0;
}

/*
 * CivetWeb asks when it sees a digit before an s, which may be in a socket's path too: there it is told that
 * all is well, and has no use for the answer.
 */
static int on_tls(void **context, void *listener)
{
	*context = ((const struct listener *)listener)->tls;
	return 1;
}

static int start(struct job *j, struct listener *l, const char *listen_on, int workers_n)
{
	const struct mg_callbacks callbacks = {
		.begin_request = on_request,
		.http_error = on_error,
		.log_message = on_log,
		.external_ssl_ctx = on_tls,
	};
	char workers[16];
	const char *settings[] = {
		"listening_ports",
		listen_on,
		"num_threads",
		workers,
		"enable_keep_alive",
		"yes",
		"keep_alive_timeout_ms",
		"5000",
		"request_timeout_ms",
		"15000",
		"max_request_size",
		"16384", /* of the headers */
		"tcp_nodelay",
		"1",
		"decode_url",
		"no",
		NULL,
	};

	snprintf(workers, sizeof(workers), "%d", workers_n);
	l->workers = (unsigned)workers_n;
	l->starter = pthread_self();
	l->civetweb = mg_start(&callbacks, l, settings);
	if (!l->civetweb)
		return job_fail(j, E_IO, "listen_failed", "cannot listen: %s",
		    l->trouble[0] ? l->trouble : "no thread could be started");
	return 0;
}

static struct listener *add_listener(struct http *h, void *tls)
{
	struct listener *l = &h->listeners[h->listeners_n++];

	l->http = h;
	l->tls = tls;
	return l;
}

/* The group may use the socket; with any usual umask nobody else could before this either. */
static int open_unix(struct job *j, struct http *h, const char *path, bool is_own)
{
	struct listener *l = add_listener(h, NULL);
	struct buf b;

	l->is_own = is_own;
	buf_open(&b, j->arena);
	if (listen_print_unix(j, path, &b) || start(j, l, b.data, HTTP_SOCKET_WORKERS))
		return j->error;
	return chmod(path, 0660) < 0 ? job_fail_errno(j, "chmod %s", path) : 0;
}

/* The network last: whom it answers finds the sockets too. */
static int open_listeners(struct job *j, const struct http_options *o, struct http *h)
{
	struct buf tcp;
	size_t i;

	buf_open(&tcp, j->arena);
	if (o->listen_n == 0 && !o->socket)
		return job_fail(j, E_INVALID, "invalid", "there is nothing to listen on");
	if (o->socket && open_unix(j, h, o->socket, true))
		return j->error;
	for (i = 0; i < o->listen_n; i++)
		if (listen_is_unix(o->listen[i]) && open_unix(j, h, listen_unix_path(o->listen[i]), false))
			return j->error;
	if (listen_print_tcp(j, o, &tcp))
		return j->error;
	return tcp.len ? start(j, add_listener(h, o->tls), tcp.data, HTTP_WORKERS) : 0;
}

int http_open(struct job *j, const struct http_options *o, struct http **out)
{
	struct http *h = mem_zalloc(sizeof(*h));

	h->routes = o->routes;
	h->routes_n = o->routes_n;
	h->context = o->context;
	h->identify = o->identify;
	h->counts = counts_open(o->routes_n);
	h->limits = limits_open();
	h->listeners = mem_zalloc((o->listen_n + 2) * sizeof(*h->listeners));
	mg_init_library(MG_FEATURES_IPV6 | MG_FEATURES_X_DOMAIN_SOCKET | MG_FEATURES_TLS);
	if (open_listeners(j, o, h)) {
		http_close(h);
		return j->error;
	}
	*out = h;
	return 0;
}

static void *stop(void *listener)
{
	mg_stop(((struct listener *)listener)->civetweb);
	return NULL;
}

/* All at once: each waits for its running requests. */
static void stop_listeners(struct http *h)
{
	pthread_t *thread = mem_zalloc((h->listeners_n + 1) * sizeof(*thread));
	size_t i;

	for (i = 0; i < h->listeners_n; i++)
		if (pthread_create(&thread[i], NULL, stop, &h->listeners[i]))
			stop(&h->listeners[i]);
	for (i = 0; i < h->listeners_n; i++)
		if (thread[i])
			pthread_join(thread[i], NULL);
	free(thread);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	stream_wait(h);
	stop_listeners(h);
	mg_exit_library();
	counts_close(h->counts);
	limits_close(h->limits);
	free(h->listeners);
	free(h);
}

unsigned long http_refused_tokens(const struct http_request *r)
{
	return limits_count(exchange_of(r)->http->limits);
}
