/*
 * The server: CivetWeb's settings and callbacks, listeners over TCP and unix
 * sockets.  CivetWeb reads the request and its framing; all else is ours.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http_int.h"

static const char unix_scheme[] = "unix:";

static bool is_unix(const char *listen_on)
{
	return strncmp(listen_on, unix_scheme, sizeof(unix_scheme) - 1) == 0;
}

static const char *unix_path(const char *listen_on)
{
	return listen_on + sizeof(unix_scheme) - 1;
}

/* "127.0.0.1:8080", "[::1]:8080": what CivetWeb takes without guessing. */
static int check_tcp(struct job *j, const char *listen_on)
{
	const char *colon = strrchr(listen_on, ':');
	bool is_v6 = listen_on[0] == '[';
	size_t host = colon ? strspn(listen_on, is_v6 ? "[]0123456789abcdefABCDEF:." : "0123456789.") : 0;
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	bool has_host = is_v6 ? colon && colon[-1] == ']' : colon && colon > listen_on;

	if (!has_host || listen_on + host < colon || digits < 1 || digits > 5 || colon[1 + digits] != '\0')
		return job_fail(j, E_INVALID, "invalid",
		    "cannot listen on %s: give 127.0.0.1:8080, [::1]:8080 or unix:PATH", listen_on);
	return 0;
}

/* Is somebody behind the socket file? The file of a killed process is in bind's way and goes. */
static int clear_socket(struct job *j, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, failed;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : job_fail_errno(j, "cannot listen on %s", path);
	if (!S_ISSOCK(st.st_mode))
		return job_fail(j, E_IO, "listen_failed", "cannot listen on %s: another file is there", path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return job_fail_errno(j, "socket");
	failed = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0;
	close(fd);
	if (!failed)
		return job_fail(j, E_IO, "listen_failed", "cannot listen on %s: another process does", path);
	if (unlink(path) < 0)
		return job_fail_errno(j, "cannot remove the old socket %s", path);
	return 0;
}

/* CivetWeb separates listeners by commas and looks for colons even behind them. */
static int check_unix(struct job *j, const char *path)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (*path == '\0' || strlen(path) >= room || strpbrk(path, ",: "))
		return job_fail(j, E_INVALID, "invalid",
		    "cannot listen on unix:%s: it is empty, too long or has a comma, colon or space", path);
	return clear_socket(j, path);
}

/* The list as CivetWeb wants it: unix sockets as "xPATH", and last. */
static int print_listeners(struct job *j, const struct http_options *o, struct buf *b)
{
	size_t i;

	for (i = 0; i < o->listen_n; i++) {
		if (is_unix(o->listen[i]))
			continue;
		if (check_tcp(j, o->listen[i]))
			return j->error;
		buf_printf(b, "%s%s", b->len ? "," : "", o->listen[i]);
	}
	for (i = 0; i < o->listen_n; i++) {
		if (!is_unix(o->listen[i]))
			continue;
		if (check_unix(j, unix_path(o->listen[i])))
			return j->error;
		buf_printf(b, "%sx%s", b->len ? "," : "", unix_path(o->listen[i]));
	}
	return b->len ? 0 : job_fail(j, E_INVALID, "invalid", "there is nothing to listen on");
}

static int on_log(const struct mg_connection *conn, const char *text)
{
	struct http *h = mg_get_user_data(mg_get_context(conn));

	if (!h->is_starting)
		log_line(LOG_LEVEL_WARNING, "http: %s", text);
	else if (h->trouble[0] == '\0')
		snprintf(h->trouble, sizeof(h->trouble), "%s", text);
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

static int start(struct job *j, struct http *h, const char *listeners)
{
	const struct mg_callbacks callbacks = {
		.begin_request = on_request,
		.http_error = on_error,
		.log_message = on_log,
	};
	char workers[16];
	const char *settings[] = {
		"listening_ports",
		listeners,
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

	snprintf(workers, sizeof(workers), "%d", HTTP_WORKERS);
	mg_init_library(MG_FEATURES_IPV6 | MG_FEATURES_X_DOMAIN_SOCKET);
	h->is_starting = true;
	h->civetweb = mg_start(&callbacks, h, settings);
	h->is_starting = false;
	if (!h->civetweb)
		return job_fail(j, E_IO, "listen_failed", "cannot listen: %s",
		    h->trouble[0] ? h->trouble : "no thread could be started");
	return 0;
}

/* The group may use the socket; with any usual umask nobody else could before this either. */
static int open_sockets_to_group(struct job *j, const struct http_options *o)
{
	size_t i;

	for (i = 0; i < o->listen_n; i++)
		if (is_unix(o->listen[i]) && chmod(unix_path(o->listen[i]), 0660) < 0)
			return job_fail_errno(j, "chmod %s", unix_path(o->listen[i]));
	return 0;
}

int http_open(struct job *j, const struct http_options *o, struct http **out)
{
	struct http *h = mem_zalloc(sizeof(*h));
	struct buf listeners;

	buf_open(&listeners, j->arena);
	h->routes = o->routes;
	h->routes_n = o->routes_n;
	h->context = o->context;
	h->counts = counts_open(o->routes_n);
	snprintf(h->token_digest, sizeof(h->token_digest), "%s", o->token_digest);
	if (print_listeners(j, o, &listeners) || start(j, h, listeners.data) || open_sockets_to_group(j, o)) {
		http_close(h);
		return j->error;
	}
	*out = h;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->civetweb)
		mg_stop(h->civetweb);
	mg_exit_library();
	counts_close(h->counts);
	free(h);
}
