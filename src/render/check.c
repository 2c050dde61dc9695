/*
 * Drift: what the model renders is compared with what is on the disk, a part
 * at a time, so that who has other work can do it in between.  Changes
 * nothing.  The CRL is not a function of the commit: it is judged by what it says.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/map.h"
#include "render/render_int.h"

enum { PART = 64, FOLDER_PART = 1024 };

/* What has files or rows of its own. */
static const enum entity_kind kinds[] = { ENTITY_USER, ENTITY_GATEWAY, ENTITY_CERTIFICATE,
	ENTITY_SUPERSESSION, ENTITY_REVOCATION, ENTITY_ID, ENTITY_RELEASE, ENTITY_ADOPTION,
	ENTITY_TOKEN_REMOVAL };

struct render_checking {
	struct arena *arena;
	struct comparison *comparison; /* of the database; NULL: not yet, or it is bad */
	bool is_thorough, is_database_bad;
	enum { WHOLE_FILES, ENTITIES, FOLDERS, TABLES, DONE } step;
	size_t kind, at; /* ENTITIES: which of kinds, from where on; FOLDERS: which one */
	DIR *folder;
	struct map whole; /* paths of files that are no entity's */
	char **list;
	size_t n, cap;
};

struct render_checking *render_checking_open(bool is_thorough)
{
	struct render_checking *c = mem_zalloc(sizeof(*c));

	c->arena = arena_open(4096);
	c->is_thorough = is_thorough;
	c->list = mem_zalloc(sizeof(*c->list));
	return c;
}

void render_checking_close(struct render_checking *c)
{
	if (!c)
		return;
	if (c->folder)
		closedir(c->folder);
	comparison_close(c->comparison);
	map_clear(&c->whole);
	free(c->list);
	arena_close(c->arena);
	free(c);
}

char **render_checking_found(const struct render_checking *c)
{
	return c->list;
}

static void add(struct render_checking *c, const char *kind, const char *what)
{
	char *line = arena_printf(c->arena, "%s %s", kind, what);
	size_t i;

	for (i = 0; i < c->n; i++) /* a part of a table, or of the model, more than once */
		if (strcmp(c->list[i], line) == 0)
			return;
	c->list = mem_realloc(c->list, (c->n + 2) * sizeof(*c->list));
	c->list[c->n++] = line;
	c->list[c->n] = NULL;
}

static void add_table(void *context, const char *table)
{
	struct render_checking *c = context;

	add(c, "changed", arena_printf(c->arena, "database.sqlite3, table %s", table));
}

