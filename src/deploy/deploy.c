/*
 * The last step of the line: a thread that takes what was published, has
 * connections cut, runs the hooks, and notes how it ended.  Tasks that wait
 * are folded into one, since a hook acts on the newest commit anyway.  Where
 * the hook does the kernel's side, it runs once a minute too, to repair it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { RECENT = 1024, SETTLE_MS = 1000, POLL_MS = 50, AWAY_MS = 300, REPAIR_MS = 60000 };

struct deploy {
	char *data;
	int hidden[SANDBOX_HIDDEN + 1]; /* what hooks cannot read */
	bool hooks;
	int repair_ms;
	struct management *management;
	struct notice *notice; /* NULL: no hooks */
	pthread_t worker;
	int stop; /* eventfd: the running hook is to hurry up */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	bool stopping;
	uint64_t submitted, finished, deployed; /* tasks are numbered from 1 */
	struct histogram turns;
	bool is_left; /* the finished one's kernel side is the unit's, which hasn't acted */
	bool is_unit_away; /* somebody waited for the unit in vain: the next one waits less */
	bool is_units; /* the kernel's side always is: nothing to repair here */
	char old_commit[OID_HEX]; /* of the first waiting task */
	char recent[RECENT][OID_HEX]; /* new commits of tasks, by number */
	char *kernel, *others; /* why the finished one isn't deployed: post-commit, post-commit.d; "" well */
};

/* The newest task that was for this commit; 0: none that is remembered. */
static uint64_t deploy_number(const struct deploy *d, const char *commit)
{
	uint64_t oldest = d->submitted > RECENT ? d->submitted - RECENT : 0;

	for (uint64_t n = d->submitted; n > oldest; n--)
		if (!strcmp(d->recent[n % RECENT], commit))
			return n;
	return 0;
}

static void deploy_set(char **detail, const char *text)
{
	free(*detail);
	*detail = mem_strdup(text);
}

static const char *deploy_detail(const struct deploy *d)
{
	return *d->kernel ? d->kernel : d->others;
}

/* What deployed.json says about a task: done (""), not yet (NULL), or what could not be done. */
static const char *deploy_look(struct job *j, struct deploy *d, uint64_t number)
{
	struct record r;
	struct buf text;
	uint64_t reached;

	record_read(j, d->data, &r);
	pthread_mutex_lock(&d->lock);
	reached = deploy_number(d, r.commit);
	pthread_mutex_unlock(&d->lock);
	if (!reached || reached < number)
		return NULL;
	buf_open(&text, j->arena);
	for (size_t i = 0; r.warnings[i]; i++)
		buf_printf(&text, "%s%s", i ? "; " : "", r.warnings[i]);
	return text.data;
}

struct deploy_end { /* how a run ended */
	const char *kernel, *others; /* "" well */
	bool is_left, is_units;
};

/* The kernel's side, by hook; without the lock. */
static void deploy_kernel_side(
    struct job *j, struct deploy *d, uint64_t number, const struct hook_run *run, struct deploy_end *end)
{
	enum hook_outcome outcome = hooks_run(j, run, HOOK_KERNEL, &end->kernel);
	const char *seen;

	if (outcome == HOOK_DONE)
		return;
	end->is_units = outcome == HOOK_LATER;
	seen = deploy_look(j, d, number);
	if (seen && (end->is_units || *seen)) {
		/* A deploy that ran and met obstacles says them better than an exit code. */
		end->kernel = seen;
	} else if (end->is_units) {
		end->kernel = "the unit vpnunit-deploy has not acted yet";
		end->is_left = true;
	}
}

