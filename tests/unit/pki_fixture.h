/*
 * What the tests of src/pki share: a folder, a fixed master key, a model that
 * grows by the plans that pki issued, and the openssl program beside it.
 */
#ifndef PKI_FIXTURE_H
#define PKI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fs.h"
#include "pki/pki.h"

#define FIXTURE_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define FIXTURE_FINGERPRINT "sha256:6fa2715efee12f0365d3760f03911b12"

enum { FIXTURE_DAY = 86400 };

struct fixture {
	struct job job;
	char dir[32];
	struct pki *pki;
	struct model *model;
	unsigned devices;
};

static inline const char *fixture_path(struct fixture *f, const char *name)
{
	return arena_printf(f->job.arena, "%s/%s", f->dir, name);
}

static inline const char *fixture_write(struct fixture *f, const char *name, const char *text)
{
	const char *path = fixture_path(f, name);

	assert_int_equal(fs_write(&f->job, path, text, strlen(text), 0600), 0);
	return path;
}

static inline void fixture_put_network(struct fixture *f, int64_t crl_seconds, const char *fingerprint)
{
	uint32_t zero = 0;
	struct network n = { .name = "Testnetz Köln", .user_bits = 8, .gateway_bits = 4, .network_bits = 4,
		.never = &zero, .never_n = 1, .master_key = fingerprint };
	struct buf b;

	ip_parse_prefix("2001:db8::/48", &n.prefix);
	n.policy = (struct policy){ 825 * FIXTURE_DAY, 30 * FIXTURE_DAY, 30 * FIXTURE_DAY, crl_seconds,
		397 * FIXTURE_DAY, 1024 };
	buf_open(&b, f->job.arena);
	model_encode_network(&b, &n);
	assert_int_equal(model_put(&f->job, f->model, "network.json", b.data, b.len), 0);
}

static inline void fixture_take(struct fixture *f, const struct plan *plan)
{
	for (const struct plan_file *i = plan->files; i; i = i->next)
		assert_int_equal(model_put(&f->job, f->model, i->path, i->data, i->len), 0);
}

/* Issue by itself, and take into the model what came of it. */
static inline const struct certificate *fixture_issue(struct fixture *f, enum certificate_kind kind,
    const char *name, int64_t not_before, int64_t not_after)
{
	struct plan plan = {0};
	struct plan_issue *i = plan_issue(f->job.arena, &plan, kind);

	memset(i->device.hex, '0', ID128_HEX - 1);
	if (kind != CERTIFICATE_CA)
		snprintf(i->device.hex, ID128_HEX, "%032x", ++f->devices);
	i->name = name;
	i->not_before = not_before;
	i->not_after = not_after;
	if (pki_issue(&f->job, f->pki, f->model, &plan, NULL))
		return NULL;
	assert_non_null(plan.files);
	assert_null(plan.files->next);
	fixture_take(f, &plan);
	return model_certificate(f->model, i->serial.hex);
}

static inline void fixture_revoke(struct fixture *f, const struct certificate *c, int64_t at,
    enum revocation_reason reason)
{
	struct revocation r = { .serial = c->serial, .at = at, .reason = reason, .by = "tester" };
	char path[MODEL_PATH_MAX];
	struct buf b;

	buf_open(&b, f->job.arena);
	model_encode_revocation(&b, &r);
	model_ledger_path(ENTITY_REVOCATION, c->serial.hex, c->not_before, path);
	assert_int_equal(model_put(&f->job, f->model, path, b.data, b.len), 0);
}

/* The ledger's certificate of a serial, as if it had been issued: a CRL reads serials alone. */
static inline const struct certificate *fixture_pretend(struct fixture *f, const char *serial)
{
	struct certificate c = { .kind = CERTIFICATE_GATEWAY, .name = "a.org", .generation = 1,
		.not_before = f->job.now, .not_after = f->job.now + 1, .der = (const uint8_t *)"der", .der_len = 3 };
	char path[MODEL_PATH_MAX];
	struct buf b;

	memcpy(c.serial.hex, serial, ID128_HEX);
	memcpy(c.device.hex, serial, ID128_HEX);
	buf_open(&b, f->job.arena);
	model_encode_certificate(&b, &c);
	model_ledger_path(ENTITY_CERTIFICATE, c.serial.hex, c.not_before, path);
	assert_int_equal(model_put(&f->job, f->model, path, b.data, b.len), 0);
	return model_certificate(f->model, serial);
}

/* A folder, the fixed master key, a network and a CA from an hour ago. */
static inline void fixture_open(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	job_open(&f->job);
	strcpy(f->dir, "/tmp/test-pki-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	fixture_write(f, "master.key", "1 " FIXTURE_KEY "\n");
	assert_int_equal(pki_open(&f->job, fixture_path(f, "master.key"), &f->pki), 0);
	f->model = model_open();
	fixture_put_network(f, 30 * FIXTURE_DAY, FIXTURE_FINGERPRINT);
	assert_non_null(fixture_issue(f, CERTIFICATE_CA, "Testnetz Köln CA G1", f->job.now - 3600,
	    f->job.now + 3650 * FIXTURE_DAY));
}

static inline void fixture_close(struct fixture *f)
{
	assert_int_equal(fs_remove_tree(&f->job, f->dir), 0);
	model_close(f->model);
	pki_close(f->pki);
	job_close(&f->job);
}

/* A certificate for a day from now, as a plan would have it. */
static inline const struct certificate *fixture_gateway(struct fixture *f, const char *name)
{
	return fixture_issue(f, CERTIFICATE_GATEWAY, name, f->job.now - 3600, f->job.now + 825 * FIXTURE_DAY);
}

/* Run a shell line in the folder; all that it said, and its exit status. */
static inline int fixture_shell(struct fixture *f, const char *line, const char **said)
{
	FILE *p = popen(arena_printf(f->job.arena, "cd %s && { %s; } 2>&1", f->dir, line), "r");
	struct buf b;
	char part[4096];
	size_t n;

	assert_non_null(p);
	buf_open(&b, f->job.arena);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		buf_add(&b, part, n);
	*said = b.data;
	return pclose(p);
}

static inline void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

#endif
