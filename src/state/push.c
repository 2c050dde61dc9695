/*
 * What a push brought: its commits as a line, and whether their trees are what
 * git trees of ours are.  All of it was made elsewhere and may be hostile:
 * whatever is read afterwards has been measured here.
 *
 * git (2.39) takes the objects out of quarantine before it runs the hook
 * proc-receive, so any process sees them; it does not fsync their folders.
 */
#include <string.h>

#include "base/fs.h"
#include "state/state_int.h"

enum {
	COMMITS_MAX = 1000,
	ENTRIES_MAX = 200000, /* names of files and folders looked at, in a whole push */
	BYTES_MAX = 64 * 1024 * 1024, /* of the files, likewise */
	FILE_MAX = 64 * 1024,
	MESSAGE_MAX = 64 * 1024,
	PATH_BYTES = 256, /* bounds the depth too */
	SHORT = 12,
};

static const char TOO_MUCH[] = "the push changes too much: push it in parts";

struct left { /* how much more a push may bring: few objects may stand for many files */
	size_t entries, bytes;
};

struct trees { /* a walk over what differs in two trees */
	struct job *job;
	struct state *state;
	const char *commit;
	struct left *left;
	char path[PATH_BYTES];
};

static int refuse(struct job *j, const char *commit, const char *path, const char *what)
{
	return job_fail(j, E_INVALID, "push_refused", "commit %.*s%s%s: %s", SHORT, commit, *path ? ": " : "",
	    path, what);
}

static int check_trees(struct trees *w, const git_oid *from, const git_oid *to, size_t at);

static int check_file(struct trees *w, const git_tree_entry *entry)
{
	git_object_t type;
	size_t len;
	int rc;

	if (git_tree_entry_filemode_raw(entry) != GIT_FILEMODE_BLOB)
		return refuse(w->job, w->commit, w->path,
		    "only plain files of mode 100644 belong in a state, no links, programs or submodules");
	rc = git_odb_read_header(&len, &type, w->state->odb, git_tree_entry_id(entry));
	if (rc < 0)
		return state_fail(w->job, rc, "commit %.12s: %s", w->commit, w->path);
	if (len > FILE_MAX)
		return refuse(w->job, w->commit, w->path, "is longer than 64 KiB");
	if (len > w->left->bytes)
		return refuse(w->job, w->commit, "", TOO_MUCH);
	w->left->bytes -= len;
	return 0;
}

/* A name that is new or another one; from is what lay there, NULL where nothing did. */
static int check_entry(struct trees *w, const git_tree_entry *from, const git_tree_entry *to, size_t at)
{
	size_t len = strlen(git_tree_entry_name(to));

	if (at + len + 2 > sizeof(w->path))
		return refuse(w->job, w->commit, "", "a path is too long");
	memcpy(w->path + at, git_tree_entry_name(to), len + 1);
	if (git_tree_entry_type(to) != GIT_OBJECT_TREE)
		return check_file(w, to);
	if (git_tree_entry_filemode_raw(to) != GIT_FILEMODE_TREE)
		return refuse(w->job, w->commit, w->path, "is a folder of another mode than 40000");
	memcpy(w->path + at + len, "/", 2);
	return check_trees(w,
	    from && git_tree_entry_type(from) == GIT_OBJECT_TREE ? git_tree_entry_id(from) : NULL,
	    git_tree_entry_id(to), at + len + 1);
}

static bool is_same(const git_tree_entry *a, const git_tree_entry *b)
{
	return a && git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)) &&
	    git_tree_entry_filemode_raw(a) == git_tree_entry_filemode_raw(b);
}

/* Empty folders are refused: nested ones, few objects, would take for ever to walk. */
static int check_names(struct trees *w, const git_tree *a, const git_tree *b, size_t at)
{
	size_t i, n = git_tree_entrycount(b);
	int error = 0;

	if (n == 0)
		return refuse(w->job, w->commit, w->path, "is an empty folder");
	if (n > w->left->entries)
		return refuse(w->job, w->commit, "", TOO_MUCH);
	w->left->entries -= n;
	for (i = 0; !error && i < n; i++) {
		const git_tree_entry *to = git_tree_entry_byindex(b, i);
		const git_tree_entry *from = a ? git_tree_entry_byname(a, git_tree_entry_name(to)) : NULL;

		if (!is_same(from, to))
			error = check_entry(w, from, to, at);
	}
	return error;
}

