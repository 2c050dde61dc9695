/*
 * The writer's thread: it takes what has queued up, and between the turns does
 * what nobody waits for.
 */
#include <time.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { TICK_MS = 1000 };

static struct ticket *take_list(struct flow *f)
{
	struct ticket *list = f->first, *t = list;
	unsigned n = 1;

	if (!list)
		return NULL;
	if (list->kind == TICKET_CHANGE)
		while (t->next && t->next->kind == TICKET_CHANGE && n++ < FLOW_BATCH_MAX)
			t = t->next;
	f->first = t->next;
	if (!f->first)
		f->last = &f->first;
	t->next = NULL;
	return list;
}

static bool is_mergeable(const struct ticket *t)
{
	return t->kind == TICKET_CHANGE && t->change->kind != CHANGE_PUSH;
}

struct ticket *flow_take_more(struct flow *f, unsigned max)
{
	struct ticket *list = NULL, **end = &list;

	pthread_mutex_lock(&f->mutex);
	for (; max && f->first && is_mergeable(f->first); max--) {
		*end = f->first;
		end = &(*end)->next;
		f->first = f->first->next;
	}
	if (!f->first)
		f->last = &f->first;
	*end = NULL;
	pthread_mutex_unlock(&f->mutex);
	return list;
}

static bool has_push(const struct ticket *list)
{
	for (; list; list = list->next)
		if (list->kind == TICKET_CHANGE && list->change->kind == CHANGE_PUSH)
			return true;
	return false;
}

/*
 * Beside what is put into place and the next changes: each publish adds a pack, and many of them make every read
 * slow.  Not beside a push, whose objects lie elsewhere and build on those that are here.
 */
static void repack(struct flow *f)
{
	struct job j;

	job_open(&j);
	if (state_repack(&j, f->state))
		log_line(LOG_LEVEL_WARNING, "repack: %s", j.message);
	job_close(&j);
}

static void end_repack(struct flow *f)
{
	struct job j;

	job_open(&j);
	if (state_end_repack(&j, f->state))
		log_line(LOG_LEVEL_WARNING, "repack: %s", j.message);
	job_close(&j);
}

static void wait_for_work(struct flow *f)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(&f->wake, &f->mutex, &until);
}

/* A second without work behind some: what it took of the memory for a while goes back. */
static void rest(struct flow *f)
{
	if (f->is_grown && !f->is_used) {
		mem_trim();
		f->is_grown = false;
	}
	f->is_used = false;
}

/* What nobody waits for; each gets its turn.  Is there more to do? */
static bool go_on(struct flow *f, bool is_due)
{
	bool is_behind;

	if (is_due) {
		flow_tick(f);
		rest(f);
	}
	is_behind = flow_index_more(f);
	is_behind = flow_check_more(f) || is_behind;
	return flow_check_origin(f) || is_behind;
}

void *flow_writer(void *flow)
{
	struct flow *f = flow;
	struct ticket *list;
	int64_t ticked = 0;
	bool is_behind = true, is_due;

	pthread_mutex_lock(&f->mutex);
	while (f->first || f->promoting || !f->is_stopping) {
		list = take_list(f);
		if (!list && !f->promoting && !is_behind && time_monotonic_ms() - ticked < TICK_MS) {
			wait_for_work(f);
			list = take_list(f);
		}
		pthread_mutex_unlock(&f->mutex);
		if (has_push(list))
			end_repack(f);
		if (list) {
			f->is_used = f->is_grown = true;
			flow_begin(f, list);
		}
		repack(f);
		is_due = time_monotonic_ms() - ticked >= TICK_MS; /* under load too */
		if (!list || is_due || is_behind) {
			flow_settle(f);
			is_behind = go_on(f, is_due);
			ticked = is_due ? time_monotonic_ms() : ticked;
		}
		pthread_mutex_lock(&f->mutex);
	}
	pthread_mutex_unlock(&f->mutex);
	return NULL;
}
