/*
 * Builds the CRL (RFC 5280, section 5) of all revocations, in the ledger's order.
 * One stays until it is pruned with its certificate, which outlives its own end
 * by one CRL.  One whose date lies ahead, since a clock went back, counts: it is
 * a fact already, and OpenSSL agrees.
 */
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

int pki_crl_build(
    struct job *j, const struct pki *p, const struct model *m, struct pki_crl *crl, struct buf *pem)
{
	const struct certificate *ca = model_ca(m);
	struct pki_issuer *issuer;
	struct pki_crl next;
	struct buf der;

	if (!ca || !model_network(m))
		return job_fail(j, E_CORRUPT, "no_ca", "the state has no CA: was it initialised?");
	if (pki_issuer_open(j, p, ca, &issuer))
		return j->error;
	next = plan_figures(crl, j->now, model_network(m)->policy.crl);
	next.entries = model_withdrawn_count(m);
	buf_open(&der, j->arena);
	if (!crl_write(j, issuer, &next, model_withdrawn(j->arena, m), &der)) {
		pem_print(pem, "X509 CRL", (const uint8_t *)der.data, der.len);
		*crl = next;
	}
	pki_issuer_close(issuer);
	return j->error;
}
