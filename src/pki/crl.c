/*
 * Builds the CRL (RFC 5280, section 5) of all revocations, in time O(n log n):
 * entries are sorted once and appended.  A CRL that OpenVPN cannot use locks
 * everybody out, so what was built is read back before it leaves this file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/pem.h"
#include "pki/pki_int.h"

enum { BACKDATE = 3600, MS = 1000 };

/* What the new CRL is to say of itself, but for its entries. */
static struct pki_crl plan_figures(const struct pki_crl *last, int64_t now, int64_t period)
{
	struct pki_crl out = { now - BACKDATE, now + period, (uint64_t)now * MS, 0 };

	/* Never before the last one, nor in the future: a clock that went back gives `now` again. */
	if (out.this_update <= last->this_update)
		out.this_update = last->this_update + 1;
	if (out.this_update > now)
		out.this_update = now;
	if (out.number <= last->number)
		out.number = last->number + 1;
	return out;
}

static int by_serial(const void *a, const void *b)
{
	return strcmp((*(const struct revocation *const *)a)->serial.hex,
	    (*(const struct revocation *const *)b)->serial.hex);
}

/*
 * What is listed, sorted by serial, NULL-terminated.
 * An entry stays as long as its certificate is in the ledger, which outlives the certificate by one CRL.
 * Of an adopted one nobody knows the end.  One whose date lies ahead, since a clock went back, counts: it is a fact already, and OpenSSL agrees.
 */
static const struct revocation **list_entries(struct arena *a, const struct model *m, size_t *n)
{
	const struct revocation **all = model_withdrawn(a, m), **from = all;

	for (*n = 0; *from; from++)
		if (model_certificate(m, (*from)->serial.hex) || model_adoption(m, (*from)->serial.hex))
			all[(*n)++] = *from;
	all[*n] = NULL;
	qsort(all, *n, sizeof(*all), by_serial);
	return all;
}

/* All of it, from its PEM and by OpenSSL's parser, as OpenVPN will: crl_write has its bytes from neither. */
static int read_back(
    struct job *j, const struct pki_issuer *ca, const struct pki_crl *want, const struct buf *pem)
{
	struct pki_crl got;

	if (crl_read(j, ca->certificate, pem, &got, NULL))
		return j->error;
	if (got.number != want->number || got.this_update != want->this_update ||
	    got.next_update != want->next_update || got.entries != want->entries)
		return job_fail(j, E_CORRUPT, "bad_crl", "the new CRL doesn't read back as it was built");
	return 0;
}

int pki_crl_build(
    struct job *j, const struct pki *p, const struct model *m, struct pki_crl *crl, struct buf *pem)
{
	const struct certificate *ca = model_ca(m);
	const struct revocation **entries;
	struct pki_issuer *issuer;
	struct pki_crl want;
	struct buf der, text;
	int error;

	if (!ca || !model_network(m))
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (pki_issuer_open(j, p, ca, &issuer))
		return j->error;
	want = plan_figures(crl, j->now, model_network(m)->policy.crl);
	entries = list_entries(j->arena, m, &want.entries);
	buf_open(&der, j->arena);
	buf_open(&text, j->arena);
	error = crl_write(j, issuer, &want, entries, &der);
	if (!error) {
		pem_print(&text, "X509 CRL", (const uint8_t *)der.data, der.len);
		error = read_back(j, issuer, &want, &text);
	}
	if (!error) {
		buf_add(pem, text.data, text.len);
		*crl = want;
	}
	pki_issuer_close(issuer);
	return error;
}
