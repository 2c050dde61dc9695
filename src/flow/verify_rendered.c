/*
 * Does what lies beside the history agree with it?  Rendered files and SQLite
 * are compared by the service, where one runs, since only the writer knows
 * when they are at rest; else here, with a copy of the database.  The index of
 * the history is built anew elsewhere and compared.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "flow/verify_int.h"

enum { TRIES = 5 };

/* "changed ip/routes": what is wrong, and where. */
static void add_differences(struct lies *l, const struct oid *head, char **differences)
{
	for (; *differences; differences++) {
		size_t len = strcspn(*differences, " ");
		const char *path = *differences + len;

		lies_add(l, head, path + (*path == ' '), "%.*s: not what this commit renders", (int)len,
		    *differences);
	}
}

/* Where the index says that it reaches to; a lie where that is nowhere in the history. */
static bool is_in_history(struct job *j, struct flow *f, const char *indexed, struct lies *l)
{
	struct oid to;
	bool is_ancestor = false;

	memcpy(to.hex, indexed, OID_HEX);
	if (state_is_commit(f->state, &to))
		state_is_ancestor(j, f->state, &to, &f->head, &is_ancestor);
	if (!is_ancestor && !j->error)
		lies_add(l, &f->head, "database.sqlite3",
		    "its index reaches to %s, which is not in the history", indexed);
	return is_ancestor;
}

/* Build the same index from git, in a folder of its own. */
static int compare_once(struct job *j, struct flow *truth, const char *database, struct lies *l, bool *moved)
{
	char **differences;

	*moved = false;
	if (render_read_indexed(j, database, truth->rendered))
		return lies_take(j, l, &truth->head, "database.sqlite3");
	if (!truth->rendered[0] || state_head(j, truth->state, &truth->head) ||
	    !is_in_history(j, truth, truth->rendered, l))
		return j->error; /* without an index there is none to lie */
	while (flow_index_more(truth))
		;
	if (strcmp(render_indexed(truth->render), truth->rendered) != 0)
		return job_fail(
		    j, E_IO, "index", "the index of the history could not be built for comparison");
	if (render_compare_index(j, truth->render, database, &differences, moved))
		return lies_take(j, l, &truth->head, "database.sqlite3");
	if (!*moved)
		add_differences(l, &truth->head, differences);
	return 0;
}

static int compare_index(
    struct job *j, const struct flow *f, const char *scratch, const char *database, struct lies *l)
{
	struct flow truth = { .state = f->state, .pki = f->pki, .head = f->head };
	const char *folder = arena_printf(j->arena, "%s/truth", scratch);
	bool moved = true;
	int tries;

	if (l->is_broken)
		return 0;
	if (fs_mkdirs(j, folder, 0700) || render_open(j, folder, (gid_t)-1, f->pki, &truth.render))
		goto out;
	/* A service goes on meanwhile: what it adds is added here too. */
	for (tries = 0; moved && tries < TRIES && !j->error; tries++)
		compare_once(j, &truth, database, l, &moved);
	if (moved && !j->error)
		job_fail(
		    j, E_BUSY, "busy", "the history grows too fast to be compared with its index: try again");
out:
	flow_stop_indexing(&truth);
	render_close(truth.render);
	return j->error;
}

/* After init, or beside a fresh clone: then nothing can disagree. */
static bool is_rendered(struct job *j, const char *data)
{
	return fs_exists(arena_printf(j->arena, "%s/database.sqlite3", data)) ||
	    fs_exists(arena_printf(j->arena, "%s/pki", data));
}

static int compare(
    struct job *j, const struct flow_options *o, struct flow *f, const char *scratch, struct lies *l)
{
	const char *copy = arena_printf(j->arena, "%s/database.sqlite3", scratch);
	struct render_view view = { .data = o->data, .pki = f->pki, .database = copy };
	bool has_database;
	char **differences;

	if (!is_rendered(j, o->data) || render_copy_database(j, o->data, copy))
		return j->error;
	view.group = flow_group(j, o->openvpn_group);
	has_database = fs_exists(copy); /* else the comparison makes an empty one */
	if (render_check_folder(j, &view, f->model, f->head.hex, &differences))
		return lies_take(j, l, &f->head, "");
	add_differences(l, &f->head, differences);
	return has_database ? compare_index(j, f, scratch, copy, l) : 0;
}

int verify_rendered(
    struct job *j, const struct flow_options *o, struct flow *f, const struct flow_verify *in, struct lies *l)
{
	const char *folder = getenv("TMPDIR");
	char *scratch = arena_printf(j->arena, "%s/vpnunit-verify-XXXXXX", folder ? folder : "/tmp");
	struct job clean;
	int error;

	if (!mkdtemp(scratch))
		return job_fail_errno(j, "cannot make a folder like %s", scratch);
	if (in->differences) {
		add_differences(l, &f->head, in->differences);
		error = compare_index(
		    j, f, scratch, arena_printf(j->arena, "%s/database.sqlite3", o->data), l);
	} else {
		error = compare(j, o, f, scratch, l);
	}
	job_open(&clean);
	fs_remove_tree(&clean, scratch);
	job_close(&clean);
	return error;
}
