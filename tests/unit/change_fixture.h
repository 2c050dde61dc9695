/* A model with a CA, changes that are planned and put into it, as the writer would. */
#ifndef CHANGE_FIXTURE_H
#define CHANGE_FIXTURE_H

#include <stdio.h>

#include "change/change.h"
#include "model_fixture.h"

enum { DAY = 86400 };
static const int64_t NOW = 1800000000;

static struct job j;
static struct model *m;
static unsigned serials;

static int set_up(void **state)
{
	(void)state;
	job_open(&j);
	m = fixture_model(&j);
	serials = 0;
	put_certificate(&j, m, "4f000000000000000000000000000000", "00000000000000000000000000000000", "ca", NOW - DAY,
	    NOW + 3650 * (int64_t)DAY);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	model_close(m);
	job_close(&j);
	return 0;
}

static inline struct change change(enum change_kind kind, const char *name)
{
	static unsigned devices;
	struct change ch = { .kind = kind, .actor = "admin", .request_id = "", .reason = "", .now = NOW, .name = name };

	snprintf(ch.device.hex, sizeof(ch.device.hex), "%032x", ++devices);
	return ch;
}

static void put_issue(const struct plan_issue *i)
{
	struct certificate c = { .device = i->device, .kind = i->kind, .name = i->name, .generation = 1,
		.not_before = i->not_before, .not_after = i->not_after, .der = (const uint8_t *)"der", .der_len = 3 };
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, j.arena);
	model_encode_certificate(&b, &c);
	model_ledger_path(ENTITY_CERTIFICATE, arena_printf(j.arena, "40%030x", ++serials), i->not_before, path);
	put(&j, m, path, b.data);
}

/* Plan and apply, certificates too, as the writer would. */
static inline struct plan *done(const struct change *ch)
{
	struct plan_issue *i;
	struct plan *p;

	if (change_plan(&j, m, ch, &p))
		fail_msg("%s: %s", j.code, j.message);
	put_plan(&j, m, p);
	for (i = p->issues; i; i = i->next)
		put_issue(i);
	assert_int_equal(model_check(&j, m), 0);
	return p;
}

static inline void refused(const struct change *ch, int error, const char *code)
{
	struct plan *p;

	assert_int_equal(change_plan(&j, m, ch, &p), error);
	assert_string_equal(j.code, code);
	job_clear(&j);
}

static inline struct plan *create_user(const char *name, const char *id)
{
	struct change ch = change(CHANGE_USER_CREATE, name);

	ch.id = id;
	return done(&ch);
}

static inline struct plan *create_gateway(const char *name, const char *user)
{
	struct change ch = change(CHANGE_GATEWAY_CREATE, name);

	ch.user = user;
	return done(&ch);
}

static inline const struct plan_file *file(const struct plan *p, const char *path)
{
	const struct plan_file *f;

	for (f = p->files; f; f = f->next)
		if (strncmp(f->path, path, strlen(path)) == 0)
			return f;
	return NULL;
}

#endif
