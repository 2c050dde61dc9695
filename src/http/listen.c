/*
 * Where to listen: addresses and sockets as the command line names them, checked
 * and put into the words that CivetWeb takes without guessing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/http_int.h"

static const char unix_scheme[] = "unix:";

bool listen_is_unix(const char *listen_on)
{
	return strncmp(listen_on, unix_scheme, sizeof(unix_scheme) - 1) == 0;
}

const char *listen_unix_path(const char *listen_on)
{
	return listen_on + sizeof(unix_scheme) - 1;
}

struct place { /* "127.0.0.1:8080", "[::1]:8443s" */
	char host[INET6_ADDRSTRLEN];
	bool is_v6, is_tls;
};

/* Numbers alone, so that CivetWeb takes them without guessing. */
static bool parse_place(const char *listen_on, struct place *out)
{
	const char *colon = strrchr(listen_on, ':');
	size_t host = colon ? (size_t)(colon - listen_on) : 0, digits;

	*out = (struct place){ .is_v6 = listen_on[0] == '[' };
	if (out->is_v6 && (host < 2 || listen_on[host - 1] != ']'))
		return false;
	host -= out->is_v6 ? 2 : 0;
	if (!colon || host == 0 || host >= sizeof(out->host))
		return false;
	memcpy(out->host, listen_on + out->is_v6, host);
	digits = strspn(colon + 1, "0123456789");
	out->is_tls = colon[1 + digits] == 's';
	return digits >= 1 && digits <= 5 && colon[1 + digits + out->is_tls] == '\0';
}

static bool read_address(const struct place *p, bool *is_loopback)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (p->is_v6 && inet_pton(AF_INET6, p->host, &v6) == 1) {
		*is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
		return true;
	}
	if (p->is_v6 || inet_pton(AF_INET, p->host, &v4) != 1)
		return false;
	*is_loopback = ntohl(v4.s_addr) >> 24 == 127;
	return true;
}

bool http_is_tls(const char *listen_on)
{
	struct place p;

	return !listen_is_unix(listen_on) && parse_place(listen_on, &p) && p.is_tls;
}

static int check_tcp(struct job *j, const struct http_options *o, const char *listen_on)
{
	bool is_loopback = false;
	struct place p;

	if (!parse_place(listen_on, &p) || !read_address(&p, &is_loopback))
		return job_fail(j, E_INVALID, "invalid",
		    "cannot listen on %s: give 127.0.0.1:8080, [::1]:8080, [::]:8443s (TLS) or unix:PATH",
		    listen_on);
	if (!p.is_tls && !is_loopback && !o->allow_cleartext)
		return job_fail(j, E_DENIED, "cleartext",
		    "will not listen on %s: whoever is on the way would read tokens and private keys; add an s "
		    "for TLS (%ss), or say --allow-cleartext where something else encrypts",
		    listen_on, listen_on);
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

int listen_print_tcp(struct job *j, const struct http_options *o, struct buf *b)
{
	size_t i;

	for (i = 0; i < o->listen_n; i++) {
		if (listen_is_unix(o->listen[i]))
			continue;
		if (check_tcp(j, o, o->listen[i]))
			return j->error;
		buf_printf(b, "%s%s", b->len ? "," : "", o->listen[i]);
	}
	return 0;
}

int listen_print_unix(struct job *j, const char *path, struct buf *b)
{
	if (check_unix(j, path))
		return j->error;
	buf_printf(b, "x%s", path);
	return 0;
}
