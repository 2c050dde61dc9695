/* git's pkt-lines (gitprotocol-common(5)): four hex digits of length, then bytes. */
#ifndef CLI_PKTLINE_H
#define CLI_PKTLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/job.h"

enum { PKT_MAX = 65520 }; /* with its length */

struct pkt {
	bool is_flush;    /* 0000: the end of a list */
	const char *data; /* in the arena, a NUL behind it; a line end there is cut off */
	size_t len;
};

/* E_IO where the other side went away or does not speak pkt-lines. */
int pkt_read(struct job *j, int fd, struct pkt *out);
/* A line, which is ended by '\n' here; E_INVALID where it is too long. */
int pkt_write(struct job *j, int fd, const char *line);
int pkt_flush(struct job *j, int fd);

#endif