/* The newest task, or a repair of what it was about. */
static void deploy_turn(struct deploy *d, bool is_repair)
{
	char old_commit[OID_HEX], new_commit[OID_HEX];
	struct hook_run run = { .data = d->data,
		.old_commit = old_commit,
		.new_commit = new_commit,
		.timeout_ms = HOOK_TIMEOUT_MS,
		.stop_fd = d->stop,
		.hidden = d->hidden };
	struct deploy_end end = { .kernel = "", .others = "" };
	uint64_t number = d->submitted;
	int64_t began_at = time_monotonic_us();
	struct job j;

	memcpy(old_commit, d->old_commit, OID_HEX);
	memcpy(new_commit, d->recent[number % RECENT], OID_HEX);
	memcpy(d->old_commit, new_commit, OID_HEX);
	pthread_mutex_unlock(&d->lock);
	job_open(&j);
	management_settle(d->management, SETTLE_MS);
	deploy_kernel_side(&j, d, number, &run, &end);
	if (!is_repair)
		hooks_run(&j, &run, HOOK_OTHERS, &end.others);
	pthread_mutex_lock(&d->lock);
	d->finished = number;
	if (!is_repair)
		histogram_add(&d->turns, HISTOGRAM_MICROSECONDS, time_monotonic_us() - began_at);
	d->is_left = end.is_left;
	d->is_units = end.is_units;
	deploy_set(&d->kernel, end.kernel);
	if (!is_repair)
		deploy_set(&d->others, end.others);
	if (!*deploy_detail(d))
		d->deployed = number;
	job_close(&j);
	pthread_cond_broadcast(&d->changed);
}

bool deploy_restart(struct deploy *d)
{
	return management_restart(d->management);
}

static struct timespec deploy_until(int64_t ms)
{
	return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
}

static void *deploy_worker(void *context)
{
	struct deploy *d = context;
	struct timespec repair = deploy_until(time_monotonic_ms() + d->repair_ms);

	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		bool is_waiting = d->finished < d->submitted;

		if (!is_waiting && pthread_cond_timedwait(&d->changed, &d->lock, &repair) != ETIMEDOUT)
			continue;
		if (is_waiting || (d->submitted && !d->is_units))
			deploy_turn(d, !is_waiting);
		repair = deploy_until(time_monotonic_ms() + d->repair_ms);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void deploy_free(struct deploy *d)
{
	const int *at;

	notice_close(d->notice);
	management_close(d->management);
	if (d->stop >= 0)
		close(d->stop);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d->kernel);
	free(d->others);
	free(d->data);
	for (at = d->hidden; *at >= 0; at++)
		close(*at);
	free(d);
}

static void hide(struct deploy *d, const char *path)
{
	int *at = d->hidden;

	while (*at >= 0)
		at++;
	*at = open(path, O_PATH | O_CLOEXEC); /* what is not there cannot be read */
}

static void hide_secrets(struct job *j, struct deploy *d, const struct deploy_options *o)
{
	memset(d->hidden, -1, sizeof(d->hidden));
	hide(d, arena_printf(j->arena, "%s/secrets", o->data));
	if (o->master_key)
		hide(d, o->master_key);
	if (d->hooks && !sandbox_is_there())
		job_warn(j,
		    "this kernel has no Landlock: hooks, which run as the service's user, can read the master key");
}

int deploy_open(struct job *j, const struct deploy_options *o, struct deploy **out)
{
	struct deploy *d = mem_zalloc(sizeof(*d));
	pthread_condattr_t clock;

	d->data = mem_strdup(o->data);
	d->kernel = mem_strdup("");
	d->others = mem_strdup("");
	d->hooks = o->hooks;
	hide_secrets(j, d, o);
	d->repair_ms = o->repair_ms ? o->repair_ms : REPAIR_MS;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &clock);
	pthread_condattr_destroy(&clock);
	d->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->stop < 0)
		job_fail_errno(j, "cannot make an event");
	else if (!management_open(j, d->data, o->feed, &d->management) && d->hooks &&
	    !notice_open(j, d->data, d->stop, d->hidden, &d->notice) &&
	    (errno = pthread_create(&d->worker, NULL, deploy_worker, d)))
		job_fail_errno(j, "cannot start the thread of the hooks");
	if (j->error) {
		deploy_free(d);
		return j->error;
	}
	*out = d;
	return 0;
}

void deploy_close(struct deploy *d)
{
	uint64_t one = 1;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	if (write(d->stop, &one, sizeof(one)) < 0)
		log_line(LOG_LEVEL_WARNING, "a running hook was not told of the end");
	if (d->hooks)
		pthread_join(d->worker, NULL);
	deploy_free(d);
}

