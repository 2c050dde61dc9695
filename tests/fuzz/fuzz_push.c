/*
 * Pushed commits: what stands in the commit's head below tree and parent, up to a NUL; then files,
 * each a line of mode and path, then bytes up to a NUL; a commit ends with an empty line in the
 * place of a path.  The mode t makes a tree of lines of mode and name, whatever git thinks of it.
 * What is accepted is a whole state.
 */
#include <ftw.h>
#include <unistd.h>

#include "flow/push_int.h"
#include "golden.h"
#include "state/state_int.h"

enum { FILES_MAX = 16, COMMITS_MAX = 3 };

static char folder[] = "/tmp/vpnunit-fuzz-XXXXXX";
static struct state *state;
static struct oid base;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void stop(void)
{
	state_close(state);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The golden state as the only commit of a real repository. */
static void start(void)
{
	struct plan plan = { .change = "init",
		.subject = "golden",
		.actor = "fuzz",
		.request_id = "",
		.reason = "",
		.time = FUZZ_NOW };
	struct oid none = { "" };
	const char *path;
	const struct entity **e;
	struct job j;
	struct buf b;
	int kind;

	if (state)
		return;
	fuzz_open(&j);
	fuzz_require(mkdtemp(folder) != NULL, "a folder");
	for (kind = 0; kind <= ENTITY_ACCESS; kind++)
		for (e = model_all(j.arena, golden_model(), (enum entity_kind)kind); *e; e++) {
			buf_open(&b, j.arena);
			fuzz_done(&j,
			    fs_read(&j, arena_printf(j.arena, GOLDEN_STATE "%s", (*e)->path), 1 << 20, &b));
			plan_write(j.arena, &plan, (*e)->path, b.data, b.len);
		}
	state_start();
	path = arena_printf(j.arena, "%s/state.git", folder);
	fuzz_done(&j, state_init(&j, path) || state_open(&j, path, &state));
	fuzz_done(&j, state_stage(&j, state, &none, &plan, &base) || state_publish(&j, state, &none, &base));
	atexit(stop);
	job_close(&j);
}

/* A tree of lines "MODE NAME", all of the same empty blob. */
static bool write_tree(struct job *j, const char *lines, git_oid *out)
{
	struct fuzz_input in = { lines, strlen(lines) };
	struct buf b;
	git_oid blob;

	if (git_odb_write(&blob, state->odb, "{}\n", 3, GIT_OBJECT_BLOB) < 0)
		return false;
	buf_open(&b, j->arena);
	while (in.left) {
		buf_puts(&b, fuzz_take(j, &in, '\n'));
		buf_add(&b, "", 1);
		buf_add(&b, blob.id, GIT_OID_RAWSZ);
	}
	return git_odb_write(out, state->odb, b.data, b.len, GIT_OBJECT_TREE) == 0;
}

static git_filemode_t mode_of(char c)
{
	switch (c) {
	case 'x':
		return GIT_FILEMODE_BLOB_EXECUTABLE;
	case 'l':
		return GIT_FILEMODE_LINK;
	case 'm':
		return GIT_FILEMODE_COMMIT;
	case 't':
		return GIT_FILEMODE_TREE;
	default:
		return GIT_FILEMODE_BLOB;
	}
}

/* One file of the input as an update of a tree; false: it is none. */
static bool read_update(struct job *j, struct fuzz_input *in, git_tree_update *u)
{
	const char *line = fuzz_take(j, in, '\n'), *end = in->left ? memchr(in->at, '\0', in->left) : NULL;
	size_t len = end ? (size_t)(end - in->at) : in->left;
	const char *bytes = in->at;

	in->at += end ? len + 1 : len;
	in->left -= end ? len + 1 : len;
	if (!*line || line[1] != ' ')
		return false;
	u->action = *line == 'd' ? GIT_TREE_UPDATE_REMOVE : GIT_TREE_UPDATE_UPSERT;
	u->filemode = mode_of(*line);
	u->path = line + 2;
	if (u->filemode == GIT_FILEMODE_TREE)
		return write_tree(j, arena_strndup(j->arena, bytes, len), &u->id);
	return git_odb_write(&u->id, state->odb, bytes, len, GIT_OBJECT_BLOB) == 0;
}

/* The commit's tree: the parent's with the files; the parent's where libgit2 refuses them. */
static void make_tree(struct job *j, struct fuzz_input *in, git_tree *parent, git_oid *out)
{
	git_tree_update updates[FILES_MAX];
	size_t n = 0;

	*out = *git_tree_id(parent);
	while (n < FILES_MAX && in->left && read_update(j, in, &updates[n]))
		n++;
	git_tree_create_updated(out, state->repo, parent, n, updates);
}

static bool make_commit(struct job *j, struct fuzz_input *in, struct oid *tip)
{
	static const char author[] = "author a <a@example.org> 1795000000 +0000\n"
				     "committer a <a@example.org> 1795000000 +0000\n";
	const char *head = fuzz_take(j, in, '\0'), *text;
	git_commit *parent;
	git_tree *tree = NULL;
	git_oid id;
	bool is_made = false;

	if (state_commit(j, state, tip, &parent))
		return false;
	if (git_commit_tree(&tree, parent) == 0) {
		make_tree(j, in, tree, &id);
		text = arena_printf(j->arena, "tree %s\nparent %s\n%s%s", git_oid_tostr_s(&id), tip->hex,
		    *head == '\n' ? author : "", head);
		is_made = git_odb_write(&id, state->odb, text, strlen(text), GIT_OBJECT_COMMIT) == 0;
	}
	if (is_made)
		state_print_oid(&id, tip);
	git_tree_free(tree);
	git_commit_free(parent);
	return is_made;
}

static void judge(struct job *j, const struct oid *tip)
{
	struct change ch = { .kind = CHANGE_PUSH,
		.actor = "fuzz",
		.request_id = "",
		.reason = "",
		.now = FUZZ_NOW,
		.base = base.hex,
		.target = tip->hex,
		.pusher = "fuzz" };
	struct model *m = model_fork(golden_model());
	struct plan *plan;

	if (flow_read_push(j, state, m, &base, &ch) == 0 && change_plan(j, m, &ch, &plan) == 0)
		fuzz_done(j, flow_put_plan(j, m, plan) || model_check(j, m));
	else
		fuzz_require(*j->message && (j->error != E_CORRUPT || strcmp(j->code, "broken_state") != 0),
		    "a push is refused, and the state is not what is said to be broken");
	model_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct oid tip;
	struct job j;
	int n;

	start();
	fuzz_open(&j);
	tip = base;
	fuzz_done(&j, state_use(&j, state));
	for (n = 0; n < COMMITS_MAX && in.left && make_commit(&j, &in, &tip); n++)
		;
	job_clear(&j);
	judge(&j, &tip);
	state_let_go(state); /* what was written is in memory alone */
	job_close(&j);
	return 0;
}
