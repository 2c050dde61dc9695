/*
 * Connections that have not sent a whole request yet.  They cost a descriptor
 * and no thread, so that a thousand of them are felt by nobody.  CivetWeb, as
 * .ci/civetweb.patch changes it, parks what it accepts and takes what is ready;
 * of one thread only.
 */
#ifndef HTTP_PARK_H
#define HTTP_PARK_H

#include <stdbool.h>
#include <stddef.h>

struct park;

/* item: the size of what belongs to a connection.  Out of descriptors it ends the process, as out of memory does. */
struct park *park_open(size_t item);
void park_close(struct park *p); /* and every connection in it */

/* Polls as readable when park_next may have something. */
int park_fd(const struct park *p);

/*
 * Take a connection over.  needs_head: it is ready once the head of its request is there; else with the first
 * byte (TLS).  Where too many wait already, the one that does for longest is closed.
 */
void park_put(struct park *p, int fd, const void *item, bool needs_head);
/* Hand a ready one out: its item, and with it the socket.  Closes those that have waited for too long. */
bool park_next(struct park *p, void *item);
/* Close the one that waits for longest, for its descriptor. */
bool park_drop(struct park *p);

#endif
