/*
 * Drift: everything is rendered in memory and compared with what is on the
 * disk.  Changes nothing.  The CRL is not a function of the commit, so it is
 * judged by what it says.
 */
#include <string.h>

#include "base/fs.h"
#include "base/map.h"
#include "render/render_int.h"

struct differences {
	struct arena *arena;
	char **list;
	size_t n, cap;
};

static void add(struct differences *d, const char *kind, const char *what)
{
	char **old = d->list;

	if (d->n + 1 >= d->cap) {
		d->cap = d->cap ? d->cap * 2 : 16;
		d->list = arena_alloc(d->arena, d->cap * sizeof(*d->list));
		if (old)
			memcpy(d->list, old, d->n * sizeof(*old));
	}
	d->list[d->n++] = arena_printf(d->arena, "%s %s", kind, what);
}

static void check_files(const struct render_job *r, struct differences *d)
{
	const struct output_place *place = &r->render->place;
	const struct output_file *f;
	char path[RENDER_PATH_MAX];
	size_t it = 0;

	while ((f = output_next(r->output, &it))) {
		if (output_is_live(place, f))
			continue;
		output_path(place, f->path, path);
		add(d, fs_exists(path) ? "changed" : "missing", f->path);
	}
}

static int check_foreign(const struct render_job *r, const char *path, void *context)
{
	(void)r;
	add(context, "foreign", path);
	return 0;
}

/* Does the CRL list what the ledger has revoked, and nothing else? */
static bool lists_all(const struct render_job *r, char **serials)
{
	const struct revocation **e = model_withdrawn(r->job->arena, r->model);
	struct map listed = { .len = 0 };
	size_t revoked = 0;
	bool has_all = true;

	for (; *serials; serials++)
		map_put(&listed, *serials, *serials);
	for (; *e && has_all; e++, revoked++)
		has_all = map_get(&listed, (*e)->serial.hex) != NULL;
	has_all = has_all && revoked == listed.len;
	map_clear(&listed);
	return has_all;
}

static void check_crl(const struct render_job *r, struct differences *d)
{
	struct pki_crl crl;
	char **serials;
	int error = render_read_crl(r->job, r->render, r->model, &crl, &serials);

	if (error)
		add(d, error == E_NOT_FOUND ? "missing" : "bad", "pki/crl.pem");
	else if (crl.next_update <= r->job->now)
		add(d, "expired", "pki/crl.pem");
	else if (!lists_all(r, serials))
		add(d, "changed", "pki/crl.pem");
	job_clear(r->job);
}

static void check_table(void *context, const char *table)
{
	struct differences *d = context;

	add(d, "changed", arena_printf(d->arena, "database.sqlite3, table %s", table));
}

int render_check(
    struct job *j, struct render *r, const struct model *m, const char *commit, char ***differences)
{
	struct render_job work = {
		.job = j, .model = m, .commit = commit, .pki = r->pki, .render = r, .is_full = true
	};
	struct differences found = { .arena = j->arena };

	work.output = output_open();
	work.listings = listings_open();
	if (render_run(&work))
		goto out;
	check_files(&work, &found);
	if (foreign_walk(&work, check_foreign, &found))
		goto out;
	check_crl(&work, &found);
	if (database_compare(&work, r->database, check_table, &found)) {
		job_clear(j);
		add(&found, "bad", "database.sqlite3");
	}
	*differences = found.list ? found.list : arena_alloc(j->arena, sizeof(**differences));
out:
	listings_close(work.listings);
	output_close(work.output);
	return j->error;
}
