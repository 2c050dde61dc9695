/*
 * Work of stock git on the repository: `git repack` keeps the number of packs
 * small, since every publish adds one and every look for a new object asks
 * them all; `git fsck` says whether everything is there and well-formed.
 */
#include <assert.h>
#include <sched.h>
#include <string.h>

#include "base/fs.h"
#include "state/state_int.h"

enum { PACKS = 20, FSCK_TRIES = 3 };

static int count_packs(struct job *j, const char *path, size_t *out)
{
	char **names;

	if (fs_list(j, arena_printf(j->arena, "%s/objects/pack", path), &names))
		return j->error;
	for (; *names; names++) {
		const char *dot = strrchr(*names, '.');

		*out += dot && strcmp(dot, ".pack") == 0;
	}
	return 0;
}

int state_end_repack(struct job *j, struct state *s)
{
	const char *words;
	bool is_fine;

	if (!s->repack.pid)
		return 0;
	assert(s->fresh_n == 0); /* what is staged would be lost */
	if (state_end_git(j, &s->repack, &is_fine, &words))
		return j->error;
	state_let_go(s); /* libgit2 keeps deleted packs open */
	if (is_fine || state_sweep_repack(j, s))
		return j->error;
	return job_fail(j, E_IO, "io", "git repack failed: %s", words);
}

int state_repack(struct job *j, struct state *s)
{
	char *git_dir = arena_printf(j->arena, "--git-dir=%s", s->path);
	char *argv[] = { "git", git_dir, "repack", "--geometric=2", "-d", "-q", "-n", NULL };
	size_t packs = 0;

	if (s->repack.pid && state_git_runs(&s->repack))
		return 0;
	if (state_end_repack(j, s) || count_packs(j, s->path, &packs))
		return j->error;
	if (packs <= PACKS || state_start_git(j, argv, &s->repack))
		return j->error;
	/* Changes go first: it takes what they leave of the processors.  Where that is not allowed it runs as they do. */
	sched_setscheduler(s->repack.pid, SCHED_IDLE, &(struct sched_param){ .sched_priority = 0 });
	return 0;
}

int state_fsck(struct job *j, struct state *s, const char **words)
{
	char *git_dir = arena_printf(j->arena, "--git-dir=%s", s->path);
	char *argv[] = { "git", git_dir, "fsck", "--strict", "--full", "--no-dangling", "--no-progress",
		NULL };
	bool is_fine = false;
	int tries;

	/* A repack meanwhile takes packs away under its eyes: what is broken stays so. */
	for (tries = 0; tries < FSCK_TRIES && !is_fine; tries++)
		if (state_run_git(j, argv, &is_fine, words))
			return j->error;
	if (is_fine)
		*words = NULL;
	return 0;
}
