/*
 * A new repository, and the settings that every one of ours has.  It is built
 * beside its place and renamed into it whole: a crash leaves no half of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "state/state_int.h"

enum { FANOUT = 256 };

struct setting {
	const char *key, *value; /* NULL: must not be set */
};

/* No extensions.*: libgit2 1.5 refuses to open a repository that has one. */
static const struct setting settings[] = {
	{ "core.bare", "true" },
	{ "core.worktree", NULL },
	{ "core.sharedRepository", NULL },
	{ "core.logAllRefUpdates", "false" }, /* four fsyncs a publish, and never expired */
	{ "core.fsync", "all" }, /* pushes are as durable as we are */
	{ "core.fsyncMethod", "fsync" },
	{ "gc.auto", "0" }, /* the service repacks, under its lock */
	{ "gc.writeCommitGraph", "false" },
	{ "maintenance.auto", "false" },
	{ "receive.autogc", "false" },
	{ "receive.fsckObjects", "true" },
	{ "receive.denyNonFastForwards", "true" },
	{ "receive.denyDeletes", "true" },
	{ "receive.procReceiveRefs",
	    "refs" }, /* every push is the hook's to answer: no ref moves without us */
	{ "receive.maxInputSize", "67108864" },
	{ "receive.unpackLimit", "1" }, /* a pack a push, as a publish writes one */
	{ "commitGraph.generationVersion", "1" }, /* libgit2 1.5 cannot read 2 */
	{ "repack.writeBitmaps", "false" },
};

static int set_one(git_config *config, const struct setting *want, bool *changed)
{
	git_buf now = GIT_BUF_INIT;
	int rc = git_config_get_string_buf(&now, config, want->key);
	bool is_set = rc == 0, is_right;

	is_right = want->value ? is_set && strcmp(now.ptr, want->value) == 0 : !is_set;
	git_buf_dispose(&now);
	if (rc < 0 && rc != GIT_ENOTFOUND)
		return rc;
	if (is_right)
		return 0;
	*changed = true;
	return want->value ? git_config_set_string(config, want->key, want->value)
			   : git_config_delete_entry(config, want->key);
}

int state_configure(struct job *j, struct state *s, bool *changed)
{
	git_config *config = NULL;
	size_t i;
	int rc;

	*changed = false;
	rc = git_repository_config(&config, s->repo);
	for (i = 0; rc == 0 && i < sizeof(settings) / sizeof(settings[0]); i++)
		rc = set_one(config, &settings[i], changed);
	git_config_free(config);
	return rc < 0 ? state_fail(j, rc, "%s/config", s->path) : 0;
}

int state_make_fanout(struct job *j, const char *path)
{
	const char *objects = arena_printf(j->arena, "%s/objects", path);
	bool made = false;
	unsigned i;

	for (i = 0; i < FANOUT; i++) {
		const char *folder = arena_printf(j->arena, "%s/%02x", objects, i);

		if (mkdir(folder, 0700) == 0)
			made = true;
		else if (errno != EEXIST)
			return job_fail_errno(j, "%s", folder);
	}
	return made ? fs_sync_dir(j, objects) : 0;
}

int state_sync_file(struct job *j, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return job_fail_errno(j, "%s", path);
	if (fsync(fd) != 0)
		error = job_fail_errno(j, "%s: fsync", path);
	close(fd);
	return error;
}

static int sync_all(struct job *j, const char *path)
{
	static const char *const files[] = { "config", "HEAD" };
	static const char *const folders[] = {
		"objects/pack",
		"objects/info",
		"objects",
		"refs/heads",
		"refs/tags",
		"refs",
		".",
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (state_sync_file(j, arena_printf(j->arena, "%s/%s", path, files[i])))
			return j->error;
	}
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (fs_sync_dir(j, arena_printf(j->arena, "%s/%s", path, folders[i])))
			return j->error;
	}
	return 0;
}

static int build(struct job *j, const char *path)
{
	git_repository_init_options options = {
		.version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
		.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT,
		.initial_head = "main",
	};
	git_repository *repo = NULL;
	struct state *s = NULL;
	bool changed;
	int rc;

	if (mkdir(path, 0700) != 0)
		return job_fail_errno(j, "%s", path);
	rc = git_repository_init_ext(&repo, path, &options);
	git_repository_free(repo);
	if (rc < 0)
		return state_fail(j, rc, "%s: cannot make a repository", path);
	if (state_open(j, path, &s) == 0 && state_configure(j, s, &changed) == 0 &&
	    state_make_fanout(j, path) == 0)
		sync_all(j, path);
	state_close(s);
	return j->error;
}

int state_init(struct job *j, const char *path)
{
	const char *beside = arena_printf(j->arena, "%s.new", path);

	if (fs_exists(path))
		return job_fail(j, E_CONFLICT, "exists", "%s exists already and is left as it is", path);
	if (fs_remove_tree(j, beside) || build(j, beside) || fs_rename(j, beside, path))
		return j->error;
	return fs_sync_dir(j, dirname(arena_strdup(j->arena, path)));
}
