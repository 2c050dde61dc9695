/*
 * What `serve` shows where it listens with TLS: a certificate out of files, or
 * one of our own CA, which is issued here and renewed.  Files are read again on
 * SIGHUP.  No connection notices.
 */
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "cli/cli_int.h"
#include "cli/serve.h"

enum { PEM_MAX = 256 * 1024 };

static int load_files(struct job *j, const struct arguments *a, struct serve_tls *t)
{
	struct buf chain, key = { .data = NULL };

	if (fs_read(j, a->tls_certificate, PEM_MAX, &chain) == 0 &&
	    fs_read(j, a->tls_key, PEM_MAX, &key) == 0)
		pki_tls_load(j, t->tls, &chain, &key);
	if (key.data)
		digest_cleanse(key.data, key.len);
	if (j->error)
		return j->error;
	t->name = a->tls_certificate;
	return pki_fingerprint_certificate(j, chain.data, &t->fingerprint);
}

static int load_own(struct job *j, const struct arguments *a, struct flow *f, struct serve_tls *t)
{
	struct flow_api own;

	if (flow_api(j, f, a->tls_name, &own) == 0 && strcmp(own.serial, t->serial) != 0 &&
	    pki_tls_load(j, t->tls, &own.chain, &own.key) == 0) {
		memcpy(t->serial, own.serial, strlen(own.serial) + 1);
		t->name = own.name;
		if (pki_fingerprint_certificate(j, own.chain.data, &t->fingerprint) == 0)
			pki_fingerprint_certificate(j, own.ca, &t->ca_fingerprint);
	}
	if (own.key.data)
		digest_cleanse(own.key.data, own.key.len);
	return j->error;
}

static int load(struct job *j, const struct arguments *a, struct flow *f, struct serve_tls *t)
{
	t->fingerprint = t->ca_fingerprint = NULL;
	if (a->tls_certificate ? load_files(j, a, t) : load_own(j, a, f, t))
		return j->error;
	if (t->fingerprint)
		log_line(LOG_LEVEL_INFO, "TLS: the certificate of %s has the SHA-256 fingerprint %s%s%s",
		    t->name, t->fingerprint, t->ca_fingerprint ? "; our CA, which issued it, " : "",
		    t->ca_fingerprint ? t->ca_fingerprint : "");
	return 0;
}

int serve_tls_open(struct job *j, const struct arguments *a, struct flow *f, struct serve_tls *t)
{
	bool is_wanted = false;
	size_t i;

	for (i = 0; i < a->listen.n; i++)
		is_wanted = is_wanted || http_is_tls(a->listen.word[i]);
	if (!a->tls_certificate != !a->tls_key)
		return cli_usage(j, "--tls-certificate and --tls-key go together");
	if (!is_wanted)
		return 0;
	return pki_tls_open(j, &t->tls) || load(j, a, f, t) ? j->error : 0;
}

void serve_tls_again(const struct arguments *a, struct flow *f, struct serve_tls *t, bool is_asked)
{
	struct job j;

	if (!t->tls || (a->tls_certificate && !is_asked))
		return;
	job_open(&j);
	if (load(&j, a, f, t))
		log_line(LOG_LEVEL_ERROR, "TLS: %s; what was shown before still is", j.message);
	job_close(&j);
}

const char *serve_tls_url(struct job *j, const struct arguments *a, const struct serve_tls *t)
{
	const char *place = NULL, *colon;
	size_t i;

	for (i = 0; !place && i < a->listen.n; i++)
		if (http_is_tls(a->listen.word[i]))
			place = a->listen.word[i];
	if (!place)
		return NULL;
	colon = strrchr(place, ':');
	return t->serial[0]
	    ? arena_printf(j->arena, "https://%s:%.*s", t->name, (int)strlen(colon) - 2, colon + 1)
	    : arena_printf(j->arena, "https://%.*s", (int)strlen(place) - 1, place);
}
