/*
 * A start takes the model from rows of the database.  Rows are derived and git
 * is the truth: that both hold the same files is seen at once, by their ids;
 * that each row says what its file says, here, some at a time behind the answers:
 * half a minute for a hundred thousand gateways, more while changes come.
 */
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { PART = 256, ROOM = 4096, SHARE_MS = 300 /* of a second */ };

static const struct {
	enum entity_kind kind;
	const char *table;
} kinds[] = {
	{ ENTITY_USER, "users" },
	{ ENTITY_GATEWAY, "gateways" },
	{ ENTITY_CERTIFICATE, "certificates" },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

struct meeting {
	const struct model *model;
	size_t n;
};

static int meet(struct job *j, void *context, const char *path, const char *blob)
{
	struct meeting *m = context;
	const struct entity *e = model_entity(m->model, path);

	m->n++;
	if (e && strcmp(e->blob, blob) == 0)
		return 0;
	return job_fail(j, E_CORRUPT, "stale_rows", "%s is not what the rows say", path);
}

int flow_compare_ids(struct job *j, struct flow *f)
{
	struct meeting m = { .model = f->model };
	struct state *s = NULL;
	enum entity_kind kind;
	size_t n = 0;

	for (kind = 0; kind <= ENTITY_ACCESS; kind++)
		n += model_count(f->model, kind);
	/* A handle of its own, for a handle keeps folders that it has read. */
	if (state_open(j, arena_printf(j->arena, "%s/state.git", f->data), &s) == 0)
		state_ids(j, s, &f->head, meet, &m);
	state_close(s);
	if (j->error)
		return j->error;
	return m.n == n ? 0 : job_fail(j, E_CORRUPT, "stale_rows", "the rows hold more than git does");
}

static void encode(struct buf *b, const struct entity *e)
{
	if (e->kind == ENTITY_USER)
		model_encode_user(b, (const struct user *)e);
	else if (e->kind == ENTITY_GATEWAY)
		model_encode_gateway(b, (const struct gateway *)e);
	else
		model_encode_certificate(b, (const struct certificate *)e);
}

static bool is_its_file(const struct entity *e)
{
	struct arena *a = arena_open(ROOM);
	char blob[OID_HEX];
	struct buf bytes;

	buf_open(&bytes, a);
	encode(&bytes, e);
	digest_git_blob(bytes.data, bytes.len, blob);
	arena_close(a);
	return strcmp(blob, e->blob) == 0;
}

/* From git, and everything rendered anew; told as any drift. */
static void reload(struct flow *f)
{
	struct model *m = model_open();
	char *drift[2] = { NULL };
	struct job j;

	job_open(&j);
	drift[0] = arena_printf(j.arena, "changed database.sqlite3, table %s", kinds[f->origin.kind].table);
	log_line(LOG_LEVEL_WARNING, "drift: %s: rendered anew", drift[0]);
	flow_set_drift(f, drift);
	if (flow_load_model(&j, f->state, &f->head, m)) {
		model_close(m);
	} else {
		flow_take_model(f);
		model_close(f->model);
		f->model = m;
		flow_give_model(f);
		f->rendered[0] = '\0';
		flow_bring_forward(&j, f, true);
	}
	if (j.error)
		log_line(LOG_LEVEL_ERROR, "reload: %s", j.message);
	job_close(&j);
}

bool flow_check_origin(struct flow *f)
{
	int64_t began = time_monotonic_ms();
	const struct entity **all;
	size_t n, i;
	struct job j;

	if (!f->origin.is_due || !flow_has_time(f, SHARE_MS))
		return false;
	job_open(&j);
	n = model_count(f->model, kinds[f->origin.kind].kind);
	all = model_all(j.arena, f->model, kinds[f->origin.kind].kind);
	for (i = 0; i < PART && f->origin.at < n && f->origin.is_due; i++, f->origin.at++) {
		const struct entity *e = all[f->origin.at];

		if (is_its_file(e))
			continue;
		log_line(
		    LOG_LEVEL_ERROR, "database.sqlite3 is not true about %s: read anew from git", e->path);
		f->origin.is_due = false;
	}
	if (i < PART && f->origin.is_due) {
		f->origin.at = 0;
		f->origin.is_due = ++f->origin.kind < KINDS;
	} else if (!f->origin.is_due) {
		reload(f);
	}
	job_close(&j);
	f->spent_ms += time_monotonic_ms() - began;
	return f->origin.is_due && flow_has_time(f, SHARE_MS);
}
