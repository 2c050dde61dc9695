/*
 * Who asks: takes the token off the request and the peer off the socket; the
 * application says who that is.  Guesses are counted, logged and slowed down;
 * a token that is known never waits for those that are not.
 */
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/time.h"
#include "http/http_int.h"

/* RFC 6750, 2.1. False: none was sent. */
static bool take_digest(const struct exchange *x, char digest[DIGEST_HEX])
{
	const char *given = mg_get_header(x->conn, "Authorization");

	if (!given || strncasecmp(given, "Bearer ", 7) != 0)
		return false;
	given += 7 + strspn(given + 7, " ");
	digest_sha256_hex(given, strlen(given), digest);
	return true;
}

static bool is_bad_token(const struct job *j)
{
	return strcmp(j->code, "token_invalid") == 0 || strcmp(j->code, "token_expired") == 0;
}

/* A bad token: answered as such, or, after too many of them, not even that. */
static int refuse(struct exchange *x)
{
	const char *source = peer_source(x), *why = x->job.message;
	struct job *j = &x->job;
	bool is_news = false;
	unsigned seconds = limits_note(x->http->limits, source, time_monotonic_ms(), &is_news);

	if (is_news)
		log_event(LOG_LEVEL_WARNING, j->request_id, "", "refused a token from %s: %s%s", source, why,
		    seconds ? "; there were too many, and more are not looked at for a while" : "");
	if (!seconds)
		return j->error;
	job_clear(j);
	http_set_header(j, &x->response, "Retry-After", arena_printf(j->arena, "%u", seconds));
	return job_fail(j, E_DENIED, "too_many_bad_tokens",
	    "too many wrong tokens came from where you are: try again in %u seconds; a right one is taken at once",
	    seconds);
}

int auth_check(struct exchange *x)
{
	struct http_credentials c = { .flags = x->route ? x->route->flags : 0 };
	char digest[DIGEST_HEX];

	if (take_digest(x, digest))
		c.digest = digest;
	c.has_peer = x->listener->is_own && peer_user(x->conn, &c.peer);
	if (x->http->identify(&x->request, &c) == 0)
		return 0;
	return is_bad_token(&x->job) ? refuse(x) : x->job.error;
}
