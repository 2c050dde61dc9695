/*
 * Issues what a plan asks for: a serial, a key, a signature, and a ledger file
 * in the plan.  Step 3 of the line; decides nothing and writes nothing itself.
 */
#include <assert.h>
#include <string.h>

#include "pki/pki_int.h"

struct issuance { /* the issuing of one plan */
	const struct pki *pki;
	const struct model *model;
	struct plan *plan;
	struct pki_issuer **issuer; /* NULL inside: not opened yet */
};

static bool is_planned(const struct plan *plan, const struct plan_issue *until, const char *serial)
{
	for (const struct plan_issue *i = plan->issues; i != until; i = i->next)
		if (!strcmp(i->serial.hex, serial))
			return true;
	return false;
}

/* 128 bits that start with 01: positive in DER, and of one length for every certificate. */
static void draw_serial(const struct issuance *s, struct plan_issue *issue)
{
	uint8_t bytes[16];

	do {
		digest_random(bytes, sizeof(bytes));
		bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
		digest_hex(bytes, sizeof(bytes), issue->serial.hex);
	} while (
	    model_certificate(s->model, issue->serial.hex) || is_planned(s->plan, issue, issue->serial.hex));
}

static struct certificate *make_record(
    struct job *j, const struct issuance *s, const struct plan_issue *issue)
{
	struct certificate *c = arena_alloc(j->arena, sizeof(*c));

	c->entity.kind = ENTITY_CERTIFICATE;
	c->kind = issue->kind;
	c->serial = issue->serial;
	c->device = issue->device;
	c->name = issue->name;
	c->generation = pki_newest(s->pki)->number;
	c->not_before = issue->not_before;
	c->not_after = issue->not_after;
	assert(c->kind == CERTIFICATE_CA || *s->issuer);
	if (c->kind != CERTIFICATE_CA && c->not_after > (*s->issuer)->not_after)
		c->not_after = (*s->issuer)->not_after;
	return c;
}

static int sign(struct job *j, const struct issuance *s, struct certificate *c)
{
	bool is_ca = c->kind == CERTIFICATE_CA;
	struct pki_issuer itself = { 0 };
	uint8_t point[PKI_POINT];
	int error;

	if (c->not_after <= c->not_before)
		return job_fail(j, E_CONFLICT, "ca_expired",
		    "the CA ends before the certificate of %s would begin", c->name);
	if (pki_subject_key(j, s->pki, c, point, is_ca ? &itself.key : NULL))
		return j->error;
	error = pki_certificate_sign(j, is_ca ? &itself : *s->issuer, point, c);
	EVP_PKEY_free(itself.key);
	return error;
}

static void add_ledger_file(struct job *j, struct plan *plan, const struct certificate *c)
{
	char path[MODEL_PATH_MAX];
	struct buf b;

	model_ledger_path(ENTITY_CERTIFICATE, c->serial.hex, c->not_before, path);
	buf_open(&b, j->arena);
	model_encode_certificate(&b, c);
	plan_write(j->arena, plan, path, b.data, b.len);
}

/* The issuer from now on: a CA of this plan, or the model's. */
static int change_issuer(struct job *j, const struct issuance *s, const struct certificate *ca)
{
	if (!ca)
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (*s->issuer && strcmp((*s->issuer)->serial.hex, ca->serial.hex) == 0)
		return (*s->issuer)->key ? 0 : pki_subject_key(j, s->pki, ca, NULL, &(*s->issuer)->key);
	pki_issuer_close(*s->issuer);
	*s->issuer = NULL;
	return pki_issuer_open(j, s->pki, ca, s->issuer);
}

static int issue_one(struct job *j, const struct issuance *s, struct plan_issue *issue)
{
	bool is_ca = issue->kind == CERTIFICATE_CA;
	struct certificate *c;

	draw_serial(s, issue);
	c = make_record(j, s, issue);
	if (sign(j, s, c))
		return j->error;
	add_ledger_file(j, s->plan, c);
	return is_ca ? change_issuer(j, s, c) : 0;
}

int pki_issue(
    struct job *j, const struct pki *p, const struct model *m, struct plan *plan, struct pki_issuer **issuer)
{
	struct pki_issuer *own = NULL;
	struct issuance s = { .pki = p, .model = m, .plan = plan, .issuer = issuer ? issuer : &own };
	int error = 0;

	/* A plan that makes a CA makes it first. */
	if (plan->issues && plan->issues->kind != CERTIFICATE_CA)
		error = change_issuer(j, &s, model_ca(m));
	for (struct plan_issue *i = plan->issues; i && !error; i = i->next)
		error = issue_one(j, &s, i);
	pki_issuer_close(own);
	return error;
}
