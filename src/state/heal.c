/*
 * Put a repository right after whatever happened to it: a killed writer's
 * locks and temporary files, a power loss, a bare clone that replaces it.
 * Touches nothing that a commit is made of, except loose objects that hold
 * nothing or something else: they would pass for written ones.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fs.h"
#include "base/log.h"
#include "state/state_int.h"

enum { ABANDONED = 24 * 60 * 60 }; /* seconds after which a push does not live any more */

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
	size_t n = strlen(name), m = strlen(with);

	return n >= m && strcmp(name + n - m, with) == 0;
}

static bool is_lock(struct job *j, const char *path, const char *name, const struct stat *st)
{
	(void)j, (void)path;
	return S_ISREG(st->st_mode) && ends(name, ".lock");
}

/* Nothing that wrote before this machine's start is alive. */
static int64_t booted(const struct job *j)
{
	struct timespec up = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &up);
	return j->now - up.tv_sec;
}

/* libgit2's own are nobody's: we hold the lock. Those of stock git may be of a push that is under way. */
static bool is_leftover(struct job *j, const char *path, const char *name, const struct stat *st)
{
	(void)path;
	if (begins(name, "tmp_object_git2_"))
		return true;
	return (begins(name, "tmp_") || begins(name, ".tmp-")) &&
	    (st->st_mtime < j->now - ABANDONED || st->st_mtime < booted(j));
}

/* The index is renamed into place before its pack: a kill in between leaves it alone there. */
static bool is_leftover_pack(struct job *j, const char *path, const char *name, const struct stat *st)
{
	if (ends(name, ".idx") &&
	    !fs_exists(arena_printf(j->arena, "%.*s.pack", (int)(strlen(path) - strlen(".idx")), path)))
		return true;
	return is_leftover(j, path, name, st) || is_lock(j, path, name, st);
}

static bool is_empty_object(struct job *j, const char *path, const char *name, const struct stat *st)
{
	return (S_ISREG(st->st_mode) && st->st_size == 0) || is_leftover(j, path, name, st);
}

/* Remove what is_bad says from a folder; with deep, from all under it. */
static int sweep(struct job *j, const char *folder, bool deep,
    bool (*is_bad)(struct job *, const char *, const char *, const struct stat *))
{
	char **names;
	size_t i;

	if (fs_list(j, folder, &names))
		return j->error;
	for (i = 0; names[i]; i++) {
		const char *path = arena_printf(j->arena, "%s/%s", folder, names[i]);
		struct stat st;

		if (lstat(path, &st) != 0)
			continue; /* gone meanwhile */
		if (is_bad(j, path, names[i], &st)) {
			log_line(LOG_LEVEL_WARNING, "removing %s, left by a writer that was stopped", path);
			if (S_ISDIR(st.st_mode) ? fs_remove_tree(j, path) : fs_remove(j, path))
				return j->error;
		} else if (deep && S_ISDIR(st.st_mode) && sweep(j, path, deep, is_bad)) {
			return j->error;
		}
	}
	return 0;
}

/* So that the object can be written or fetched again; what it was stays for whoever wants to look. */
static int put_aside(struct job *j, const char *objects, const char *path)
{
	const char *folder = arena_printf(j->arena, "%s/../damaged", objects);
	const char *hex = arena_printf(j->arena, "%.2s%s", path, path + 3);

	log_line(LOG_LEVEL_ERROR,
	    "the object %s is damaged: moved to state.git/damaged; where nothing else has it, `vpnunit git fsck` "
	    "names what lacks it, and a clone can give it back",
	    hex);
	if (fs_mkdirs(j, folder, 0700) ||
	    fs_rename(j, arena_printf(j->arena, "%s/%s", objects, path),
		arena_printf(j->arena, "%s/%s", folder, hex)))
		return j->error;
	return fs_sync_dir(j, folder);
}

/* Names of loose objects as "xx/yyy...", NULL-terminated. */
static int list_loose(struct job *j, const char *objects, struct buf *out)
{
	const char *path, *end = NULL;
	unsigned i;
	char **names;

	buf_open(out, j->arena);
	for (i = 0; i < 256; i++) {
		if (fs_list(j, arena_printf(j->arena, "%s/%02x", objects, i), &names))
			return j->error;
		for (; *names; names++) {
			path = arena_printf(j->arena, "%02x/%s", i, *names);
			buf_add(out, &path, sizeof(path));
		}
	}
	buf_add(out, &end, sizeof(end));
	return 0;
}

