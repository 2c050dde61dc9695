/* Shared by the files of `serve`. */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/cli_int.h"
#include "http/http.h"

struct serve_tls { /* the certificate of the TLS listeners */
	struct pki_tls *tls;       /* NULL: there is no such listener */
	char serial[ID128_HEX];    /* of our own CA's; "" where it came from a file */
	/* as of the last load; borrowed from its job */
	const char *name, *fingerprint, *ca_fingerprint;
};

/*
 * Before the first thread: no new privileges, no capability but what is needed, no core file and nobody of
 * our user who looks into our memory.
 */
int serve_harden(struct job *j, const struct arguments *a);

/* Load what is to be shown; nothing where nobody listens with TLS. tls is the caller's to close. */
int serve_tls_open(struct job *j, const struct arguments *a, struct flow *f, struct serve_tls *t);
/* By which URL the first TLS listener is reached: the name of our own certificate, or its address. */
const char *serve_tls_url(struct job *j, const struct arguments *a, const struct serve_tls *t);
/*
 * A certificate of our own may be due, or, where is_asked, files may have changed. What fails is logged, and
 * changes nothing.
 */
void serve_tls_again(const struct arguments *a, struct flow *f, struct serve_tls *t, bool is_asked);

#endif
