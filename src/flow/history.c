/*
 * The index of the history follows HEAD: with each change it grows in the
 * change's own transaction; where it lags (a fresh clone, a new database, a
 * kill at the wrong moment) it catches up behind serving, slice by slice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

/* A slice holds up who waits for the writer; a gap of some hundred commits is closed with the next change. */
enum { SLICE_MS = 50, SLICE_COMMITS = 64, GAP_MAX = 512, RETRY_SECONDS = 60 };

struct indexing { /* commits that the index lacks */
	struct job job; /* holds the list */
	struct oid *list;
	size_t n, at;
};

/* The files that one commit changed, copied. */
struct files {
	struct arena *arena;
	struct render_change *list;
	size_t n, cap;
};

static const char *copy_bytes(struct arena *a, const struct state_text *t)
{
	return t->bytes ? arena_strndup(a, t->bytes, t->len) : NULL;
}

static int collect_file(struct job *j, void *context, const struct state_change *c)
{
	struct files *f = context;

	(void)j;
	if (f->n == f->cap) {
		struct render_change *old = f->list;

		f->cap = f->cap ? f->cap * 2 : 8;
		f->list = arena_alloc(f->arena, f->cap * sizeof(*f->list));
		if (old)
			memcpy(f->list, old, f->n * sizeof(*old));
	}
	f->list[f->n++] = (struct render_change){
		.path = arena_strdup(f->arena, c->path),
		.before = copy_bytes(f->arena, &c->before),
		.before_len = c->before.len,
		.after = copy_bytes(f->arena, &c->after),
		.after_len = c->after.len,
	};
	return 0;
}

/* Prefix and widths out of network.json; they stay as they are where it can't be read. */
static void read_plan(const char *bytes, size_t len, struct network *plan)
{
	struct model *m = model_open();
	struct job j;

	job_open(&j);
	if (model_put(&j, m, "network.json", bytes, len) == 0) {
		*plan = (struct network){ .prefix = model_network(m)->prefix };
		plan->user_bits = model_network(m)->user_bits;
		plan->gateway_bits = model_network(m)->gateway_bits;
		plan->network_bits = model_network(m)->network_bits;
	}
	job_close(&j);
	model_close(m);
}

/* Whose key signed it, whether or not that key may; NULL: nobody's. */
static const char *read_signer(struct job *j, struct state *s, const struct oid *id)
{
	struct state_signature signature;
	struct pki_ssh_key by;

	if (state_read_signature(j, s, id, &signature) || !signature.armour)
		return NULL;
	if (pki_verify_commit(j, signature.bytes, signature.len, signature.armour, &by)) {
		job_clear(j); /* `vpnunit verify` is who judges */
		return NULL;
	}
	return arena_strdup(j->arena, by.fingerprint);
}

/* Of one that was made a moment ago this is known. */
static const char *find_signer(struct job *j, struct flow *f, const struct oid *id, const struct ticket *made)
{
	for (; made; made = made->next)
		if (made->subject && !made->job->error && made->change->kind != CHANGE_PUSH &&
		    strcmp(made->commit.hex, id->hex) == 0)
			return f->signer;
	return read_signer(j, f->state, id);
}

/* out->plan is the one before on entry. */
static int read_commit(
    struct job *j, struct flow *f, const struct oid *id, const struct ticket *made, struct render_commit *out)
{
	struct state *s = f->state;
	struct files files = { .arena = j->arena };
	struct network plan = out->plan;
	struct state_commit c;
	size_t i;

	if (state_read_commit(j, s, id, &c))
		return j->error;
	if (state_changes(j, s, &c.parent, id, collect_file, &files) == E_CORRUPT) {
		log_line(LOG_LEVEL_WARNING, "index of the history: %s",
		    j->message); /* foreign: that it is there counts */
		job_clear(j);
	}
	for (i = 0; i < files.n; i++)
		if (strcmp(files.list[i].path, "network.json") == 0 && files.list[i].after)
			read_plan(files.list[i].after, files.list[i].after_len, &plan);
	*out = (struct render_commit){ .id = arena_strdup(j->arena, id->hex),
		.time = c.time,
		.actor = c.actor,
		.subject = c.subject,
		.change = c.change,
		.reason = c.reason,
		.signed_by = find_signer(j, f, id, made),
		.plan = plan,
		.files = files.list,
		.files_n = files.n };
	return j->error;
}

