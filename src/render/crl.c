/*
 * pki/crl.pem: the one rendered file that knows the clock.  Built when a
 * revocation came or went, when the live one is missing or bad, and long before
 * it ends: on an expired CRL OpenVPN refuses everybody.
 */
#include <string.h>

#include "base/fs.h"
#include "base/time.h"
#include "render/render_int.h"

static int read_live(
    struct job *j, const struct output_place *p, const struct model *m, struct pki_crl *out, char ***serials)
{
	char path[RENDER_PATH_MAX];
	struct buf pem;

	output_path(p, "pki/crl.pem", path);
	if (fs_read(j, path, RENDER_FILE_MAX, &pem))
		return j->error;
	return pki_crl_read(j, m, &pem, out, serials);
}

int render_read_crl(
    struct job *j, struct render *r, const struct model *m, struct pki_crl *out, char ***serials)
{
	return read_live(j, &r->place, m, out, serials);
}

/* Parsing and verifying grows with the entries: once a file is enough. */
static bool is_seen(const struct crl_seen *seen, const struct stat *st, const char *ca)
{
	return seen->inode == st->st_ino && seen->size == st->st_size &&
	    seen->mtime.tv_sec == st->st_mtim.tv_sec && seen->mtime.tv_nsec == st->st_mtim.tv_nsec &&
	    !strcmp(seen->ca, ca);
}

static void note_file(struct crl_seen *seen, const struct stat *st)
{
	seen->inode = st->st_ino;
	seen->size = st->st_size;
	seen->mtime = st->st_mtim;
}

/* Bring what is known of the live CRL up to date; a missing one is not valid. */
static void look(const struct render_job *r)
{
	struct crl_seen *seen = &r->render->crl;
	const struct certificate *ca = model_ca(r->model);
	char path[RENDER_PATH_MAX];
	struct stat st;

	output_path(&r->render->place, "pki/crl.pem", path);
	if (lstat(path, &st) || !S_ISREG(st.st_mode)) {
		*seen = (struct crl_seen){ .is_valid = false };
		return;
	}
	if (is_seen(seen, &st, ca->serial.hex))
		return;
	*seen = (struct crl_seen){ .is_valid = false };
	note_file(seen, &st);
	memcpy(seen->ca, ca->serial.hex, sizeof(seen->ca));
	seen->is_valid = !read_live(r->job, &r->render->place, r->model, &seen->crl, NULL);
	if (!seen->is_valid) {
		seen->crl = (struct pki_crl){ .number = 0 };
		job_clear(r->job);
	}
}

void render_look_at_crl(struct job *j, struct render *r, const struct model *m, struct pki_crl *out)
{
	struct render_job work = { .job = j, .model = m, .pki = r->pki, .render = r };

	look(&work);
	*out = r->crl.crl;
}

/* A third of its period gone, of another time or another ledger, or longer than the policy wants. */
static bool is_due(const struct render_job *r)
{
	const struct crl_seen *seen = &r->render->crl;
	int64_t period = model_network(r->model)->policy.crl, now = r->job->now;

	return !seen->is_valid || seen->crl.this_update > now || seen->crl.next_update > now + period ||
	    now >= seen->crl.next_update - period + period / 3 ||
	    seen->crl.entries != model_withdrawn_count(r->model);
}

/* All of it, from its PEM and with its signature: what built it has its bytes from no library. */
static void read_back(void *reading)
{
	struct crl_reading *r = reading;
	struct pki_crl got;

	if (!pki_crl_read(&r->job, r->model, &r->pem, &got, NULL) &&
	    (got.number != r->want.number || got.this_update != r->want.this_update ||
		got.next_update != r->want.next_update || got.entries != r->want.entries))
		job_fail(&r->job, E_CORRUPT, "bad_crl", "the new CRL doesn't read back as it was built");
}

int crl_stage(const struct render_job *r, bool must)
{
	struct crl_reading *reading = &r->render->reading;
	const struct crl_seen *seen = &r->render->crl;
	struct crl_seen *next = &r->render->next_crl;
	struct output_file *f;

	look(r);
	if (!must && !is_due(r))
		return 0;
	*next = (struct crl_seen){ .is_valid = true, .crl = seen->crl };
	buf_open(&reading->pem, r->job->arena);
	if (pki_crl_build(r->job, r->pki, r->model, &next->crl, &reading->pem))
		return r->job->error;
	memcpy(next->ca, model_ca(r->model)->serial.hex, sizeof(next->ca));
	output_write(r->output, "pki/crl.pem", reading->pem.data, reading->pem.len, OUTPUT_CLOCK);
	/* OpenVPN compares whole seconds and the size. */
	f = output_find(r->output, "pki/crl.pem");
	f->mtime = time_now();
	if (f->mtime <= seen->mtime.tv_sec)
		f->mtime = seen->mtime.tv_sec + 1;
	reading->model = r->model;
	reading->want = next->crl;
	job_open(&reading->job);
	beside_start(&reading->beside, read_back, reading);
	return 0;
}

int crl_await(struct job *j, struct render *r)
{
	struct crl_reading *reading = &r->reading;

	if (!reading->model)
		return j->error;
	beside_end(&reading->beside);
	reading->model = NULL;
	job_join(j, &reading->job);
	return j->error;
}

void crl_note_staged(struct render *r)
{
	const struct output_file *f = output_find(r->staged, "pki/crl.pem");
	char path[RENDER_PATH_MAX];
	struct stat st;

	if (!f || !f->is_staged)
		return;
	output_staged_path(&r->place, f, path);
	if (lstat(path, &st))
		return;
	note_file(&r->next_crl, &st);
	r->crl = r->next_crl;
}

int render_refresh_crl(struct job *j, struct render *r, const struct model *m, bool *renewed)
{
	struct render_job work = { .job = j, .model = m, .pki = r->pki, .render = r };

	render_discard(r); /* the staging folder is for one output at a time */
	work.output = r->staged = output_open();
	*renewed = false;
	if (crl_stage(&work, false) || output_stage(j, &r->place, r->staged) || crl_await(j, r))
		goto out;
	crl_note_staged(r);
	if (output_promote(j, &r->place, r->staged, &r->promotion) ||
	    output_settle(j, &r->place, &r->promotion))
		goto out;
	output_let_go(&r->promotion);
	*renewed = output_find(r->staged, "pki/crl.pem");
	render_drop(r);
out:
	render_discard(r);
	return j->error;
}
