/*
 * The room's front: the table of renderers, and the two steps in which their
 * output reaches the disk.  Decides when everything is rendered instead of what
 * was touched: when nothing can be assumed of the files that are there.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "render/render_int.h"

#define GATEWAYS (1u << ENTITY_USER | 1u << ENTITY_GATEWAY)
#define LEDGER \
	(1u << ENTITY_CERTIFICATE | 1u << ENTITY_REVOCATION | 1u << ENTITY_ADOPTION | 1u << ENTITY_PENDING)
#define SETTINGS (1u << ENTITY_NETWORK | 1u << ENTITY_SERVER)

static const struct renderer renderers[] = {
	{ "index", LEDGER, render_index },
	{ "routes", GATEWAYS, render_routes },
	{ "firewall", GATEWAYS, render_firewall },
	{ "pki", GATEWAYS | LEDGER, render_pki },
	{ "server", 1u << ENTITY_CERTIFICATE, render_server },
	{ "openvpn", GATEWAYS, render_openvpn },
	{ "audit", 0, render_audit },
};

int render_open(struct job *j, const char *data, gid_t group, const struct pki *pki, struct render **out)
{
	struct render *r;
	char path[RENDER_PATH_MAX];

	if (strlen(data) > RENDER_PATH_MAX / 2)
		return job_fail(j, E_INVALID, "invalid", "the name of the data folder is too long");
	r = mem_zalloc(sizeof(*r));
	r->data = mem_strdup(data);
	r->place = (struct output_place){ .data = r->data, .group = group };
	r->pki = pki;
	r->listings = listings_open();
	output_path(&r->place, "database.sqlite3", path);
	r->database_path = mem_strdup(path);
	if (output_folders(j, &r->place) || output_sweep(j, &r->place) ||
	    database_open(j, r->database_path, &r->database))
		goto out;
	*out = r;
	r = NULL; /* the caller's now */
out:
	render_close(r);
	return j->error;
}

void render_close(struct render *r)
{
	if (!r)
		return;
	render_discard(r);
	output_rest(&r->promotion);
	database_close(r->database);
	listings_close(r->listings);
	free(r->database_path);
	free(r->data);
	free(r);
}

int render_commit(struct job *j, struct render *r, const char **out)
{
	*out = r->database->is_damaged ? "" : arena_strdup(j->arena, r->database->commit);
	return 0;
}

static int demand_settings(const struct render_job *r)
{
	if (model_network(r->model) && model_server(r->model))
		return 0;
	return job_fail(r->job, E_CORRUPT, "incomplete_state",
	    "the state lacks network.json or servers/main.json: nothing can be rendered");
}

/* It may be in the making beside all that does not need it. */
static int learn_commit(struct render_job *r)
{
	char *hex;

	if (r->commit)
		return 0;
	hex = arena_alloc(r->job->arena, OID_HEX);
	if (r->ask(r->job, r->asked, hex) == 0)
		r->commit = hex;
	return r->job->error;
}

int render_run(struct render_job *r)
{
	unsigned touched;
	size_t i;
	int error = 0;

	if (demand_settings(r))
		return r->job->error;
	touched = touched_kinds(r);
	r->is_full = r->is_full || (touched & SETTINGS);
	r->names = touched_names(r);
	if (!r->is_full && model_base(r->model)) {
		r->gateway_lines = touched_lines(r, ENTITY_GATEWAY);
		r->certificate_lines = touched_lines(r, ENTITY_CERTIFICATE);
	}
	for (i = 0; i < sizeof(renderers) / sizeof(*renderers) && !error; i++)
		if (r->is_full || (touched & renderers[i].when))
			error = renderers[i].run(r);
	return error || learn_commit(r) ? r->job->error : render_summary(r);
}

int render_relieve(const struct render_job *r)
{
	return r->is_staging ? output_relieve(r->job, &r->render->place, r->output) : 0;
}

int render_run_part(struct render_job *r)
{
	r->names = touched_names(r);
	return render_pki(r) || render_openvpn(r) ? r->job->error : 0;
}

