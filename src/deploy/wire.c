/*
 * The line-based side of OpenVPN's management socket: connect, buffers in both
 * directions, all without ever waiting.  Knows nothing of what the lines say.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deploy/deploy_int.h"

void wire_init(struct wire *w, const char *data)
{
	size_t size = strlen(data) + sizeof("/run");

	w->fd = -1;
	w->folder = mem_alloc(size);
	snprintf(w->folder, size, "%s/run", data);
}

void wire_free(struct wire *w)
{
	wire_close(w);
	free(w->folder);
	w->folder = NULL;
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->out);
	w->fd = -1;
	w->in_len = w->in_taken = w->out_len = w->out_cap = 0;
	w->is_skipping = false;
	w->out = NULL;
}

int wire_open(struct wire *w)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int error = 0, folder = open(w->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return errno;
	/* By way of the folder's descriptor, since a socket's path has room for 107 bytes only. */
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/openvpn.sock", folder);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0 || connect(w->fd, (const struct sockaddr *)&a, sizeof(a))) {
		error = errno;
		wire_close(w);
	}
	close(folder);
	return error;
}

bool wire_is_open(const struct wire *w)
{
	return w->fd >= 0;
}

short wire_events(const struct wire *w)
{
	return w->out_len ? POLLIN | POLLOUT : POLLIN;
}

/* 0: nothing to be had now; -1: the other side is gone. */
static ssize_t wire_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool wire_move(struct wire *w)
{
	ssize_t n = wire_result(send(w->fd, w->out, w->out_len, MSG_NOSIGNAL));

	if (n < 0 || w->out_len > WIRE_OUT_MAX)
		return false;
	if (n)
		memmove(w->out, w->out + n, w->out_len -= (size_t)n);
	n = recv(w->fd, w->in + w->in_len, sizeof(w->in) - w->in_len, 0);
	if (n == 0)
		return false;
	n = wire_result(n);
	if (n > 0)
		w->in_len += (size_t)n;
	return n >= 0;
}

const char *wire_line(struct wire *w)
{
	char *start, *end;
	bool was_skipping;

	do {
		start = w->in + w->in_taken;
		end = memchr(start, '\n', w->in_len - w->in_taken);
		if (!end)
			break;
		w->in_taken = (size_t)(end - w->in) + 1;
		was_skipping = w->is_skipping;
		w->is_skipping = false;
		*end = '\0';
		if (end > start && end[-1] == '\r')
			end[-1] = '\0';
	} while (was_skipping);
	if (end)
		return start;
	/* All that is whole was taken: make room for the rest. */
	w->in_len -= w->in_taken;
	memmove(w->in, start, w->in_len);
	w->in_taken = 0;
	if (w->in_len == sizeof(w->in)) {
		w->is_skipping = true;
		w->in_len = 0;
	}
	return NULL;
}

void wire_send(struct wire *w, const char *text)
{
	size_t len = strlen(text);

	if (w->out_len + len > w->out_cap) {
		w->out_cap = 2 * (w->out_len + len);
		w->out = mem_realloc(w->out, w->out_cap);
	}
	memcpy(w->out + w->out_len, text, len);
	w->out_len += len;
}