static void check_files(const struct render_job *r, struct render_checking *c)
{
	const struct output_place *place = &r->render->place;
	const struct output_file *f;
	char path[RENDER_PATH_MAX];
	size_t it = 0;

	while ((f = output_next(r->output, &it))) {
		if (output_is_live(place, f))
			continue;
		output_path(place, f->path, path);
		add(c, fs_exists(path) ? "changed" : "missing", f->path);
	}
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

static void check_crl(const struct render_job *r, struct render_checking *c)
{
	struct pki_crl crl;
	char **serials;
	int error = render_read_crl(r->job, r->render, r->model, &crl, &serials);

	if (error)
		add(c, error == E_NOT_FOUND ? "missing" : "bad", "pki/crl.pem");
	else if (crl.next_update <= r->job->now)
		add(c, "expired", "pki/crl.pem");
	else if (!lists_all(r, serials))
		add(c, "changed", "pki/crl.pem");
	job_clear(r->job);
}

/* The rows that this part of the model has; a database that can't be read is told once. */
static void check_rows(const struct render_job *r, struct render_checking *c)
{
	if (c->is_database_bad)
		return;
	if ((!c->comparison && comparison_open(r->job, r->render->database, &c->comparison)) ||
	    comparison_rows(r, c->comparison, add_table, c)) {
		job_clear(r->job);
		add(c, "bad", "database.sqlite3");
		c->is_database_bad = true;
	}
}

static void note_whole(const struct render_job *r, struct render_checking *c)
{
	const struct output_file *f;
	size_t it = 0;

	while ((f = output_next(r->output, &it)))
		if (f->data) {
			const char *path = arena_strdup(c->arena, f->path);

			map_put(&c->whole, path, c);
		}
}

/* What is no single entity's: the whole-network files, the server's, the CRL. */
static int check_whole(struct render_job *r, struct render_checking *c)
{
	static const struct entity *nothing[1];

	r->part = nothing;
	r->is_full = true;
	r->listings = c->is_thorough || !r->render->listings ? listings_open() : r->render->listings;
	if (!render_run(r)) {
		check_files(r, c);
		note_whole(r, c);
		check_crl(r, c);
		check_rows(r, c);
	}
	if (r->listings != r->render->listings)
		listings_close(r->listings);
	else if (r->job->error)
		listings_discard(r->listings); /* they may be half done */
	else
		listings_promote(
		    r->listings); /* of the first look since the start: the next change has them */
	c->step = ENTITIES;
	return r->job->error;
}

/* Some entities of a kind: their files, their rows. */
static int check_entities(struct render_job *r, struct render_checking *c)
{
	enum entity_kind kind = kinds[c->kind];
	const struct entity **all = model_all(r->job->arena, r->model, kind);
	size_t n = model_count(r->model, kind), i;

	r->part = arena_alloc(r->job->arena, (PART + 1) * sizeof(*r->part));
	for (i = 0; i < PART && c->at + i < n; i++)
		r->part[i] = all[c->at + i];
	if ((kind == ENTITY_GATEWAY || kind == ENTITY_CERTIFICATE) && render_run_part(r))
		return r->job->error;
	check_files(r, c);
	check_rows(r, c);
	c->at += i;
	if (c->at < n)
		return 0;
	c->at = 0;
	if (++c->kind == sizeof(kinds) / sizeof(*kinds))
		c->step = FOLDERS;
	return 0;
}

static void check_name(const struct render_job *r, struct render_checking *c, const char *path)
{
	if (!output_is_folder(path) && !map_get(&c->whole, path) && foreign_is(r->model, path))
		add(c, "foreign", path);
}

/* Some names of a folder; one that is missing was told by its files. */
static int check_folder(struct render_job *r, struct render_checking *c)
{
	const char *name = output_folder(c->at);
	char path[RENDER_PATH_MAX];
	struct dirent *e = NULL;
	size_t n;

	if (!name) {
		c->step = TABLES;
		return 0;
	}
	output_path(&r->render->place, name, path);
	if (!c->folder && !(c->folder = opendir(path)) && errno != ENOENT)
		return job_fail_errno(r->job, "cannot list %s", path);
	for (n = 0; n < FOLDER_PART && c->folder && (e = readdir(c->folder)); n++)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			check_name(r, c, arena_printf(r->job->arena, "%s/%s", name, e->d_name));
	if (e)
		return 0;
	if (c->folder)
		closedir(c->folder);
	c->folder = NULL;
	c->at++;
	return 0;
}

static int check_tables(struct render_job *r, struct render_checking *c)
{
	c->step = DONE;
	if (!c->is_database_bad && comparison_tables(r, c->comparison, add_table, c)) {
		job_clear(r->job);
		add(c, "bad", "database.sqlite3");
	}
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): a commit is its model and its id */
int render_check_part(struct job *j, struct render *r, const struct model *m, const char *commit,
    struct render_checking *c, bool *more)
{
	static int (*const steps[])(struct render_job * r, struct render_checking * c) = {
		[WHOLE_FILES] = check_whole,
		[ENTITIES] = check_entities,
		[FOLDERS] = check_folder,
		[TABLES] = check_tables,
	};
	struct render_job work = { .job = j, .model = m, .commit = commit, .pki = r->pki, .render = r };

	work.output = output_open();
	steps[c->step](&work, c);
	output_close(work.output);
	*more = !j->error && c->step != DONE;
	return j->error;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int render_check(
    struct job *j, struct render *r, const struct model *m, const char *commit, char ***differences)
{
	struct render_checking *c = render_checking_open(true);
	struct job part;
	bool more = true;
	size_t i;

	while (more) {
		job_open(&part);
		part.now = j->now;
		render_check_part(&part, r, m, commit, c, &more);
		job_join(j, &part);
	}
	*differences = arena_alloc(j->arena, (c->n + 1) * sizeof(**differences));
	for (i = 0; i < c->n; i++)
		(*differences)[i] = arena_strdup(j->arena, c->list[i]);
	qsort(*differences, c->n, sizeof(**differences), by_text);
	render_checking_close(c);
	return j->error;
}
