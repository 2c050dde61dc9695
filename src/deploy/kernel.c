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
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { LOCK_MS = 20000, LOCK_STEP_MS = 20 };

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

static const char *kernel_apply(
    struct job *j, const char *data, const struct target *t, const struct record *old)
{
	const char *digest;
	struct routes routes;
	bool has_routes = kernel_tried(j, routes_compare(j, data, t, &routes)), has_tun;

	if (has_routes)
		kernel_tried(j, routes_apply(j, &routes.removals));
	has_tun = kernel_tried(j, tun_make(j, t));
	if (!kernel_tried(j, ruleset_load(j, data, old, &digest)))
		return "";
	kernel_tried(j, tun_forward(j));
	if (has_routes && has_tun)
		kernel_tried(j, routes_apply(j, &routes.additions));
	return digest;
}

static const char **kernel_warnings(struct job *j)
{
	const char *end = NULL;
	struct buf list;

	buf_open(&list, j->arena);
	for (const struct job_detail *w = j->warnings; w; w = w->next)
		buf_add(&list, &w->text, sizeof(w->text));
	buf_add(&list, &end, sizeof(end));
	return (const char **)(void *)list.data;
}

static int kernel_run(struct job *j, const char *data)
{
	struct target t;
	struct record old, now = { .boot = kernel_boot(j) };

	if (target_read(j, data, &t))
		return j->error;
	record_read(j, data, &old);
	if (strcmp(old.boot, now.boot))
		old.firewall = "";
	now.firewall = kernel_apply(j, data, &t, &old);
	now.warnings = kernel_warnings(j);
	memcpy(now.commit, t.commit, OID_HEX);
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
