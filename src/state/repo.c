/*
 * The handle on the state repository: libgit2's options, opening by exact
 * path, who may open it, errors.  Takes nothing from the environment: no
 * GIT_DIR, no search in parents, no configuration but the repository's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "state/state_int.h"

enum {
	STAGING_PRIORITY = 999, /* above packs and loose objects: it gets every write */
	USER_BUFFER = 4096,
	CACHE_BYTES = 16 * 1024 * 1024,
	WINDOW_BYTES = 1024 * 1024,
};

static void require(int rc, const char *what)
{
	const git_error *e = git_error_last();

	if (rc >= 0)
		return;
	log_line(LOG_LEVEL_ERROR, "libgit2: %s: %s", what, e ? e->message : "failed");
	abort();
}

void state_start(void)
{
	static const git_config_level_t outside[] = {
		GIT_CONFIG_LEVEL_SYSTEM,
		GIT_CONFIG_LEVEL_XDG,
		GIT_CONFIG_LEVEL_GLOBAL,
	};
	/* The defaults keep no blob and no folder of a hundred entries. */
	static const struct {
		git_object_t type;
		size_t bytes;
	} caches[] = {
		{ GIT_OBJECT_TREE, 128 * 1024 },
		{ GIT_OBJECT_COMMIT, 16 * 1024 },
		{ GIT_OBJECT_BLOB, 8 * 1024 },
	};
	size_t i;

	require(git_libgit2_init(), "init");
	/* First of all: a repository keeps the flag that it saw when it was opened. */
	require(git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1), "fsync");
	require(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1), "strict objects");
	require(git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1), "owner validation");
	/* Its own bounds are 256 MB and 8 GB: more than a network of 100,000 gateways needs in all. */
	require(git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_BYTES), "cache");
	require(git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW_BYTES), "windows");
	require(git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)CACHE_BYTES), "windows");
	for (i = 0; i < sizeof(caches) / sizeof(caches[0]); i++)
		require(git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, caches[i].type, caches[i].bytes),
		    "cache");
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		require(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, outside[i], ""), "search path");
}

void state_stop(void)
{
	git_libgit2_shutdown();
}

/* libgit2 keeps of errno only its words. */
static const char *io_code(const char *words)
{
	return strstr(words, strerrordesc_np(ENOSPC)) || strstr(words, strerrordesc_np(EDQUOT)) ? "disk_full"
												: "io";
}

/* libgit2 takes for missing what it could not open. */
static bool has_descriptors(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int state_fail(struct job *j, int rc, const char *fmt, ...)
{
	const git_error *e = git_error_last();
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	if (rc == GIT_ELOCKED)
		return job_fail(j, E_BUSY, "locked", "%s: %s", text, e ? e->message : "locked");
	if (e &&
	    (e->klass == GIT_ERROR_OS || e->klass == GIT_ERROR_FILESYSTEM || e->klass == GIT_ERROR_NOMEMORY))
		return job_fail(j, E_IO, io_code(e->message), "%s: %s", text, e->message);
	if (!has_descriptors())
		return job_fail_errno(j, "%s", text);
	return job_fail(j, E_CORRUPT, "state_corrupt",
	    "%s: %s (damaged, or the disk cannot be read: `vpnunit git fsck` says more)", text,
	    e ? e->message : "unknown error");
}

static const char *user_name(struct job *j, uid_t uid)
{
	char buffer[USER_BUFFER];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(uid, &pw, buffer, sizeof(buffer), &found) != 0 || !found)
		return arena_printf(j->arena, "#%u", (unsigned)uid);
	return arena_strdup(j->arena, found->pw_name);
}

int state_check_owner(struct job *j, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return job_fail(j, E_NOT_FOUND, "no_state",
			    "%s: there is no state repository; `vpnunit init` makes one", path);
		if (errno == EACCES)
			return job_fail(j, E_DENIED, "wrong_owner",
			    "%s: %s may not look there; run this as the user that the service runs as", path,
			    user_name(j, geteuid()));
		return job_fail_errno(j, "%s", path);
	}
	if (st.st_uid == geteuid())
		return 0;
	return job_fail(j, E_DENIED, "wrong_owner",
	    "%s belongs to %s (uid %u) and this runs as %s (uid %u): run it as its owner (sudo -u %s ...)",
	    path, user_name(j, st.st_uid), (unsigned)st.st_uid, user_name(j, geteuid()), (unsigned)geteuid(),
	    user_name(j, st.st_uid));
}

/* The backend that reads packs is the only one that a refresh means something to. */
static int find_packs(struct job *j, struct state *s)
{
	git_odb_backend *b = NULL;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && !s->packs && i < git_odb_num_backends(s->odb); i++) {
		rc = git_odb_get_backend(&b, s->odb, i);
		if (rc == 0 && b->refresh)
			s->packs = b;
	}
	return rc == 0 && s->packs ? 0 : state_fail(j, rc, "%s: cannot find its packs", s->path);
}

static int open_handles(struct job *j, struct state *s)
{
	const unsigned flags = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE |
	    GIT_REPOSITORY_OPEN_NO_DOTGIT;
	git_odb_backend *staging = NULL;
	int rc;

	rc = git_repository_open_ext(&s->repo, s->path, flags, NULL);
	if (rc == GIT_ENOTFOUND)
		return job_fail(j, E_NOT_FOUND, "no_state", "%s is not a git repository", s->path);
	if (rc < 0)
		return state_fail(j, rc, "%s: cannot open the state repository", s->path);
	if ((rc = git_repository_set_ident(s->repo, "vpnunit", "vpnunit@vpnunit")) < 0 ||
	    (rc = git_repository_odb(&s->odb, s->repo)) < 0 || (rc = git_mempack_new(&staging)) < 0)
		return state_fail(j, rc, "%s: cannot open its objects", s->path);
	rc = git_odb_add_backend(s->odb, staging, STAGING_PRIORITY);
	if (rc < 0) {
		staging->free(staging);
		return state_fail(j, rc, "%s: cannot stage objects", s->path);
	}
	s->staging = staging;
	return find_packs(j, s);
}

int state_use(struct job *j, struct state *s)
{
	if (s->repo)
		return 0;
	if (state_check_owner(j, s->path) || open_handles(j, s)) {
		state_let_go(s);
		return j->error;
	}
	return 0;
}

void state_let_go(struct state *s)
{
	state_forget_staged(s);
	git_odb_free(s->odb);
	git_repository_free(s->repo);
	s->repo = NULL;
	s->odb = NULL;
	s->staging = NULL;
	s->packs = NULL;
	s->fresh_n = s->staged_bytes = 0;
}

int state_open(struct job *j, const char *path, struct state **out)
{
	struct state *s = mem_zalloc(sizeof(*s));

	s->path = mem_strdup(path);
	s->replaced = -1;
	if (state_use(j, s)) {
		state_close(s);
		return j->error;
	}
	*out = s;
	return 0;
}

void state_close(struct state *s)
{
	struct job j;

	if (!s)
		return;
	job_open(&j);
	state_end_repack(&j, s); /* it has cleared up after itself; the next start tries again */
	job_close(&j);
	state_let_go(s);
	state_rest(s);
	free(s->fresh);
	free(s->path);
	free(s);
}
