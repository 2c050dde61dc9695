/*
 * OpenVPN's management socket, DATA/run/openvpn.sock.  It serves one client
 * at a time and this thread is the one: it learns which serial each connection
 * uses and ends connections with `client-kill CID`.  That tells the client to
 * restart, so who may come back does so by itself.
 * Before each cut a status comes, for clients that connected before we listened
 * and for those that lost their name in a failed renegotiation.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { RECONNECT_MS = 500, ANSWER_MS = 10000, STATUS_MS = 5000 };

struct management {
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t settled;
	struct cut *cuts;
	enum restart restart;
	bool stopping, running;
	char configuration[CONFIGURATION_DIGEST]; /* what it runs with; "": not known */
	bool is_listed; /* the table is whole */
	struct clients clients; /* written by the thread alone, which may read it without the lock */

	char *data;
	int wake; /* eventfd: something was submitted, or stop */
	struct wire wire; /* this and the rest belong to the thread */
	struct feed *feed;
	int64_t status_due; /* the answer to `status 3` must be there by then; 0: none is awaited */
	int64_t asked_at, next_status;
	int64_t connect_at;
	bool is_history; /* lines up to END are what was echoed before we listened */
};

static void management_wake(struct management *m)
{
	uint64_t one = 1;

	/* Full is as good as woken. */
	while (write(m->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* Nothing listens there: no process of OpenVPN, no connection to end; the next start reads the new files. */
static void management_forget(struct management *m)
{
	pthread_mutex_lock(&m->lock);
	cuts_clear(&m->cuts);
	m->restart = RESTART_NOT;
	pthread_cond_broadcast(&m->settled);
	pthread_mutex_unlock(&m->lock);
}

static void management_disconnect(struct management *m)
{
	bool was_running;

	wire_close(&m->wire);
	m->status_due = 0;
	m->is_history = false;
	m->connect_at = time_monotonic_ms() + RECONNECT_MS;
	pthread_mutex_lock(&m->lock);
	clients_clear(&m->clients);
	was_running = m->running;
	m->running = m->is_listed = false;
	m->configuration[0] = '\0';
	pthread_mutex_unlock(&m->lock);
	if (was_running)
		live_tell_running(m->feed, false);
}

static void management_ask_status(struct management *m)
{
	clients_expect_status(&m->clients);
	wire_send(&m->wire, "status 3\n");
	m->asked_at = time_monotonic_ms();
	m->status_due = m->asked_at + ANSWER_MS;
}

/* With the lock. */
static bool management_has_other(const struct management *m)
{
	char wanted[CONFIGURATION_DIGEST];

	configuration_wanted(m->data, wanted);
	return strcmp(wanted, m->configuration) != 0;
}

/* The table is fresh: do what is due, then the restart. */
static void management_act(struct management *m)
{
	pthread_mutex_lock(&m->lock);
	cuts_execute(&m->cuts, &m->clients, &m->wire, time_monotonic_ms());
	if (m->restart == RESTART_ANYWAY || (m->restart == RESTART_IF_OTHER && management_has_other(m))) {
		log_line(LOG_LEVEL_INFO, "openvpn: restart by SIGHUP, for its configuration to be read anew");
		wire_send(&m->wire, "signal SIGHUP\n");
	}
	m->restart = RESTART_NOT;
	pthread_cond_broadcast(&m->settled);
	pthread_mutex_unlock(&m->lock);
}

/* Is this line about the configuration? Then it is taken. */
static bool management_hear(struct management *m, const char *line)
{
	char digest[CONFIGURATION_DIGEST];

	if (configuration_heard(line, digest)) {
		pthread_mutex_lock(&m->lock);
		memcpy(m->configuration, digest, sizeof(digest));
		pthread_mutex_unlock(&m->lock);
		return true;
	}
	if (!m->is_history || strcmp(line, "END") != 0)
		return false;
	m->is_history = false;
	pthread_mutex_lock(&m->lock);
	m->running = true;
	pthread_mutex_unlock(&m->lock);
	live_tell_running(m->feed, true);
	return true;
}

/* It counts as running once it has said with what. */
static void management_greet(struct management *m)
{
	wire_send(&m->wire, "echo on all\n");
	m->is_history = true;
	management_ask_status(m);
}

static enum clients_news management_read(struct management *m, const char *line)
{
	enum clients_news news;

	pthread_mutex_lock(&m->lock);
	news = clients_line(&m->clients, line);
	if (news == CLIENTS_STATUS_END)
		m->is_listed = true;
	pthread_mutex_unlock(&m->lock);
	return news;
}

/*
 * OpenVPN tells who connects, but not who has gone, nor how many bytes there were: it is asked every now and then.
 * It does nothing else while it answers: a hundredth of its time at most.
 */
static void management_listed(struct management *m)
{
	int64_t now = time_monotonic_ms(), pause = 100 * (now - m->asked_at);

	m->status_due = 0;
	m->next_status = now + (pause > STATUS_MS ? pause : STATUS_MS);
	live_tell_gone(m->feed, &m->clients);
}

static void management_take(struct management *m)
{
	const char *line;

	while ((line = wire_line(&m->wire))) {
		if (management_hear(m, line))
			continue;
		switch (management_read(m, line)) {
		case CLIENTS_GREETING:
			management_greet(m);
			break;
		case CLIENTS_STATUS_END:
			management_listed(m);
			management_act(m);
			break;
		case CLIENTS_CONNECTED:
			live_tell_client(m->feed, &m->clients.told, true);
			break;
		case CLIENTS_NOTHING:
			break;
		}
	}
}

static void management_connect(struct management *m)
{
	int error = wire_open(&m->wire);

	m->connect_at = time_monotonic_ms() + RECONNECT_MS;
	if (error == ENOENT || error == ECONNREFUSED)
		management_forget(m);
}

/* When a cut, a restart or who looks at the table wants it fresh. */
static int64_t management_next(struct management *m)
{
	int64_t next;

	pthread_mutex_lock(&m->lock);
	next = m->restart ? 0 : cuts_next(m->cuts);
	next = next < m->next_status ? next : m->next_status;
	pthread_mutex_unlock(&m->lock);
	return next;
}

/* What time alone brings: connecting, what is due, an answer that doesn't come. Returns how long to wait. */
static int management_tick(struct management *m)
{
	int64_t now = time_monotonic_ms(), next;

	if (!wire_is_open(&m->wire) && now >= m->connect_at)
		management_connect(m);
	if (m->status_due && now >= m->status_due) {
		log_line(LOG_LEVEL_WARNING, "openvpn: no answer on the management socket, connecting anew");
		management_disconnect(m);
	}
	if (!wire_is_open(&m->wire))
		return RECONNECT_MS;
	next = management_next(m);
	if (m->running && !m->status_due && now >= next)
		management_ask_status(m);
	if (m->status_due)
		next = m->status_due;
	if (next <= now || next - now > ANSWER_MS)
		return ANSWER_MS;
	return (int)(next - now);
}

static void *management_run(void *context)
{
	struct management *m = context;
	bool stopping = false;
	uint64_t count;

	while (!stopping) {
		int wait = management_tick(m);
		struct pollfd fds[] = {
			{ .fd = m->wake, .events = POLLIN },
			{ .fd = m->wire.fd, .events = wire_events(&m->wire) },
		};

		if (poll(fds, 2, wait) < 0)
			continue;
		if (fds[0].revents && read(m->wake, &count, sizeof(count)) < 0)
			count = 0;
		if (fds[1].revents) {
			bool is_open = wire_move(&m->wire);

			management_take(m);
			if (!is_open)
				management_disconnect(m);
		}
		pthread_mutex_lock(&m->lock);
		stopping = m->stopping;
		pthread_mutex_unlock(&m->lock);
	}
	management_disconnect(m);
	return NULL;
}

static void management_free(struct management *m)
{
	int saved = errno;

	management_forget(m);
	if (m->wake >= 0)
		close(m->wake);
	wire_free(&m->wire);
	free(m->data);
	pthread_cond_destroy(&m->settled);
	pthread_mutex_destroy(&m->lock);
	free(m);
	errno = saved;
}

int management_open(struct job *j, const char *data, struct feed *feed, struct management **out)
{
	struct management *m = mem_zalloc(sizeof(*m));
	pthread_condattr_t clock;

	m->data = mem_strdup(data);
	m->feed = feed;
	wire_init(&m->wire, data);
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&m->settled, &clock);
	pthread_condattr_destroy(&clock);
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errno = m->wake < 0 ? errno : pthread_create(&m->thread, NULL, management_run, m);
	if (errno) {
		management_free(m);
		return job_fail_errno(j, "cannot start the thread of OpenVPN's management socket");
	}
	*out = m;
	return 0;
}

void management_close(struct management *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_mutex_unlock(&m->lock);
	management_wake(m);
	pthread_join(m->thread, NULL);
	management_free(m);
}

void management_submit(struct management *m, const struct deploy_cut *cuts, size_t n, enum restart restart)
{
	int64_t now = time_monotonic_ms();

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < n; i++)
		cuts_add(&m->cuts, &cuts[i], now);
	if (restart > m->restart)
		m->restart = restart;
	pthread_mutex_unlock(&m->lock);
	if (n || restart)
		management_wake(m);
}

bool management_restart(struct management *m)
{
	bool is_running;

	pthread_mutex_lock(&m->lock);
	is_running = m->running;
	pthread_mutex_unlock(&m->lock);
	if (is_running)
		management_submit(m, NULL, 0, RESTART_ANYWAY);
	return is_running;
}

void management_settle(struct management *m, int ms)
{
	int64_t end = time_monotonic_ms() + ms;
	const struct timespec until = { .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };

	pthread_mutex_lock(&m->lock);
	while (m->running && !cuts_are_settled(m->cuts))
		if (pthread_cond_timedwait(&m->settled, &m->lock, &until))
			break;
	pthread_mutex_unlock(&m->lock);
}

bool management_status(struct management *m, char *running)
{
	bool is_running;

	pthread_mutex_lock(&m->lock);
	is_running = m->running;
	memcpy(running, m->configuration, sizeof(m->configuration));
	pthread_mutex_unlock(&m->lock);
	return is_running;
}

void management_clients(struct job *j, struct management *m, const char *name, struct deploy_clients *out)
{
	*out = (struct deploy_clients){ .n = 0 };
	pthread_mutex_lock(&m->lock);
	out->is_known = m->is_listed;
	if (out->is_known)
		live_copy(j, &m->clients, name, out);
	pthread_mutex_unlock(&m->lock);
}
