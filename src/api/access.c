/*
 * Who asks, and which routes and objects he may see.  What he may change is not
 * decided here but on the plan (change/access.c), whatever route it came by.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "api/api_int.h"
#include "base/digest.h"

enum { PASSWD_BUFFER = 4096 };

static int invalid(struct job *j, const char *code, const char *text)
{
	job_clear(j);
	return job_fail(j, E_DENIED, code, "%s", text);
}

static const char *user_name(struct job *j, uid_t uid)
{
	char buffer[PASSWD_BUFFER];
	struct passwd pw, *found = NULL;

	getpwuid_r(uid, &pw, buffer, sizeof(buffer), &found);
	return found ? arena_strdup(j->arena, found->pw_name) : arena_printf(j->arena, "#%u", (unsigned)uid);
}

/* Without a token: a process of root's, or of the service's own user, who could read all there is anyway. */
static int find_peer(struct http_request *req, const struct http_credentials *c, struct caller *out)
{
	if (!c->has_peer || (c->peer != 0 && c->peer != geteuid()))
		return job_fail(req->job, E_DENIED, "token_required",
		    "send the token as Authorization: Bearer TOKEN; init wrote one to secrets/admin.token");
	out->role = ROLE_ADMIN;
	req->job->actor = user_name(req->job, c->peer);
	return 0;
}

/* The one of the data folder, or one of access/. Both are looked at, so that time tells nothing. */
static int find_token(struct http_request *req, const char *digest, struct caller *out)
{
	struct api *api = req->context;
	struct job *j = req->job;
	bool is_admin = digest_equal(digest, api->admin_digest, DIGEST_HEX);
	struct flow_token t = { 0 };

	if (flow_find_token(j, api->flow, digest, &t)) {
		job_clear(j);
		out->role = ROLE_ADMIN;
		j->actor = "admin";
		return is_admin ? 0 : invalid(j, "token_invalid", "this token is not known here");
	}
	if (t.expires && t.expires <= j->now)
		return invalid(j, "token_expired", "this token has expired");
	if (!t.stands)
		return invalid(j, "token_invalid", "the user or gateway that this token was for is gone");
	out->token = t.digest;
	out->role = t.role;
	out->is_users = t.has_user;
	out->user = t.user;
	out->prefix = t.prefix;
	out->gateway = t.gateway;
	j->actor = t.name;
	return 0;
}

static bool is_read(const struct http_request *req)
{
	return strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
}

/* NULL: he may use a route of these flags. */
static const char *find_obstacle(const struct http_request *req, const struct caller *c, unsigned flags)
{
	if (flags & ROUTE_OWN && c->token)
		return "is for the service's own hook";
	if (c->role == ROLE_GATEWAY && !(flags & ROUTE_OF_GATEWAY))
		return "is not for a gateway's token";
	if (c->is_users && !(flags & ROUTE_OF_USER))
		return "is not for a token that is for one user";
	if (c->role == ROLE_AUDITOR && (!is_read(req) || flags & ROUTE_SECRET))
		return "is not for an auditor, who reads but for private keys";
	return NULL;
}

int api_identify(struct http_request *req, const struct http_credentials *credentials)
{
	struct caller *c = arena_alloc(req->job->arena, sizeof(*c));
	const char *obstacle;

	if (credentials->digest ? find_token(req, credentials->digest, c) : find_peer(req, credentials, c))
		return req->job->error;
	req->caller = c;
	obstacle = find_obstacle(req, c, credentials->flags);
	return obstacle
	    ? job_fail(req->job, E_DENIED, "forbidden", "%s %s %s", req->method, req->path, obstacle)
	    : 0;
}

bool access_sees(const struct http_request *req, const char *prefix, const char *gateway)
{
	const struct caller *c = req->caller;
	struct ip_prefix place;

	if (!c)
		return true; /* a public route, which is a right by itself */
	if (c->gateway && (!gateway || strcmp(gateway, c->gateway) != 0))
		return false;
	return !c->is_users || (ip_parse_prefix(prefix, &place) && ip_contains(&c->prefix, &place.addr));
}

const char *access_only_user(const struct http_request *req)
{
	const struct caller *c = req->caller;

	return c->is_users ? c->user : NULL;
}

int access_check_past(const struct http_request *req)
{
	const struct caller *c = req->caller;

	if (c->is_users || c->gateway)
		return job_fail(
		    req->job, E_DENIED, "forbidden", "a token that is for one user or gateway sees no past");
	return 0;
}
