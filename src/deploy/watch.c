/*
 * `vpnunit deploy --watch`: deploys whenever state.json was renamed into place,
 * and once a minute to repair what somebody else changed in the kernel.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { REPAIR_MS = 60000 };

struct watch {
	const char *data;
	int fd; /* inotify */
	char *said; /* the last lines that were logged, so that a lasting fault is told once */
};

/* sd_notify(3): who is ordered after the unit starts when the device is there. */
static void watch_notify(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, len);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_line(LOG_LEVEL_WARNING, "cannot tell the service manager that all is ready");
	if (fd >= 0)
		close(fd);
}

static void watch_say(struct watch *w, struct job *j)
{
	struct buf text;

	buf_open(&text, j->arena);
	buf_puts(&text, j->error ? j->message : "");
	for (const struct job_detail *d = j->warnings; d; d = d->next)
		buf_printf(&text, "%s%s", text.len ? "; " : "", d->text);
	if (strcmp(text.data, w->said))
		log_line(text.len ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s",
		    text.len ? text.data : "the kernel is as it should be");
	free(w->said);
	w->said = mem_strdup(text.data);
}

static void watch_turn(struct watch *w)
{
	struct job j;

	job_open(&j);
	kernel_once(&j, w->data);
	watch_say(w, &j);
	job_close(&j);
}

/* Is state.json among what has happened? */
static bool watch_has_news(const struct watch *w)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool has_news = false;
	ssize_t n;

	while ((n = read(w->fd, events, sizeof(events))) > 0)
		for (char *p = events; p < events + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)p;

			/* An overflow has no name: anything may have happened. */
			if (!e->len || !strcmp(e->name, "state.json"))
				has_news = true;
			p += sizeof(*e) + e->len;
		}
	return has_news;
}

/* Wait for news or for the time of the next repair; false: a signal ends the loop. */
static bool watch_wait(const struct watch *w)
{
	struct pollfd fd = { .fd = w->fd, .events = POLLIN };
	int64_t end = time_monotonic_ms() + REPAIR_MS, left;

	while ((left = end - time_monotonic_ms()) > 0) {
		int n = poll(&fd, 1, (int)left);

		if (n < 0 && errno == EINTR)
			return false;
		if (n > 0 && watch_has_news(w))
			return true;
	}
	return true;
}

static int watch_run(struct job *j, const char *data)
{
	struct watch w = { .data = data, .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK) };

	if (w.fd < 0 || inotify_add_watch(w.fd, data, IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
		job_fail_errno(j, "cannot watch %s", data);
	} else {
		w.said = mem_strdup("");
		watch_turn(&w);
		watch_notify();
		while (watch_wait(&w))
			watch_turn(&w);
	}
	free(w.said);
	if (w.fd >= 0)
		close(w.fd);
	return j->error;
}

int deploy_kernel(struct job *j, const char *data, bool watch)
{
	return watch ? watch_run(j, data) : kernel_once(j, data);
}
