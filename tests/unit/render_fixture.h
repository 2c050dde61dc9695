/*
 * What the tests of render and query share: a data folder whose model moves by
 * real changes, with real certificates, and is rendered after each of them.
 */
#ifndef RENDER_FIXTURE_H
#define RENDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/fs.h"
#include "change/change.h"
#include "render/render.h"

#define WORLD_KEY "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

struct world {
	struct job job;
	char dir[40];
	const char *data;        /* dir/data */
	struct pki *pki;
	struct model *model;
	struct render *render;
	unsigned commits, devices;
	char commit[OID_HEX];
};

#define world_check(w, expression) \
	do { \
		if (expression) \
			fail_msg("%s: %s: %s", #expression, (w)->job.code, (w)->job.message); \
	} while (0)

static inline const char *world_path(struct world *w, const char *name)
{
	return arena_printf(w->job.arena, "%s/%s", w->data, name);
}

static inline const char *world_read(struct world *w, const char *name)
{
	struct buf b;

	if (fs_read(&w->job, world_path(w, name), 1 << 24, &b)) {
		job_clear(&w->job);
		return NULL;
	}
	return b.data;
}

static inline void world_write(struct world *w, const char *name, const char *text)
{
	world_check(w, fs_write(&w->job, world_path(w, name), text, strlen(text), 0600));
}

static inline void world_put(struct world *w, struct model *m, const char *path, const char *text)
{
	world_check(w, model_put(&w->job, m, path, text, strlen(text)));
}

static inline const char *world_new_commit(struct world *w)
{
	snprintf(w->commit, sizeof(w->commit), "%040x", ++w->commits);
	return w->commit;
}

static inline void world_render_full(struct world *w)
{
	world_check(w, render_stage(&w->job, w->render, w->model, w->commit));
	world_check(w, render_promote(&w->job, w->render));
}

static inline void world_put_plan(struct world *w, struct model *m, const struct plan *p)
{
	const struct plan_file *f;

	for (f = p->files; f; f = f->next)
		world_check(w, f->data ? model_put(&w->job, m, f->path, f->data, f->len)
				       : model_remove(&w->job, m, f->path));
}

/* One change of the line: a fork that holds it, not yet staged. */
static inline struct model *world_plan(struct world *w, const struct change *ch)
{
	struct model *fork = model_fork(w->model);
	struct plan *plan;

	world_check(w, change_plan(&w->job, fork, ch, &plan));
	world_check(w, pki_issue(&w->job, w->pki, fork, plan, NULL));
	world_put_plan(w, fork, plan);
	world_check(w, model_check(&w->job, fork));
	world_new_commit(w);
	return fork;
}

/* The change, rendered incrementally, and the model moved on. */
static inline void world_do(struct world *w, const struct change *ch)
{
	struct model *fork = world_plan(w, ch);

	world_check(w, render_stage(&w->job, w->render, fork, w->commit));
	world_check(w, render_promote(&w->job, w->render));
	model_absorb(w->model, fork);
}

static inline struct change world_change(struct world *w, enum change_kind kind, const char *name)
{
	struct change ch = { .kind = kind, .actor = "tester", .request_id = "", .reason = "a test", .name = name };

	ch.now = w->job.now;
	snprintf(ch.device.hex, sizeof(ch.device.hex), "%032x", ++w->devices);
	return ch;
}

static inline void world_add_user(struct world *w, const char *name)
{
	struct change ch = world_change(w, CHANGE_USER_CREATE, name);

	world_do(w, &ch);
}

static inline void world_add_gateway(struct world *w, const char *name, const char *user)
{
	struct change ch = world_change(w, CHANGE_GATEWAY_CREATE, name);

	ch.user = user;
	world_do(w, &ch);
}

static inline void world_enable(struct world *w, enum change_kind kind, const char *name, bool enabled)
{
	struct change ch = world_change(w, kind, name);

	ch.has_enabled = true;
	ch.enabled = enabled;
	world_do(w, &ch);
}

static inline void world_delete(struct world *w, enum change_kind kind, const char *name)
{
	struct change ch = world_change(w, kind, name);

	ch.cascade = true;
	world_do(w, &ch);
}

static inline void world_renew(struct world *w, const char *name, bool revoke_old)
{
	struct change ch = world_change(w, CHANGE_GATEWAY_RENEW, name);

	ch.force = true;
	ch.revoke_old = revoke_old;
	world_do(w, &ch);
}

/* The first commit: network and server of state/init, a CA and the server's certificate. */
static inline void world_initialise(struct world *w, const char *network, const char *server)
{
	struct model *defaults = model_open();
	struct change_init in = { .actor = "tester" };
	char fingerprint[PKI_FINGERPRINT];
	struct plan *plan;

	in.now = w->job.now;
	world_put(w, defaults, "network.json", network);
	world_put(w, defaults, "servers/main.json", server);
	in.network = *model_network(defaults);
	in.server = *model_server(defaults);
	snprintf(in.server.device.hex, sizeof(in.server.device.hex), "%032x", ++w->devices);
	pki_fingerprint(w->pki, fingerprint);
	in.network.master_key = fingerprint;
	world_check(w, change_plan_init(&w->job, &in, &plan));
	world_check(w, pki_issue(&w->job, w->pki, w->model, plan, NULL));
	world_put_plan(w, w->model, plan);
	world_check(w, model_check(&w->job, w->model));
	world_new_commit(w);
	model_close(defaults);
}

static inline const char *world_read_tree(struct world *w, const char *path)
{
	struct buf b;

	world_check(w, fs_read(&w->job, path, 1 << 20, &b));
	return b.data;
}

/* A folder and a key; no state yet, nothing rendered. */
static inline void world_begin(struct world *w)
{
	const char *key;

	*w = (struct world){ .dir = "/tmp/test-render-XXXXXX" };
	job_open(&w->job);
	assert_non_null(mkdtemp(w->dir));
	w->data = arena_printf(w->job.arena, "%s/data", w->dir);
	key = arena_printf(w->job.arena, "%s/master.key", w->dir);
	world_check(w, fs_write(&w->job, key, WORLD_KEY, strlen(WORLD_KEY), 0600));
	world_check(w, pki_open(&w->job, key, &w->pki));
	w->model = model_open();
}

static inline void world_open(struct world *w)
{
	world_begin(w);
	world_initialise(w, world_read_tree(w, "state/init/network.json"),
	    world_read_tree(w, "state/init/servers/main.json"));
	world_check(w, render_open(&w->job, w->data, (gid_t)-1, w->pki, &w->render));
	world_render_full(w);
}

static inline void world_close(struct world *w)
{
	render_close(w->render);
	model_close(w->model);
	pki_close(w->pki);
	assert_int_equal(fs_remove_tree(&w->job, w->dir), 0);
	job_close(&w->job);
}

/* Run a shell line in the data folder; all that it said, and its exit status. */
static inline int world_shell(struct world *w, const char *line, const char **said)
{
	FILE *p = popen(arena_printf(w->job.arena, "cd %s && { %s; } 2>&1", w->data, line), "r");
	char part[4096];
	struct buf b;
	size_t n;

	assert_non_null(p);
	buf_open(&b, w->job.arena);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		buf_add(&b, part, n);
	*said = b.data;
	return pclose(p);
}

/* It ends with 0. */
static inline const char *world_run(struct world *w, const char *line)
{
	const char *said;

	if (world_shell(w, line, &said))
		fail_msg("%s: %s", line, said);
	return said;
}

static inline void assert_says(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text ? text : "(no file)");
}

/* What differs from the model, one line a difference; "" for nothing. */
static inline const char *world_drift(struct world *w)
{
	char **lines;
	struct buf b;

	world_check(w, render_check(&w->job, w->render, w->model, w->commit, &lines));
	buf_open(&b, w->job.arena);
	for (; *lines; lines++)
		buf_printf(&b, "%s\n", *lines);
	return b.data;
}

#endif
