/*
 * Where to listen: addresses and sockets as the command line names them, checked
 * and put into the words that CivetWeb takes without guessing.
 */
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

int listen_print_tcp(struct job *j, const struct http_options *o, struct buf *b)
{
	size_t i;

	for (i = 0; i < o->listen_n; i++) {
		if (listen_is_unix(o->listen[i]))
			continue;
		if (check_tcp(j, o->listen[i]))
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