static int check_trees(struct trees *w, const git_oid *from, const git_oid *to, size_t at)
{
	git_tree *a = NULL, *b = NULL;
	int rc = 0, error = 0;

	if ((from && (rc = git_tree_lookup(&a, w->state->repo, from)) < 0) ||
	    (rc = git_tree_lookup(&b, w->state->repo, to)) < 0)
		error = state_fail(w->job, rc, "commit %.12s: %s", w->commit, w->path);
	else
		error = check_names(w, a, b, at);
	git_tree_free(a);
	git_tree_free(b);
	return error;
}

/* A title and lines of text: what a terminal would obey is refused, as it is in reasons. */
static bool is_text(const char *message)
{
	const unsigned char *p = (const unsigned char *)message;

	for (; *p; p++)
		if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f ||
		    (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			return false;
	return p - (const unsigned char *)message < MESSAGE_MAX;
}

static void fill(struct job *j, const git_commit *c, struct state_pushed *out)
{
	state_print_oid(git_commit_id(c), &out->id);
	out->author_time = git_commit_author(c)->when.time;
	out->time = git_commit_time(c);
	out->message = arena_strdup(j->arena, git_commit_message(c));
}

static int check_commit(struct job *j, struct state *s, const git_commit *c, struct left *left)
{
	struct trees w = { .job = j, .state = s, .left = left };
	git_commit *parent = NULL;
	struct oid id;
	int rc, error;

	state_print_oid(git_commit_id(c), &id);
	w.commit = id.hex;
	if (git_commit_parentcount(c) != 1)
		return refuse(j, id.hex, "",
		    git_commit_parentcount(c) ? "is a merge: make the history a line, by `git pull --rebase`"
					      : "is the beginning of another history, not of this one");
	if (!is_text(git_commit_message(c)) || !is_text(git_commit_author(c)->name) ||
	    !is_text(git_commit_author(c)->email))
		return refuse(
		    j, id.hex, "", "author or message have control characters, or are longer than 64 KiB");
	if ((rc = git_commit_parent(&parent, c, 0)) < 0)
		return state_fail(j, rc, "commit %.12s", id.hex);
	error = check_trees(&w, git_commit_tree_id(parent), git_commit_tree_id(c), 0);
	git_commit_free(parent);
	return error;
}

/* From the newest to the oldest, which is where main is now. */
static int walk_back(
    struct job *j, struct state *s, const git_oid *old, git_commit **at, struct state_push *push)
{
	struct left left = { ENTRIES_MAX, BYTES_MAX };
	git_commit *parent;
	int rc;

	for (; !git_oid_equal(git_commit_id(*at), old); push->n++) {
		if (push->n == COMMITS_MAX)
			return job_fail(j, E_INVALID, "push_refused",
			    "more than %d commits since what is on main: push fewer at once", COMMITS_MAX);
		fill(j, *at, &push->list[push->n]);
		if (check_commit(j, s, *at, &left))
			return j->error;
		if ((rc = git_commit_parent(&parent, *at, 0)) < 0)
			return state_fail(j, rc, "commit %s", push->list[push->n].id.hex);
		git_commit_free(*at);
		*at = parent;
	}
	return 0;
}

static void reverse(struct state_push *push)
{
	size_t i;

	for (i = 0; i < push->n / 2; i++) {
		struct state_pushed swap = push->list[i];

		push->list[i] = push->list[push->n - 1 - i];
		push->list[push->n - 1 - i] = swap;
	}
}

int state_read_push(
    struct job *j, struct state *s, const struct oid *old, const struct oid *new, struct state_push *out)
{
	git_commit *at = NULL;
	git_oid base;

	*out = (struct state_push){ .n = 0 };
	out->list = arena_alloc(j->arena, COMMITS_MAX * sizeof(*out->list));
	if (git_oid_fromstr(&base, old->hex) < 0)
		return job_fail(j, E_INVALID, "bad_id", "\"%.40s\" is not the id of a commit", old->hex);
	if (state_commit(j, s, new, &at) == 0 && walk_back(j, s, &base, &at, out) == 0)
		reverse(out);
	git_commit_free(at);
	return j->error;
}

/* Packs alone: receive.unpackLimit is 1. */
int state_sync_objects(struct job *j, struct state *s)
{
	const char *objects = arena_printf(j->arena, "%s/objects", s->path);

	return fs_sync_dir(j, arena_printf(j->arena, "%s/pack", objects)) || fs_sync_dir(j, objects)
	    ? j->error
	    : 0;
}