void deploy_submit(struct deploy *d, const struct deploy_task *t)
{
	management_submit(d->management, t->cuts, t->cuts_n, t->restart ? RESTART_IF_OTHER : RESTART_NOT);
	pthread_mutex_lock(&d->lock);
	if (!d->submitted)
		strncpy(d->old_commit, t->old_commit, OID_HEX - 1);
	d->submitted++;
	strncpy(d->recent[d->submitted % RECENT], t->new_commit, OID_HEX - 1);
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* The unit works on its own: its record is looked at now and then. Called and returns with the lock. */
static void deploy_look_again(struct job *j, struct deploy *d)
{
	uint64_t number = d->finished;
	const char *seen;

	pthread_mutex_unlock(&d->lock);
	seen = deploy_look(j, d, number);
	pthread_mutex_lock(&d->lock);
	if (!seen || number != d->finished)
		return;
	deploy_set(&d->kernel, seen);
	d->is_left = false;
	if (!*deploy_detail(d))
		d->deployed = number;
}

/* True when the task's hooks have run and there is nothing to wait for. */
static bool deploy_is_over(const struct deploy *d, uint64_t number)
{
	return d->deployed >= number || (d->finished >= number && !d->is_left);
}

bool deploy_wait(struct job *j, struct deploy *d, const char *commit, int ms, const char **warning)
{
	int64_t end = time_monotonic_ms() + ms, now;
	uint64_t number;
	bool is_deployed;

	if (!d->hooks)
		return true;
	pthread_mutex_lock(&d->lock);
	number = deploy_number(d, commit);
	if (!number) /* a commit in the middle of a batch */
		number = d->submitted;
	if (d->is_unit_away && end > time_monotonic_ms() + AWAY_MS)
		end = time_monotonic_ms() + AWAY_MS;
	while (!deploy_is_over(d, number) && (now = time_monotonic_ms()) < end) {
		struct timespec until = deploy_until(d->is_left && now + POLL_MS < end ? now + POLL_MS : end);

		pthread_cond_timedwait(&d->changed, &d->lock, &until);
		if (d->is_left && d->finished >= number)
			deploy_look_again(j, d);
	}
	is_deployed = d->deployed >= number;
	d->is_unit_away = !is_deployed && d->is_left;
	if (!is_deployed)
		*warning = d->finished < number ? "the hooks are still running"
						: arena_strdup(j->arena, deploy_detail(d));
	pthread_mutex_unlock(&d->lock);
	return is_deployed;
}

static const char **deploy_drift(struct job *j, const struct record *r)
{
	size_t n = 0, i;
	const char **list;

	for (i = 0; r->drift[i] || r->warnings[n]; r->drift[i] ? i++ : n++)
		;
	list = arena_alloc(j->arena, (i + n + 1) * sizeof(*list));
	memcpy(list, r->drift, i * sizeof(*list));
	memcpy(list + i, r->warnings, n * sizeof(*list));
	return list;
}

void deploy_status(struct job *j, struct deploy *d, struct deploy_status *out)
{
	char wanted[CONFIGURATION_DIGEST], running[CONFIGURATION_DIGEST];
	struct record r;

	record_read(j, d->data, &r);
	*out = (struct deploy_status){ .hooks = d->hooks, .drift = deploy_drift(j, &r) };
	configuration_wanted(d->data, wanted);
	out->openvpn_running = management_status(d->management, running);
	out->restart_needed = out->openvpn_running && strcmp(running, wanted) != 0;
	pthread_mutex_lock(&d->lock);
	if (*d->kernel)
		deploy_look_again(j, d);
	out->commit = *r.commit || !d->deployed ? arena_strdup(j->arena, r.commit)
						: arena_strdup(j->arena, d->recent[d->deployed % RECENT]);
	out->detail = arena_strdup(j->arena, deploy_detail(d));
	out->turns = d->turns;
	pthread_mutex_unlock(&d->lock);
}

void deploy_clients(struct job *j, struct deploy *d, const char *name, struct deploy_clients *out)
{
	management_clients(j, d->management, name, out);
}

bool deploy_told(struct job *j, struct deploy *d, int64_t *until)
{
	return d->notice && notice_told(j, d->notice, until);
}

void deploy_tell(struct deploy *d, const char *commit, const char *text, int64_t until)
{
	notice_tell(d->notice, commit, text, until);
}
