/* Reading and writing pkt-lines, bounded: what is read comes from outside. */
#include "cli/pktline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 4 };

static int read_all(struct job *j, int fd, char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return job_fail_errno(j, "cannot read from git");
		if (n == 0)
			return job_fail(
			    j, E_IO, "bad_pkt", "git closed the connection in the middle of a line");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_all(struct job *j, int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return job_fail_errno(j, "cannot write to git");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Exactly four hex digits: no sign, no blanks, as strtol would take. */
static bool parse_length(const char head[HEAD], size_t *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	*out = 0;
	for (i = 0; i < HEAD; i++) {
		char c = head[i] >= 'A' && head[i] <= 'F' ? (char)(head[i] - 'A' + 'a') : head[i];
		const char *at = c ? strchr(digits, c) : NULL;

		if (!at)
			return false;
		*out = *out * 16 + (size_t)(at - digits);
	}
	return true;
}

int pkt_read(struct job *j, int fd, struct pkt *out)
{
	char head[HEAD], *data;
	size_t len;

	*out = (struct pkt){ .data = "" };
	if (read_all(j, fd, head, HEAD))
		return j->error;
	if (!parse_length(head, &len) || (len > 0 && len < HEAD) || len > PKT_MAX)
		return job_fail(j, E_IO, "bad_pkt", "git sent something else than a pkt-line");
	out->is_flush = len == 0;
	if (len <= HEAD)
		return 0;
	len -= HEAD;
	data = arena_alloc(j->arena, len + 1);
	if (read_all(j, fd, data, len))
		return j->error;
	if (data[len - 1] == '\n')
		data[--len] = '\0';
	out->data = data;
	out->len = len;
	return 0;
}

int pkt_write(struct job *j, int fd, const char *line)
{
	size_t len = HEAD + strlen(line) + 1;

	if (len > PKT_MAX)
		return job_fail(
		    j, E_INVALID, "bad_pkt", "a line of %zu bytes is too long for a pkt-line", len);
	line = arena_printf(j->arena, "%04zx%s\n", len, line);
	return write_all(j, fd, line, len);
}

int pkt_flush(struct job *j, int fd)
{
	return write_all(j, fd, "0000", HEAD);
}
