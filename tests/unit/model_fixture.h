/* A small model for tests: network.json and server of state/init, users put by hand. */
#ifndef MODEL_FIXTURE_H
#define MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/json.h"
#include "model/plan.h"

static void put(struct job *j, struct model *m, const char *path, const char *text)
{
	if (model_put(j, m, path, text, strlen(text)))
		fail_msg("%s", j->message);
}

static void put_file(struct job *j, struct model *m, const char *path, const char *from)
{
	struct buf b;

	buf_open(&b, j->arena);
	assert_int_equal(fs_read(j, from, 1 << 20, &b), 0);
	put(j, m, path, b.data);
}

static struct model *fixture_model(struct job *j)
{
	struct model *m = model_open();

	put_file(j, m, "format", "state/init/format");
	put_file(j, m, "network.json", "state/init/network.json");
	put_file(j, m, "servers/main.json", "state/init/servers/main.json");
	return m;
}

/* A certificate's ledger entry without a real certificate in it: the model does not look inside. */
static void put_certificate(struct job *j, struct model *m, const char *serial, const char *device, const char *kind,
    int64_t not_before, int64_t not_after)
{
	struct certificate c = { .name = "x.example.org", .generation = 1, .not_before = not_before,
		.not_after = not_after, .der = (const uint8_t *)"der", .der_len = 3 };
	char path[MODEL_PATH_MAX];
	struct buf b;

	memcpy(c.device.hex, device, ID128_HEX);
	c.kind = strcmp(kind, "ca") == 0 ? CERTIFICATE_CA : CERTIFICATE_GATEWAY;
	buf_open(&b, j->arena);
	model_encode_certificate(&b, &c);
	model_ledger_path(ENTITY_CERTIFICATE, serial, not_before, path);
	put(j, m, path, b.data);
}

static inline void put_plan(struct job *j, struct model *m, const struct plan *p)
{
	const struct plan_file *f;

	for (f = p->files; f; f = f->next)
		if (f->data ? model_put(j, m, f->path, f->data, f->len) : model_remove(j, m, f->path))
			fail_msg("%s", j->message);
}

#endif
