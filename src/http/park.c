/*
 * The park: an epoll and a list in order of arrival.  What has come is looked
 * at without being taken, so that whoever gets the connection reads it all.
 */
#include "http/park.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

enum {
	PARKED_MAX = 4096,
	HEAD_MAX = 16384, /* of a request; more is for who refuses it */
	WAIT_MS = 15000,
};

struct place {
	int fd;
	bool needs_head;
	int64_t since;
	struct place *next, *previous;
	char item[];
};

struct park {
	int epoll;
	size_t item, n, max;
	struct place *oldest, *newest;
};

struct park *park_open(size_t item)
{
	struct park *p = mem_zalloc(sizeof(*p));
	struct rlimit files = { .rlim_cur = PARKED_MAX };

	p->item = item;
	/* Half of the descriptors stay for files and for those that are served. */
	getrlimit(RLIMIT_NOFILE, &files);
	p->max = files.rlim_cur / 2 < PARKED_MAX ? (size_t)files.rlim_cur / 2 : PARKED_MAX;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot wait for connections: no descriptor is left");
		abort();
	}
	return p;
}

/* Out of the list; its socket stays open. */
static void place_leave(struct park *p, struct place *c)
{
	assert(!c->previous == (c == p->oldest) && !c->next == (c == p->newest));
	epoll_ctl(p->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	*(c->previous ? &c->previous->next : &p->oldest) = c->next;
	*(c->next ? &c->next->previous : &p->newest) = c->previous;
	p->n--;
	free(c);
}

bool park_drop(struct park *p)
{
	struct place *c = p->oldest;
	int fd = c ? c->fd : -1;

	if (!c)
		return false;
	place_leave(p, c);
	close(fd);
	return true;
}

void park_close(struct park *p)
{
	while (park_drop(p))
		;
	close(p->epoll);
	free(p);
}

int park_fd(const struct park *p)
{
	return p->epoll;
}

void park_put(struct park *p, int fd, const void *item, bool needs_head)
{
	struct place *c = mem_zalloc(sizeof(*c) + p->item);
	/* By edge: half a head that is there already does not wake us again. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c };

	if (p->n >= p->max)
		park_drop(p);
	c->fd = fd;
	c->needs_head = needs_head;
	c->since = time_monotonic_ms();
	c->previous = p->newest;
	memcpy(c->item, item, p->item);
	*(p->newest ? &p->newest->next : &p->oldest) = c;
	p->newest = c;
	p->n++;
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		return;
	place_leave(p, c);
	close(fd);
}

/* Has it said all that it has to say, or all that it will? */
static bool is_ready(const struct place *c, uint32_t events)
{
	char head[HEAD_MAX];
	ssize_t n;

	if (!c->needs_head || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		return true;
	n = recv(c->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || n == sizeof(head) ||
	    (n > 0 && (memmem(head, (size_t)n, "\r\n\r\n", 4) || memmem(head, (size_t)n, "\n\n", 2)));
}

bool park_next(struct park *p, void *item)
{
	struct epoll_event e;
	struct place *c;

	while (epoll_wait(p->epoll, &e, 1, 0) == 1) {
		c = e.data.ptr;
		if (!is_ready(c, e.events))
			continue;
		memcpy(item, c->item, p->item);
		place_leave(p, c);
		return true;
	}
	while (p->oldest && time_monotonic_ms() - p->oldest->since > WAIT_MS)
		park_drop(p);
	return false;
}
