/* What the writer tells of its work: how long its steps take and how much it does at a time, for /metrics; and the log. */
#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

static size_t count(const struct ticket *t)
{
	size_t n = 0;

	for (; t; t = t->next)
		n++;
	return n;
}

void flow_measure_turn(struct flow *f, const struct ticket *list, int64_t began_at)
{
	int64_t took = time_monotonic_us() - began_at;

	pthread_mutex_lock(&f->mutex);
	histogram_add(&f->measures.batches, HISTOGRAM_SIZES, (int64_t)count(list));
	histogram_add(&f->measures.turns, HISTOGRAM_MICROSECONDS, took);
	pthread_mutex_unlock(&f->mutex);
}

void flow_measure_stage(struct flow *f, int64_t began_at)
{
	f->render_us = time_monotonic_us() - began_at;
}

void flow_measure_promote(struct flow *f, int64_t began_at)
{
	int64_t took = time_monotonic_us() - began_at;

	pthread_mutex_lock(&f->mutex);
	histogram_add(&f->measures.renders, HISTOGRAM_MICROSECONDS, f->render_us + took);
	pthread_mutex_unlock(&f->mutex);
}

void flow_measures(struct flow *f, struct flow_measures *out)
{
	pthread_mutex_lock(&f->mutex);
	*out = f->measures;
	out->waiting = count(f->first);
	pthread_mutex_unlock(&f->mutex);
}

void flow_log(const struct ticket *t)
{
	if (t->subject)
		log_event(LOG_LEVEL_INFO, t->job->request_id, t->commit.hex, "%s: %s", t->change->actor,
		    t->subject);
}