/* Whose file does git complain of? How many were put aside. */
static int put_damaged_aside(struct job *j, const char *objects, const char *words, unsigned *n)
{
	struct buf list;
	char **path;

	if (list_loose(j, objects, &list))
		return j->error;
	for (path = (char **)(void *)list.data; *path; path++) {
		if (!strstr(words, arena_printf(j->arena, "objects/%s", *path)))
			continue;
		if (put_aside(j, objects, *path))
			return j->error;
		++*n;
	}
	return 0;
}

/*
 * We write no loose objects, but stock git may have, and what a power loss leaves of one makes libgit2 read for
 * ever.  git reads them all, and only them: what to look for beside them is the empty tree.
 */
static int check_loose(struct job *j, struct state *s, const char *objects)
{
	char *git_dir = arena_printf(j->arena, "--git-dir=%s", s->path);
	char *argv[] = { "git", git_dir, "fsck", "--no-full", "--no-dangling", "--no-reflogs",
		"--no-progress", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", NULL };
	unsigned n = 1;
	const char *words;
	struct buf list;
	bool is_fine;

	if (list_loose(j, objects, &list))
		return j->error;
	while (
	    n && *(char **)(void *)list.data) { /* only the first words are kept: once more for the others */
		n = 0;
		if (state_run_git(j, argv, &is_fine, &words) || put_damaged_aside(j, objects, words, &n))
			return j->error;
	}
	return 0;
}

static int sweep_objects(struct job *j, struct state *s, const char *objects)
{
	unsigned i;

	if (sweep(j, objects, false, is_leftover) ||
	    sweep(j, arena_printf(j->arena, "%s/info", objects), false, is_lock) ||
	    fs_sweep(j, arena_printf(j->arena, "%s/pack", objects)) ||
	    sweep(j, arena_printf(j->arena, "%s/pack", objects), false, is_leftover_pack))
		return j->error;
	for (i = 0; i < 256; i++) {
		if (sweep(j, arena_printf(j->arena, "%s/%02x", objects, i), false, is_empty_object))
			return j->error;
	}
	return check_loose(j, s, objects);
}

/* A push's temporary packs lie in a folder of its own. */
static bool is_temporary_pack(struct job *j, const char *path, const char *name, const struct stat *st)
{
	(void)j, (void)path, (void)st;
	return begins(name, "tmp_") || begins(name, ".tmp-");
}

int state_sweep_repack(struct job *j, struct state *s)
{
	return sweep(j, arena_printf(j->arena, "%s/objects/pack", s->path), false, is_temporary_pack);
}

/* A clone's HEAD is what HEAD was elsewhere; ours is main. */
static int heal_head(struct job *j, struct state *s)
{
	git_reference *head = NULL;
	const char *target = NULL;
	int rc;

	rc = git_reference_lookup(&head, s->repo, "HEAD");
	if (rc == 0)
		target = git_reference_symbolic_target(head);
	if (!target || strcmp(target, STATE_MAIN) != 0)
		rc = git_repository_set_head(s->repo, STATE_MAIN);
	git_reference_free(head);
	return rc < 0 ? state_fail(j, rc, "%s/HEAD", s->path) : 0;
}

static int heal_settings(struct job *j, struct state *s)
{
	bool changed;

	if (state_configure(j, s, &changed))
		return j->error;
	if (!changed)
		return 0;
	if (state_sync_file(j, arena_printf(j->arena, "%s/config", s->path)))
		return j->error;
	return fs_sync_dir(j, s->path);
}

static int heal_mode(struct job *j, const char *path)
{
	return chmod(path, 0700) ? job_fail_errno(j, "%s", path) : 0;
}

int state_heal(struct job *j, struct state *s)
{
	if (state_use(j, s) || heal_mode(j, s->path) || sweep(j, s->path, false, is_lock) ||
	    sweep(j, arena_printf(j->arena, "%s/refs", s->path), true, is_lock) ||
	    sweep_objects(j, s, arena_printf(j->arena, "%s/objects", s->path)) ||
	    state_make_fanout(j, s->path) || heal_settings(j, s) || heal_head(j, s))
		return j->error;
	state_let_go(s); /* it may know objects and settings that are no more */
	return 0;
}
