/*
 * Hooks: hooks/post-commit of the state repository and then whatever the
 * administrator put into hooks/post-commit.d/.  They get a few environment
 * variables and no arguments, no descriptors, and but for hooks/expiring no input.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "deploy/deploy_int.h"

enum { HOOK_OUTPUT_MAX = 64 * 1024 };

/* Filled in by hooks.S. */
extern const char hook_post_commit[], hook_mirror_example[], hook_expiring_example[];

/* Beside the hook that it may become; once that is there, no more. */
static int install_example(struct job *j, const char *hook)
{
	const char *example = arena_printf(j->arena, "%s.example", hook);

	if (fs_exists(hook) || fs_exists(example))
		return 0;
	return fs_write_durable(j, example, hook_expiring_example, strlen(hook_expiring_example), 0644);
}

int deploy_install(struct job *j, const char *data)
{
	const char *hooks = arena_printf(j->arena, "%s/state.git/hooks", data);
	const char *post = arena_printf(j->arena, "%s/post-commit", hooks);
	const char *folder = arena_printf(j->arena, "%s/post-commit.d", hooks);
	const char *example = arena_printf(j->arena, "%s/mirror.example", folder);

	if (fs_mkdirs(j, hooks, 0755) ||
	    fs_write_durable(j, post, hook_post_commit, strlen(hook_post_commit), 0755) ||
	    install_example(j, arena_printf(j->arena, "%s/expiring", hooks)))
		return j->error;
	/* From its first day on the folder is the administrator's, the example in it too. */
	if (fs_exists(folder))
		return 0;
	if (fs_mkdirs(j, folder, 0755))
		return j->error;
	return fs_write_durable(j, example, hook_mirror_example, strlen(hook_mirror_example), 0644);
}

/* Backups of editors and of package managers are executable too, and not meant. */
static bool hook_is_name(const char *name)
{
	static const char *const suffixes[] = {
		".bak",
		".example",
		".old",
		".orig",
		".rej",
		".save",
		".sample",
		".swp",
		".tmp",
		".dpkg-dist",
		".dpkg-new",
		".dpkg-old",
		".dpkg-tmp",
		".disabled",
	};
	size_t len = strlen(name);

	if (name[0] == '.' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") < len)
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len >= n && !strcmp(name + len - n, suffixes[i]))
			return false;
	}
	return true;
}

static bool hook_is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static void hooks_add(struct buf *list, const char *path)
{
	if (hook_is_executable(path))
		buf_add(list, &path, sizeof(path));
}

static int hooks_list_folder(struct job *j, const char *folder, struct buf *list)
{
	char **names;
	int error = fs_list(j, folder, &names);

	if (error)
		return error;
	for (; *names; names++)
		if (hook_is_name(*names))
			hooks_add(list, arena_printf(j->arena, "%s/%s", folder, *names));
	return 0;
}

int hooks_list(struct job *j, const char *data, enum hook_set set, char ***paths)
{
	const char *hooks = arena_printf(j->arena, "%s/state.git/hooks", data);
	char *end = NULL;
	struct buf list;
	int error = 0;

	buf_open(&list, j->arena);
	if (set == HOOK_OTHERS)
		error = hooks_list_folder(j, arena_printf(j->arena, "%s/post-commit.d", hooks), &list);
	else
		hooks_add(&list,
		    arena_printf(j->arena, "%s/%s", hooks, set == HOOK_KERNEL ? "post-commit" : "expiring"));
	buf_add(&list, &end, sizeof(end));
	*paths = (char **)(void *)list.data;
	return error;
}

/* The program that runs; after an upgrade in place, the new one under the same name. */
const char *hook_binary(struct job *j)
{
	static const char gone[] = " (deleted)";
	char *path = arena_alloc(j->arena, PATH_MAX);
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	size_t n = strlen(gone);

	if (len <= 0)
		return "vpnunit";
	if ((size_t)len > n && !strcmp(path + len - n, gone))
		path[(size_t)len - n] = '\0';
	return path;
}

static const char **hook_environment(struct job *j, const struct hook_run *r, const char *data)
{
	const char **env = arena_alloc(j->arena, 8 * sizeof(*env));
	const char *home = getenv("HOME");

	env[0] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	env[1] = arena_printf(j->arena, "HOME=%s", home ? home : "/");
	env[2] = arena_printf(j->arena, "VPNUNIT_DATA=%s", data);
	env[3] = arena_printf(j->arena, "VPNUNIT_BIN=%s", hook_binary(j));
	env[4] = arena_printf(j->arena, "VPNUNIT_OLD=%s", r->old_commit);
	env[5] = arena_printf(j->arena, "VPNUNIT_NEW=%s", r->new_commit);
	env[6] = arena_printf(j->arena, "GIT_DIR=%s/state.git", data);
	return env;
}

/* What it wrote goes to the log, line by line; the last line explains a failure. */
static const char *hook_log(const char *name, char *output, enum log_level level)
{
	const char *last = "";
	char *line;

	while ((line = strsep(&output, "\n")))
		if (*line) {
			log_line(level, "%s: %s", name, line);
			last = line;
		}
	return last;
}

static enum hook_outcome hook_run_one(struct job *j, const struct child *c, const char **detail)
{
	const char *name = strrchr(c->path, '/') + 1, *last;
	struct buf output;
	int status;

	if (child_run(j, c, &status, &output)) {
		*detail = j->message;
		log_line(LOG_LEVEL_WARNING, "hook %s: %s", name, j->message);
		job_clear(j);
		return HOOK_FAILED;
	}
	last = hook_log(name, output.data, status ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
	if (status == 0 || status == HOOK_LEFT)
		return status ? HOOK_LATER : HOOK_DONE;
	if (status == CHILD_TIMED_OUT)
		*detail = arena_printf(
		    j->arena, "the hook %s took longer than %d s and was ended", name, c->timeout_ms / 1000);
	else
		*detail = arena_printf(j->arena, "the hook %s ended with exit code %d%s%s", name, status,
		    *last ? ": " : "", last);
	log_line(LOG_LEVEL_WARNING, "%s", *detail);
	return HOOK_FAILED;
}

enum hook_outcome hooks_run(struct job *j, const struct hook_run *r, enum hook_set set, const char **detail)
{
	enum hook_outcome outcome = HOOK_DONE;
	char **paths, *data = realpath(r->data, NULL);
	const char **env;

	if (!data || hooks_list(j, data, set, &paths)) {
		*detail = data ? j->message : "the data folder is gone";
		job_clear(j);
		free(data);
		return HOOK_FAILED;
	}
	env = hook_environment(j, r, data);
	/* One that fails doesn't keep the next from running; the first failure is what is told. */
	for (; *paths; paths++) {
		const char *argv[] = { *paths, NULL }, *failed = "";
		const struct child c = { .path = *paths,
			.argv = argv,
			.env = env,
			.input = r->input,
			.input_len = r->input ? strlen(r->input) : 0,
			.output_max = HOOK_OUTPUT_MAX,
			.cwd = arena_printf(j->arena, "%s/state.git", data),
			.timeout_ms = r->timeout_ms,
			.stop_fd = r->stop_fd,
			.hidden = r->hidden };
		enum hook_outcome one = hook_run_one(j, &c, &failed);

		if (one == HOOK_FAILED && outcome != HOOK_FAILED)
			*detail = failed;
		if (one > outcome)
			outcome = one;
	}
	free(data);
	return outcome;
}