static bool withdraws(const struct render_job *r)
{
	struct arena *a = r->job->arena;

	return *model_touched(a, r->model, ENTITY_REVOCATION) ||
	    *model_touched(a, r->model, ENTITY_ADOPTION) || *model_touched(a, r->model, ENTITY_PENDING);
}

/* The CRL comes first, to be read back beside all the rest, as the files are written. */
static int stage(struct render_job *r)
{
	struct job *j = r->job;

	if (demand_settings(r))
		return j->error;
	r->output = r->render->staged = output_open();
	r->listings = r->render->listings;
	if (r->render->has_leftovers && output_sweep(j, &r->render->place))
		return j->error;
	r->render->has_leftovers = false;
	if (r->is_full &&
	    (output_folders(j, &r->render->place) || output_stage_folders(j, &r->render->place, r->output)))
		return j->error;
	if (crl_stage(r, !r->is_full && withdraws(r)) || render_run(r) || (r->is_full && foreign_remove(r)))
		return j->error;
	output_start(&r->render->place, r->output, &r->render->writing);
	if (dry_is_due(r) && (render_await(j, r->render) || dry_check(r)))
		return j->error;
	return database_stage(r, r->render->database);
}

int render_stage_early(struct job *j, struct render *r, const struct model *m, render_ask ask, void *asked)
{
	struct render_job work = {
		.job = j, .model = m, .ask = ask, .asked = asked, .pki = r->pki, .render = r
	};

	render_discard(r);
	if (r->database->is_damaged && database_renew(j, r->database))
		return j->error;
	work.is_full = !model_base(m) || r->is_dirty || !r->database->commit[0];
	if (stage(&work) && r->database->is_damaged) {
		render_discard(r);
		job_clear(j);
		work.is_full = true;
		if (!database_renew(j, r->database))
			stage(&work);
	}
	if (j->error)
		render_discard(r);
	return j->error;
}

static int tell_known(struct job *j, void *commit, char out[OID_HEX])
{
	(void)j;
	assert(strlen(commit) < OID_HEX);
	memcpy(out, commit, strlen(commit) + 1);
	return 0;
}

int render_stage(struct job *j, struct render *r, const struct model *m, const char *commit)
{
	return render_stage_early(j, r, m, tell_known, (void *)commit);
}

int render_await(struct job *j, struct render *r)
{
	output_await(j, &r->writing);
	return crl_await(j, r);
}

struct telling { /* readers of the database what is in place by name, while it is made durable */
	struct job job;
	struct database *database;
	struct beside beside;
};

static void tell(void *telling)
{
	struct telling *t = telling;

	database_commit(&t->job, t->database);
}

static int put_into_place(struct job *j, struct render *r)
{
	struct telling t = { .database = r->database };

	if (output_promote(j, &r->place, r->staged, &r->promotion))
		return j->error;
	job_open(&t.job);
	beside_start(&t.beside, tell, &t);
	output_settle(j, &r->place, &r->promotion);
	beside_end(&t.beside);
	output_let_go(&r->promotion);
	job_join(j, &t.job);
	return j->error;
}

int render_promote(struct job *j, struct render *r)
{
	assert(r->staged);
	if (render_await(j, r)) {
		render_discard(r);
		return j->error;
	}
	/* Until all of it is done nothing is known of what is on the disk. */
	r->is_dirty = true;
	crl_note_staged(r);
	if (!put_into_place(j, r)) {
		r->is_dirty = false;
		listings_promote(r->listings);
		render_drop(r);
	}
	render_discard(r);
	return j->error;
}

void render_drop(struct render *r)
{
	output_close(r->staged);
	listings_discard(r->listings);
	r->staged = NULL;
}

void render_discard(struct render *r)
{
	struct job j;

	if (!r->staged)
		return;
	job_open(&j);
	render_await(&j, r);
	job_clear(&j);
	render_drop(r);
	database_rollback(r->database);
	r->has_leftovers = output_sweep(&j, &r->place) != 0; /* then before the next stage */
	job_close(&j);
}
