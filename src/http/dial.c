/*
 * The client's end of a connection, over a unix socket or TCP.  There is no TLS here: a token goes
 * in clear text where it is told to, and nowhere by itself.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http_int.h"

static int dial_unix(struct job *j, const char *path, int *fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sun.sun_path))
		return job_fail(j, E_IO, "not_listening", "the path of the socket %s is too long", path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return job_fail_errno(j, "socket");
	if (connect(*fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return job_fail(j, E_IO, "not_listening",
		    "nobody listens on %s: %s; does the service run, and is that its data folder?", path,
		    strerror(errno));
	return 0;
}

static int fail_url(struct job *j, const char *url)
{
	if (strncmp(url, "https:", 6) == 0)
		return job_fail(j, E_INVALID, "usage",
		    "%s: there is no TLS on this side; reach the service by a tunnel (ssh -L 8080:127.0.0.1:8080 HOST) "
		    "and give http://127.0.0.1:8080",
		    url);
	return job_fail(
	    j, E_INVALID, "usage", "%s is no URL such as http://127.0.0.1:8080 or unix:PATH", url);
}

/* "http://HOST[:PORT][/]"; an IPv6 address in brackets. */
static int parse_url(struct job *j, const char *url, const char **host, const char **port)
{
	static const char scheme[] = "http://";
	const char *start = url + sizeof(scheme) - 1, *end;
	bool is_v6;
	size_t len, digits;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return fail_url(j, url);
	is_v6 = *start == '[';
	start += is_v6;
	len = strcspn(start, is_v6 ? "]/" : ":/");
	end = start + len;
	if (is_v6 && *end++ != ']')
		return fail_url(j, url);
	digits = *end == ':' ? strspn(end + 1, "0123456789") : 0;
	*host = arena_strndup(j->arena, start, len);
	*port = digits ? arena_strndup(j->arena, end + 1, digits) : "80";
	end += digits ? digits + 1 : 0;
	return len && (!*end || strcmp(end, "/") == 0) ? 0 : fail_url(j, url);
}

static int dial_tcp(struct job *j, const char *url, int *fd)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL, *a;
	const char *host = NULL, *port = NULL;
	int error;

	if (parse_url(j, url, &host, &port))
		return j->error;
	error = getaddrinfo(host, port, &hints, &list);
	if (error)
		return job_fail(j, E_IO, "not_listening", "%s: %s", url, gai_strerror(error));
	for (a = list; a; a = a->ai_next) {
		*fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (*fd >= 0 && connect(*fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		error = errno;
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
	freeaddrinfo(list);
	if (*fd < 0)
		return job_fail(j, E_IO, "not_listening", "nobody listens on %s: %s", url, strerror(error));
	return 0;
}

/* Reads return each second, so that the caller can say that it waits. */
int dial_open(struct job *j, const struct http_call *call, int *fd)
{
	const struct timeval second = { .tv_sec = 1 }, patience = { .tv_sec = ASK_SECONDS };

	if (call->socket ? dial_unix(j, call->socket, fd) : dial_tcp(j, call->url, fd))
		return j->error;
	if (setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second)) < 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return job_fail_errno(j, "setsockopt");
	return 0;
}
