/*
 * The commits of a turn are staged in order beside the planning of the changes
 * that come after them: planning needs the model alone, staging the repository
 * alone, and either takes about as long.
 */
#include <stdlib.h>

#include "flow/flow_int.h"

struct staging { /* one change, in its ticket's arena */
	struct ticket *ticket;
	struct change change;
	const struct plan *plan; /* NULL: nothing to do */
	struct staging *next;
};

static void stage(struct stager *s, const struct staging *of)
{
	struct job *j = of->ticket->job;
	struct oid next;

	if (s->job.error)
		return;
	of->ticket->commit = s->at;
	if (!of->plan)
		return;
	if (!flow_stage(j, s->flow->state, &s->at, &of->change, of->plan, &next)) {
		of->ticket->commit = s->at = next;
		flow_read_made(&s->job, s->flow, of->ticket, &s->made);
	}
	if (j->error)
		job_fail(&s->job, j->error, j->code, "%s", j->message);
}

/* Those that wait, the lock held; nothing where another thread is at it. */
static void stage_all(struct stager *s)
{
	if (s->is_staging)
		return;
	s->is_staging = true;
	while (s->first) {
		pthread_mutex_unlock(&s->mutex);
		stage(s, s->first);
		pthread_mutex_lock(&s->mutex);
		s->first = s->first->next;
	}
	s->last = &s->first;
	s->is_staging = false;
	pthread_cond_broadcast(&s->done);
}

static void work(void *stager)
{
	struct stager *s = stager;

	pthread_mutex_lock(&s->mutex);
	while (s->first || !s->is_ending) {
		stage_all(s);
		if (!s->is_ending)
			pthread_cond_wait(&s->more, &s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
}

struct stager *stager_open(struct flow *f)
{
	struct stager *s = mem_zalloc(sizeof(*s));

	s->flow = f;
	s->at = f->head;
	job_open(&s->job);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_cond_init(&s->done, NULL);
	s->last = &s->first;
	return s;
}

void stager_add(struct stager *s, struct ticket *t, const struct change *filled, const struct plan *plan)
{
	struct staging *new = arena_alloc(t->job->arena, sizeof(*new));

	*new = (struct staging){ t, *filled, plan, NULL };
	s->has_plan = s->has_plan || plan;
	pthread_mutex_lock(&s->mutex);
	*s->last = new;
	s->last = &new->next;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->mutex);
	if (t->next && !s->is_working) {
		s->is_working = true;
		beside_start(&s->beside, work, s);
	}
}

void stager_wait(struct stager *s)
{
	pthread_mutex_lock(&s->mutex);
	if (!s->is_working || !s->beside.is_taken)
		stage_all(s);
	while (s->first)
		pthread_cond_wait(&s->done, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
}

void stager_close(struct stager *s)
{
	stager_wait(s);
	pthread_mutex_lock(&s->mutex);
	s->is_ending = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->mutex);
	if (s->is_working)
		beside_end(&s->beside);
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->mutex);
	job_close(&s->job);
	free(s);
}
