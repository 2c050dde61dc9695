/*
 * The writer: the whole line on one screen (flow_run).  One thread takes the
 * list of waiting changes; up to the publish nothing outside has moved, from
 * there on the change is a fact and what fails is a warning.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { TRIES = 5, TICK_MS = 1000 };

struct packing { /* of what is staged, beside the rendering of it */
	struct job job;
	struct state *state;
};

/* Plan, issue and stage one change on top of *at; the fork then holds it too. */
static int stage_change(struct flow *f, struct model *fork, struct ticket *t, struct oid *at)
{
	struct model *own = model_fork(fork);
	struct change filled = *t->change;
	struct job *j = t->job;
	struct plan *plan;
	struct oid next;

	t->subject = NULL; /* of an earlier try */
	if (flow_fill(j, f->state, own, at, &filled) || change_plan(j, own, &filled, &plan))
		goto out;
	t->commit = *at;
	if (!plan->files && !plan->issues && filled.kind != CHANGE_PUSH)
		goto out; /* nothing to do: the commit that is there already says so */
	if (pki_issue(j, f->pki, own, plan, &f->issuer) || flow_put_plan(j, own, plan) ||
	    flow_stage(j, f->state, at, &filled, plan, &next))
		goto out;
	flow_summarise(j, fork, own, plan, &t->summary);
	t->subject = plan->subject;
	t->commit = *at = next;
	model_absorb(fork, own);
	own = NULL;
out:
	model_close(own);
	return j->error;
}

/*
 * Where nobody knows whether the ref has moved, the change may be seen and yet not last, and nothing that is
 * written from here on can be trusted to.  The next start reads what is on the disk.
 */
static int publish(struct job *j, struct flow *f, const struct oid *new)
{
	if (state_publish(j, f->state, &f->head, new) == 0)
		return 0;
	if (state_is_unsure(f->state)) {
		log_line(
		    LOG_LEVEL_ERROR, "%s; %.12s is not known to be durable: stopping", j->message, new->hex);
		_exit(EXIT_FAILURE);
	}
	return j->error;
}

static void pack(void *packing)
{
	struct packing *p = packing;

	state_pack(&p->job, p->state);
}

/* Side by side, since both wait for the disk most of the time. */
static int pack_and_render(struct job *j, struct flow *f, struct model *fork, const struct oid *new)
{
	struct packing p = { .state = f->state };
	struct beside packing;

	job_open(&p.job);
	beside_start(&packing, pack, &p);
	render_stage(j, f->render, fork, new->hex);
	beside_end(&packing);
	if (p.job.error && !j->error)
		job_fail(j, p.job.error, p.job.code, "%s", p.job.message);
	job_close(&p.job);
	return j->error;
}

/* Everything up to the fact; *new is HEAD where no ticket changed anything. */
static int stage_and_publish(
    struct job *j, struct flow *f, struct model *fork, struct ticket *list, struct oid *new)
{
	struct ticket *t;
	int64_t began_at;
	int error;

	*new = f->head;
	for (t = list; t; t = t->next)
		if (!t->job->error && !flow_is_replay(f, list, t))
			stage_change(f, fork, t, new);
	pki_issuer_rest(f->issuer);
	if (strcmp(new->hex, f->head.hex) == 0)
		return 0;
	began_at = time_monotonic_us();
	error = pack_and_render(j, f, fork, new);
	flow_measure_stage(f, began_at);
	if (error || flow_index(j, f, new, list) || publish(j, f, new)) {
		render_discard(f->render);
		state_discard(f->state);
	}
	return j->error;
}

static void move_head(struct flow *f, struct model *fork, const struct oid *head)
{
	pthread_rwlock_wrlock(&f->model_lock);
	model_absorb(f->model, fork);
	f->head = *head;
	pthread_rwlock_unlock(&f->model_lock);
}

/* From here on nothing can fail but the promotion, which the next turn repeats. */
static void promote(struct job *j, struct flow *f, struct model *fork, const struct oid *new)
{
	struct deploy_task task = { .old_commit = arena_strdup(j->arena, f->head.hex),
		.new_commit = new->hex };
	int64_t began_at;

	flow_collect_cuts(j, fork, &task);
	flow_note_end(f, j, fork, false);
	move_head(f, fork, new);
	began_at = time_monotonic_us();
	if (render_promote(j, f->render)) {
		f->rendered[0] = '\0';
		log_line(LOG_LEVEL_ERROR, "render of %.12s: %s", new->hex, j->message);
		flow_publish_snapshot(f, j->message);
		job_clear(j); /* flow_submit tells it as a warning */
		return;
	}
	flow_measure_promote(f, began_at);
	memcpy(f->rendered, new->hex, OID_HEX);
	flow_publish_snapshot(f, NULL);
	deploy_submit(f->deploy, &task);
}

