/*
 * A turn of the writer over a list of changes: the whole line.  Up to the
 * publish nothing outside has moved, from there on the change is a fact and
 * what fails is a warning.  While it is put into place the next turn's changes
 * are planned already, which read nothing that is rendered.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { TRIES = 5 };

struct packing { /* of what is staged, beside the rendering of it */
	struct job job;
	struct flow *flow;
	struct stager *stager;
	struct beside beside;
};

/* Plan and issue one change on top of those before it; the fork then holds it too, and its commit is being staged. */
static void plan_change(struct flow *f, struct model *fork, struct ticket *t, struct stager *s)
{
	struct model *own = model_fork(fork);
	struct change filled = *t->change;
	struct job *j = t->job;
	struct plan *plan;

	t->subject = NULL; /* of an earlier try */
	if (flow_reads_history(filled.kind)) {
		stager_wait(s);
		flow_fill(j, f->state, own, &s->at, &filled);
	}
	if (j->error || change_plan(j, own, &filled, &plan))
		goto out;
	if (!plan->files && !plan->issues && filled.kind != CHANGE_PUSH) {
		stager_add(s, t, &filled, NULL); /* nothing to do: the commit that is there already says so */
		goto out;
	}
	if (pki_issue(j, f->pki, own, plan, &f->issuer) || flow_put_plan(j, own, plan))
		goto out;
	flow_summarise(j, fork, own, plan, &t->summary);
	t->subject = plan->subject;
	stager_add(s, t, &filled, plan);
	model_absorb(fork, own);
	own = NULL;
out:
	model_close(own);
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

/* Until all is staged; the job fails with the first that could not be. */
static int wait_for_commits(struct job *j, struct stager *s)
{
	stager_wait(s);
	return s->job.error ? job_fail(j, s->job.error, s->job.code, "%s", s->job.message) : 0;
}

static void pack(void *packing)
{
	struct packing *p = packing;

	if (wait_for_commits(&p->job, p->stager) == 0)
		state_pack(&p->job, p->flow->state);
}

static int tell_commit(struct job *j, void *stager, char out[OID_HEX])
{
	struct stager *s = stager;

	if (wait_for_commits(j, s) == 0)
		memcpy(out, s->at.hex, OID_HEX);
	return j->error;
}

/* Side by side, since all of it waits for the disk most of the time; the last commits are staged first thing. */
static int pack_and_render(
    struct job *j, struct flow *f, struct model *fork, const struct ticket *list, struct stager *s)
{
	struct packing p = { .flow = f, .stager = s };
	int64_t began_at = time_monotonic_us();
	bool is_indexed;

	job_open(&p.job);
	beside_start(&p.beside, pack, &p);
	render_stage_early(j, f->render, fork, tell_commit, s);
	is_indexed = !j->error && flow_index_made(j, f, &s->made);
	if (!j->error)
		state_write_tip(j, f->state, &s->at);
	beside_end(&p.beside);
	job_join(j, &p.job);
	if (!is_indexed && !j->error)
		flow_index(j, f, &s->at, list);
	render_await(j, f->render);
	flow_measure_stage(f, began_at);
	return j->error;
}

static bool is_one(const struct ticket *list)
{
	return !list->next;
}

static bool is_promoted(struct flow *f)
{
	return f->promoting && beside_is_done(&f->promoting->promotion);
}

/*
 * Plan and stage each on top of the one before, while what was published before is put into place.  Whoever is
 * answered meanwhile and comes again is of this turn too: what a turn costs by itself is shared by more.
 */
static void stage_changes(struct flow *f, struct model *fork, struct ticket *list, struct stager *s)
{
	struct ticket *t;
	unsigned n = 0;

	for (t = list; t; t = t->next) {
		bool is_due = is_one(list) || is_promoted(f);

		if (is_due || t->change->idempotency) /* both look at what was done before */
			stager_wait(s);
		if (is_due)
			flow_settle(f);
		if (!t->job->error && !flow_is_replay(f, list, t))
			plan_change(f, fork, t, s);
		n++;
		if (!t->next && f->promoting) {
			stager_wait(s);
			flow_settle(f);
			t->next = flow_take_more(f, FLOW_BATCH_MAX - n);
		}
	}
	pki_issuer_rest(f->issuer);
}

/* What was published before could not be put into place: again, once it is. */
static bool is_behind(const struct flow *f)
{
	return !f->rendered[0];
}

/* Everything up to the fact, after which s->at is HEAD. */
static int stage_and_publish(
    struct job *j, struct flow *f, struct model *fork, struct ticket *list, struct stager *s)
{
	stage_changes(f, fork, list, s);
	if (!s->has_plan || is_behind(f))
		stager_wait(s);
	if (!s->has_plan)
		return 0;
	if (is_behind(f))
		job_fail(j, E_STALE, "stale", "what was published before is not in place");
	if (j->error || pack_and_render(j, f, fork, list, s) || publish(j, f, &s->at)) {
		render_discard(f->render);
		state_discard(f->state);
	}
	return j->error;
}

static void move_head(struct flow *f, struct model *fork, const struct oid *head)
{
	flow_take_model(f);
	model_absorb(f->model, fork);
	f->head = *head;
	flow_give_model(f);
}

static void put_into_place(void *turn)
{
	struct turn *t = turn;

	render_promote(&t->job, t->render);
}

/* From here on nothing can fail but the promotion, which the next turn repeats; it goes on beside that one's plans. */
static void promote(struct flow *f, struct turn *t, struct model *fork, const struct oid *new)
{
	t->commit = *new;
	t->task = (struct deploy_task){ .old_commit = arena_strdup(t->job.arena, f->head.hex),
		.new_commit = t->commit.hex };
	flow_collect_cuts(&t->job, fork, &t->task);
	flow_note_end(f, &t->job, fork, false);
	move_head(f, fork, new);
	t->promoting_at = time_monotonic_us();
	t->render = f->render;
	f->promoting = t;
	beside_start(&t->promotion, put_into_place, t);
	state_rest(f->state);
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

static void end_turn(struct flow *f, struct turn *t)
{
	flow_measure_turn(f, t->list, t->began_at);
	answer(f, t->list, &t->job);
	job_close(&t->job);
	free(t);
}

void flow_settle(struct flow *f)
{
	struct turn *t = f->promoting;

	if (!t)
		return;
	beside_end(&t->promotion);
	f->promoting = NULL;
	if (t->job.error) {
		f->rendered[0] = '\0';
		log_line(LOG_LEVEL_ERROR, "render of %.12s: %s", t->commit.hex, t->job.message);
		flow_publish_snapshot(f, t->job.message);
		job_clear(&t->job); /* flow_submit tells it as a warning */
	} else {
		flow_measure_promote(f, t->promoting_at);
		memcpy(f->rendered, t->commit.hex, OID_HEX);
		flow_publish_snapshot(f, NULL);
		deploy_submit(f->deploy, &t->task);
	}
	end_turn(f, t);
}

/* One try. E_STALE: main had moved, or what was rendered is not what was thought. */
static int run_once(struct flow *f, struct turn *t)
{
	struct model *fork = model_fork(f->model);
	struct stager *s = stager_open(f);
	int error = stage_and_publish(&t->job, f, fork, t->list, s);

	if (error) {
		model_close(fork);
	} else {
		if (strcmp(s->at.hex, f->head.hex) == 0)
			model_close(fork);
		else
			promote(f, t, fork, &s->at);
		flow_keep_keys(f, t->list);
	}
	stager_close(s);
	pki_signer_rest(f->commit_signer);
	return error; /* the job is the promotion's by now */
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
	flow_settle(f);
	if (t->kind == TICKET_CHECK)
		render_check(t->job, f->render, f->model, f->head.hex, &t->differences);
	else
		flow_catch_up(t->job, f);
	answer(f, t, NULL);
}

/* Up to the fact, or the answer where there is none; flow_settle ends a turn that published something. */
static void begin_turn(struct flow *f, struct ticket *list)
{
	struct turn *t = mem_zalloc(sizeof(*t));
	struct job *j = &t->job;
	int tries;

	t->list = list;
	t->began_at = time_monotonic_us();
	for (tries = 0;; tries++) {
		job_open(j);
		if (!f->rendered[0] && flow_catch_up(j, f))
			break; /* behind and unable to catch up: refuse rather than pile up what is not in force */
		if (run_once(f, t) != E_STALE || tries >= TRIES)
			break;
		job_close(j);
		job_open(j);
		if (follow_head(j, f))
			break;
		job_close(j);
	}
	if (f->promoting == t)
		return;
	if (j->error && !is_one(list)) {
		flow_measure_turn(f, list, t->began_at);
		run_alone(f, list); /* one change may have spoilt the batch for the others */
		job_close(j);
		free(t);
	} else {
		end_turn(f, t);
	}
}

void flow_begin(struct flow *f, struct ticket *list)
{
	if (list->kind == TICKET_CHANGE)
		begin_turn(f, list);
	else
		run_special(f, list);
}

void flow_run(struct flow *f, struct ticket *list)
{
	flow_begin(f, list);
	flow_settle(f);
}

int flow_apply(struct job *j, struct flow *f, const struct change *ch)
{
	struct ticket t = { .kind = TICKET_CHANGE, .job = j, .change = ch };

	flow_run(f, &t);
	if (!j->error)
		flow_log(&t);
	return j->error;
}