static int read_first_plan(struct job *j, struct flow *f, const struct oid *commit, struct network *plan)
{
	struct buf network;

	*plan = (struct network){ .name = NULL };
	if (state_read(j, f->state, commit, "network.json", &network) == 0)
		read_plan(network.data, network.len, plan);
	return j->error;
}

static int add_commits(
    struct job *j, struct flow *f, const struct oid *list, size_t n, const struct ticket *tickets)
{
	struct render_commit *commits = arena_alloc(j->arena, n * sizeof(*commits));
	size_t i;

	if (read_first_plan(j, f, &list[0], &commits[0].plan))
		return j->error;
	for (i = 0; i < n; i++) {
		if (i)
			commits[i].plan = commits[i - 1].plan;
		if (read_commit(j, f, &list[i], tickets, &commits[i]))
			return j->error;
	}
	return render_add_commits(j, f->render, commits, n);
}

/* Is the index of commits that lead to this one? */
static bool is_index_of(struct job *j, struct flow *f, const struct oid *to, struct oid *from)
{
	bool is_ancestor = false;

	memcpy(from->hex, render_indexed(f->render), OID_HEX);
	if (from->hex[0] && state_is_commit(f->state, from))
		state_is_ancestor(j, f->state, from, to, &is_ancestor);
	return is_ancestor;
}

int flow_read_made(struct job *j, struct flow *f, const struct ticket *t, struct flow_made *made)
{
	struct render_commit *c = &made->commits[made->n];

	made->has_push = made->has_push || t->change->kind == CHANGE_PUSH;
	if (made->has_push || (made->n == 0 && read_first_plan(j, f, &t->commit, &c->plan)))
		return j->error;
	if (made->n)
		c->plan = c[-1].plan;
	made->n++;
	return read_commit(j, f, &t->commit, t, c);
}

bool flow_index_made(struct job *j, struct flow *f, const struct flow_made *made)
{
	if (made->has_push || f->indexing || strcmp(render_indexed(f->render), f->head.hex) != 0)
		return false;
	render_add_commits(j, f->render, made->commits, made->n);
	return true;
}

int flow_index(struct job *j, struct flow *f, const struct oid *to, const struct ticket *made)
{
	struct oid from, *list;
	size_t n;

	if (f->indexing || !is_index_of(j, f, to, &from))
		return j->error; /* behind serving, then */
	if (state_list_commits(j, f->state, &from, to, &list, &n))
		return j->error;
	return n && n <= GAP_MAX ? add_commits(j, f, list, n, made) : 0;
}

/* What the index lacks of the rendered commit. */
static int open_indexing(struct flow *f, struct indexing *x)
{
	struct oid from, to;

	memcpy(to.hex, f->rendered, OID_HEX);
	if (!is_index_of(&x->job, f, &to, &from)) {
		if (x->job.error || render_forget_index(&x->job, f->render))
			return x->job.error;
		from.hex[0] = '\0';
	}
	return state_list_commits(&x->job, f->state, &from, &to, &x->list, &x->n);
}

static int index_slice(struct flow *f, struct indexing *x)
{
	int64_t end = time_monotonic_ms() + SLICE_MS;
	int error = 0;

	while (!error && x->at < x->n && time_monotonic_ms() < end) {
		size_t n = x->n - x->at < SLICE_COMMITS ? x->n - x->at : SLICE_COMMITS;
		struct job j;

		job_open(&j);
		error = add_commits(&j, f, &x->list[x->at], n, NULL);
		if (error)
			log_line(LOG_LEVEL_ERROR, "index of the history: %s", j.message);
		x->at += n;
		job_close(&j);
	}
	return error;
}

void flow_stop_indexing(struct flow *f)
{
	if (!f->indexing)
		return;
	job_close(&f->indexing->job);
	free(f->indexing);
	f->indexing = NULL;
}

bool flow_index_more(struct flow *f)
{
	int error = 0;

	if (!f->indexing) {
		if (!f->rendered[0] || strcmp(render_indexed(f->render), f->rendered) == 0 ||
		    time_now() < f->next_index)
			return false;
		f->indexing = mem_zalloc(sizeof(*f->indexing));
		job_open(&f->indexing->job);
		if ((error = open_indexing(f, f->indexing)))
			log_line(LOG_LEVEL_ERROR, "index of the history: %s", f->indexing->job.message);
	}
	if (!error)
		error = index_slice(f, f->indexing);
	if (error)
		f->next_index = time_now() + RETRY_SECONDS;
	if (error || f->indexing->at == f->indexing->n)
		flow_stop_indexing(f);
	return !error && strcmp(render_indexed(f->render), f->rendered) != 0;
}