/* Somebody moved main with stock git: HEAD is the truth, so take it over. */
static int follow_head(struct job *j, struct flow *f)
{
	struct model *fork = model_fork(f->model);
	struct oid head;

	if (state_head(j, f->state, &head) || flow_put_diff(j, f->state, &f->head, &head, fork) ||
	    model_check(j, fork)) {
		model_close(fork);
		return j->error;
	}
	move_head(f, fork, &head);
	return flow_bring_forward(j, f, false);
}

static void answer(struct flow *f, struct ticket *list, const struct job *failure)
{
	struct ticket *t, *next;

	pthread_mutex_lock(&f->mutex);
	for (t = list; t; t = next) {
		next = t->next; /* once done, the ticket is its caller's again */
		if (failure && failure->error && !t->job->error)
			job_fail(t->job, failure->error, failure->code, "%s", failure->message);
		t->is_done = true;
	}
	pthread_cond_broadcast(&f->done);
	pthread_mutex_unlock(&f->mutex);
}

static bool is_one(const struct ticket *list)
{
	return !list->next;
}

/* One try. E_STALE: main had moved, and the model has followed. */
static int run_once(struct job *j, struct flow *f, struct ticket *list)
{
	struct model *fork = model_fork(f->model);
	struct oid new;

	if (stage_and_publish(j, f, fork, list, &new)) {
		model_close(fork);
		return j->error;
	}
	if (strcmp(new.hex, f->head.hex) == 0)
		model_close(fork);
	else
		promote(j, f, fork, &new);
	flow_keep_keys(f, list);
	return 0;
}

static void run_alone(struct flow *f, struct ticket *list)
{
	struct ticket *t, *next;

	for (t = list; t; t = next) {
		next = t->next;
		t->next = NULL;
		flow_run(f, t);
	}
}

/* What is no change: one ticket that has the writer for itself. */
static void run_special(struct flow *f, struct ticket *t)
{
	if (t->kind == TICKET_CHECK)
		render_check(t->job, f->render, f->model, f->head.hex, &t->differences);
	else
		flow_catch_up(t->job, f);
	answer(f, t, NULL);
}

void flow_run(struct flow *f, struct ticket *list)
{
	int64_t began_at = time_monotonic_us();
	struct job j;
	int tries;

	if (list->kind != TICKET_CHANGE) {
		run_special(f, list);
		return;
	}
	for (tries = 0;; tries++) {
		job_open(&j);
		if (!f->rendered[0] && flow_catch_up(&j, f))
			break; /* behind and unable to catch up: refuse rather than pile up what is not in force */
		if (run_once(&j, f, list) != E_STALE || tries >= TRIES)
			break;
		job_close(&j);
		job_open(&j);
		if (follow_head(&j, f))
			break;
		job_close(&j);
	}
	flow_measure_turn(f, list, began_at);
	if (j.error && !is_one(list))
		run_alone(f, list); /* one change may have spoilt the batch for the others */
	else
		answer(f, list, &j);
	job_close(&j);
}

int flow_apply(struct job *j, struct flow *f, const struct change *ch)
{
	struct ticket t = { .kind = TICKET_CHANGE, .job = j, .change = ch };

	flow_run(f, &t);
	if (!j->error)
		flow_log(&t);
	return j->error;
}

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

static bool has_push(const struct ticket *list)
{
	for (; list; list = list->next)
		if (list->kind == TICKET_CHANGE && list->change->kind == CHANGE_PUSH)
			return true;
	return false;
}

/*
 * Beside the next changes: each publish adds a pack, and many of them make every read slow.  Not beside a push,
 * whose objects lie elsewhere and build on those that are here.
 */
static void repack(struct flow *f, const struct ticket *next)
{
	struct job j;

	job_open(&j);
	if (has_push(next) ? state_end_repack(&j, f->state) : state_repack(&j, f->state))
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

void *flow_writer(void *flow)
{
	struct flow *f = flow;
	struct ticket *list;
	int64_t ticked = 0;
	bool is_behind = true;

	pthread_mutex_lock(&f->mutex);
	while (f->first || !f->is_stopping) {
		list = take_list(f);
		if (!list && !is_behind && time_monotonic_ms() - ticked < TICK_MS)
			wait_for_work(f);
		pthread_mutex_unlock(&f->mutex);
		repack(f, list);
		if (list)
			flow_run(f, list);
		if (time_monotonic_ms() - ticked >= TICK_MS) { /* under load too */
			flow_tick(f);
			ticked = time_monotonic_ms();
		}
		/* Each gets its turn. */
		is_behind = flow_index_more(f);
		is_behind = flow_check_more(f) || is_behind;
		is_behind = flow_check_origin(f) || is_behind;
		pthread_mutex_lock(&f->mutex);
	}
	pthread_mutex_unlock(&f->mutex);
	return NULL;
}
