/*
 * `vpnunit deploy`: makes the kernel equal to what is rendered in DATA.  Reads
 * state.json, ip/routes and firewall/nftables.conf, nothing else: no git, no
 * master key.  What can't be done is a warning, in the job and in
 * deployed.json; the rest is done all the same.
 *
 * The order takes access away first: stale routes, then the firewall, and only
 * when that is in force new routes and forwarding.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { LOCK_MS = 20000, LOCK_STEP_MS = 20, DRIFT_MAX = 50 };

/* The failure becomes a warning; true when there was none. */
static bool kernel_tried(struct job *j, int error)
{
	if (error) {
		job_warn(j, "%s", j->message);
		job_clear(j);
	}
	return !error;
}

/* What root makes below DATA belongs to whom DATA belongs: the service has to be able to use it. */
static void kernel_hand_over(const char *data, const char *path)
{
	struct stat st;

	if (geteuid() == 0 && stat(data, &st) == 0 && lchown(path, st.st_uid, st.st_gid))
		return; /* then it is readable at least */
}

/* Two runs never mix: the second waits for the first. */
static int kernel_lock(struct job *j, const char *data, int *fd)
{
	const char *run = arena_printf(j->arena, "%s/run", data);
	const char *path = arena_printf(j->arena, "%s/deploy.lock", run);
	int64_t end = time_monotonic_ms() + LOCK_MS;
	bool is_new = !fs_exists(path);
	int error;

	if (!fs_exists(run)) {
		if (fs_mkdirs(j, run, 0750))
			return j->error;
		kernel_hand_over(data, run);
	}
	while ((error = fs_lock(j, path, fd)) == E_BUSY && time_monotonic_ms() < end) {
		job_clear(j);
		usleep(LOCK_STEP_MS * 1000);
	}
	if (!error && is_new)
		kernel_hand_over(data, path);
	return error;
}

/* The id of this boot: what was loaded in an earlier one is gone. */
static const char *kernel_boot(struct job *j)
{
	char *id = arena_alloc(j->arena, 64);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, id, 63);

	if (fd >= 0)
		close(fd);
	id[n > 36 ? 36 : n > 0 ? n : 0] = '\0';
	return id;
}

static const char **kernel_end_list(struct buf *list)
{
	const char *end = NULL;

	buf_add(list, &end, sizeof(end));
	return (const char **)(void *)list->data;
}

/* One line a route that a command is about; a flushed table of routes need not fill the record. */
static void drift_add_routes(struct job *j, struct buf *drift, const char *kind, const struct buf *commands)
{
	static const char verb[] = "route add ";
	char *rest = arena_strdup(j->arena, commands->data), *line, *end;
	const char *text;
	unsigned n = 0;

	while ((line = strsep(&rest, "\n")))
		if (*line && ++n <= DRIFT_MAX) {
			end = strstr(line, " proto ");
			text = arena_printf(j->arena, "%s route %.*s", kind,
			    (int)(end - line) - (int)strlen(verb), line + strlen(verb));
			buf_add(drift, &text, sizeof(text));
		}
	if (n > DRIFT_MAX) {
		text = arena_printf(j->arena, "%s routes: %u more", kind, n - DRIFT_MAX);
		buf_add(drift, &text, sizeof(text));
	}
}

static void drift_add_rules(struct buf *drift)
{
	static const char *const text = "changed table inet vpnunit";

	buf_add(drift, &text, sizeof(text));
}

static void kernel_apply(
    struct job *j, const char *data, const struct target *t, const struct record *old, struct record *now)
{
	bool has_routes, has_tun, has_drift = false;
	struct routes routes;
	struct buf drift;

	buf_open(&drift, j->arena);
	has_routes = kernel_tried(j, routes_compare(j, data, t, &routes));
	if (has_routes) {
		drift_add_routes(j, &drift, "foreign", &routes.removals);
		drift_add_routes(j, &drift, "missing", &routes.additions);
		kernel_tried(j, routes_apply(j, &routes.removals));
	}
	has_tun = kernel_tried(j, tun_make(j, t));
	if (kernel_tried(j, ruleset_load(j, data, old, now, &has_drift))) {
		kernel_tried(j, tun_forward(j));
		if (has_routes && has_tun)
			kernel_tried(j, routes_apply(j, &routes.additions));
	}
	if (has_drift)
		drift_add_rules(&drift);
	now->drift = kernel_end_list(&drift);
}

static const char **kernel_warnings(struct job *j)
{
	struct buf list;

	buf_open(&list, j->arena);
	for (const struct job_detail *w = j->warnings; w; w = w->next)
		buf_add(&list, &w->text, sizeof(w->text));
	return kernel_end_list(&list);
}

/* Is this commit in force since an earlier run, so that whatever differs is somebody else's doing? */
static bool kernel_is_repair(const struct record *old, const struct record *now)
{
	return !strcmp(old->commit, now->commit) && !strcmp(old->boot, now->boot) && !*old->warnings;
}

static void kernel_log_drift(const struct record *old, const struct record *now)
{
	const char **d, **known;

	for (d = now->drift; *d; d++) {
		for (known = old->drift; *known && strcmp(*known, *d) != 0; known++)
			;
		if (!*known)
			log_line(LOG_LEVEL_WARNING, "drift: %s: repaired", *d);
	}
}

static int kernel_run(struct job *j, const char *data)
{
	static const char *const none[] = { NULL };
	struct target t;
	struct record old, now = { .boot = kernel_boot(j) };

	if (target_read(j, data, &t))
		return j->error;
	record_read(j, data, &old);
	if (strcmp(old.boot, now.boot))
		old.firewall = old.rules = "";
	memcpy(now.commit, t.commit, OID_HEX);
	kernel_apply(j, data, &t, &old, &now);
	now.warnings = kernel_warnings(j);
	if (!kernel_is_repair(&old, &now))
		now.drift = (const char **)(void *)none;
	kernel_log_drift(&old, &now);
	if (kernel_tried(j, record_write(j, data, &now)))
		kernel_hand_over(data, arena_printf(j->arena, "%s/deployed.json", data));
	return 0;
}

int kernel_once(struct job *j, const char *data)
{
	int error, fd = -1;

	error = kernel_lock(j, data, &fd);
	if (error)
		return error;
	error = kernel_run(j, data);
	close(fd);
	return error;
}
