/* `vpnunit serve`: the flow, the reads, the listeners, until a signal ends them in reverse. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "api/api.h"
#include "base/feed.h"
#include "base/log.h"
#include "cli/serve.h"
#include "query/query.h"

static int read_admin_digest(struct job *j, const struct arguments *a, char out[DIGEST_HEX])
{
	struct buf token;

	if (cli_read_token(j, a, &token))
		return j->error;
	digest_sha256_hex(token.data, strlen(token.data), out);
	digest_cleanse(token.data, token.len);
	return 0;
}

static void name_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

/* Before any thread, so that all of them leave the signals to wait_for_the_end. */
static void block_signals(void)
{
	sigset_t set;

	name_signals(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Until one that ends us; SIGHUP, and each minute, is for certificates. */
static void wait_for_the_end(const struct arguments *a, const struct api *api, struct serve_tls *tls)
{
	const struct timespec minute = { .tv_sec = 60 };
	int signal_number = SIGHUP;
	sigset_t set;

	name_signals(&set);
	while (signal_number != SIGTERM && signal_number != SIGINT) {
		signal_number = sigtimedwait(&set, NULL, &minute);
		if (signal_number == SIGHUP)
			serve_tls_again(a, api->flow, tls, true);
		else if (signal_number < 0 && errno == EAGAIN)
			serve_tls_again(a, api->flow, tls, false);
	}
}

static bool is_local(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://localhost", "http://[::1]" };
	size_t i, len;

	for (i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		len = strlen(hosts[i]);
		if (strncmp(url, hosts[i], len) == 0 && (url[len] == ':' || url[len] == '/' || !url[len]))
			return true;
	}
	return false;
}

/* What links begin with. Who opens one gets a private key: not in clear text, unless it stays on this machine. */
static int find_url(struct job *j, const struct arguments *a, struct api *api)
{
	static const char
	    allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]";
	const char *url = a->public_url;
	size_t len = url ? strlen(url) : 0, i;

	for (i = 0; !url && !api->url && i < a->listen.n; i++)
		if (strncmp(a->listen.word[i], "unix:", 5) != 0)
			api->url = arena_printf(j->arena, "http://%s", a->listen.word[i]);
	if (!url)
		return 0;
	if ((strncmp(url, "https://", 8) != 0 && !is_local(url)) || strspn(url, allowed) < len)
		return cli_usage(j, arena_printf(j->arena, "--public-url %s: it takes https://HOST", url));
	while (url[len - 1] == '/')
		len--;
	api->url = arena_strndup(j->arena, url, len);
	return 0;
}

static int serve_until_signal(struct job *j, struct arguments *a, struct api *api)
{
	struct http_options o = { .listen = a->listen.word,
		.listen_n = a->listen.n,
		.allow_cleartext = a->allow_cleartext,
		/* needs no port, and no token of who may read one */
		.socket = cli_path(j, a, "run/vpnunit.sock"),
		.identify = api_identify,
		.context = api };
	struct serve_tls tls = { .tls = NULL };
	struct http *http;
	size_t i;

	o.routes = api_routes(&o.routes_n);
	if (read_admin_digest(j, a, api->admin_digest) || serve_tls_open(j, a, api->flow, &tls))
		goto out;
	o.tls = tls.tls ? pki_tls_context(tls.tls) : NULL;
	if (tls.tls && !a->public_url)
		api->url = serve_tls_url(j, a, &tls);
	if (http_open(j, &o, &http) == 0) {
		for (i = 0; i < a->listen.n; i++)
			log_line(LOG_LEVEL_INFO, "listening on %s", a->listen.word[i]);
		wait_for_the_end(a, api, &tls);
		log_line(LOG_LEVEL_INFO, "stopping");
		feed_stop(flow_feed(api->flow));
		http_close(http);
	}
out:
	pki_tls_close(tls.tls);
	return j->error;
}

int cli_serve(struct job *j, struct arguments *a)
{
	struct flow_options o = cli_flow_options(a);
	struct api api = { .data = a->data };

	if (!a->listen.n)
		a->listen.word[a->listen.n++] = "127.0.0.1:8080";
	if (find_url(j, a, &api))
		return EXIT_USAGE;
	block_signals();
	if (serve_harden(j, a) == 0 && flow_open(j, &o, &api.flow) == 0) {
		cli_tell_warnings(j);
		if (query_open(j, a->data, &api.query) == 0)
			serve_until_signal(j, a, &api);
	}
	query_close(api.query);
	flow_close(api.flow);
	return j->error ? EXIT_REFUSED : 0;
}
