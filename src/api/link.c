/*
 * POST /gateway/{fqdn}/link: the configuration once, to whoever has the URL, within a day.  A link is no
 * state: DATA/links/ has a file for each, under the SHA-256 of its secret, which nobody can turn round.
 * It survives a restart, and is in no backup of the repository.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "api/api_int.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"

enum {
	SECRET_BYTES = 16,
	SECRET_HEX = 2 * SECRET_BYTES,
	LINK_FILE_MAX = 4096,
	LINKS_MAX = 1000,
	DAY = 86400
};

static const char *const nothing_known[] = { NULL };

struct link { /* one file */
	const char *gateway, *device, *by;
	int64_t expires;
};

static const char *folder(struct job *j, const struct api *api)
{
	return arena_printf(j->arena, "%s/links", api->data);
}

static int read_link(struct job *j, const char *path, struct link *out)
{
	const char *expires;
	struct json *o;
	struct buf b;

	*out = (struct link){ .expires = 0 };
	if (fs_read(j, path, LINK_FILE_MAX, &b) || json_parse(j, b.data, b.len, &o) ||
	    json_want_string(j, o, "gateway", true, &out->gateway) ||
	    json_want_string(j, o, "device", true, &out->device) ||
	    json_want_string(j, o, "by", true, &out->by) || json_want_string(j, o, "expires", true, &expires))
		return j->error;
	if (!time_parse(expires, &out->expires))
		return job_fail(j, E_CORRUPT, "corrupt", "%s: no time", path);
	return 0;
}

/* What is over goes, and so does what nobody can use. */
static int sweep(struct job *j, const char *links)
{
	struct link found;
	size_t n = 0;
	char **name;

	if (fs_list(j, links, &name))
		return j->error;
	for (; *name; name++) {
		const char *path = arena_printf(j->arena, "%s/%s", links, *name);
		bool is_over = **name != '.' && (read_link(j, path, &found) || found.expires <= j->now);

		job_clear(j);
		n += !is_over;
		if (is_over && fs_remove(j, path))
			return j->error;
	}
	if (n >= LINKS_MAX)
		return job_fail(j, E_CONFLICT, "too_many_links",
		    "%d links are open: they end within a day, or when they are used", LINKS_MAX);
	return 0;
}

static int write_link(struct job *j, const char *links, const char *secret, const struct link *l)
{
	struct json *o = json_object(j->arena);
	char digest[DIGEST_HEX], text[TIME_TEXT];
	struct buf b;

	json_add_string(j->arena, o, "gateway", l->gateway);
	json_add_string(j->arena, o, "device", l->device);
	json_add_string(j->arena, o, "by", l->by);
	json_add_string(j->arena, o, "expires", time_print(l->expires, text));
	buf_open(&b, j->arena);
	json_print_canonical(&b, o);
	digest_sha256_hex(secret, SECRET_HEX, digest);
	return fs_write_durable(j, arena_printf(j->arena, "%s/%s", links, digest), b.data, b.len, 0600);
}

int link_create(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct link l = { .by = j->actor, .expires = j->now + DAY };
	const char *links = folder(j, api), *commit, *url;
	char secret[SECRET_HEX + 1], text[TIME_TEXT];
	uint8_t bytes[SECRET_BYTES];
	struct query_profile p = { 0 };

	if (!api->url)
		return job_fail(j, E_CONFLICT, "no_public_url",
		    "the service does not know by which URL it is reached: serve --public-url https://vpn.example.org");
	if (http_query_known(req, nothing_known) || parse_gateway_name(req, &l.gateway) ||
	    profile_find(req, l.gateway, &p, &commit) || fs_mkdirs(j, links, 0700) || sweep(j, links))
		goto out;
	l.device = p.gateway->device.hex;
	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), secret);
	if (write_link(j, links, secret, &l))
		goto out;
	log_event(LOG_LEVEL_INFO, j->request_id, "", "link to the configuration of %s made for %s", l.gateway,
	    l.by);
	url = arena_printf(j->arena, "%s/link/%s", api->url, secret);
	res->status = 201;
	res->json = json_object(j->arena);
	json_add_string(j->arena, res->json, "url", url);
	json_add_string(j->arena, res->json, "expires", time_print(l.expires, text));
	http_set_header(j, res, "Location", url);
out:
	model_close(p.model);
	return j->error;
}

static int fail_unknown(struct job *j)
{
	job_clear(j);
	return job_fail(j, E_NOT_FOUND, "not_found",
	    "this link is not known here: it was used, a day has passed, or its gateway is gone");
}

/* Of two who come at once, one finds the file: durably gone before a byte of the configuration leaves. */
static int take(struct job *j, const char *links, const char *path)
{
	if (unlink(path) < 0)
		return errno == ENOENT ? fail_unknown(j) : job_fail_errno(j, "cannot remove %s", path);
	return fs_sync_dir(j, links);
}

int link_take(struct http_request *req, struct http_response *res)
{
	struct api *api = req->context;
	struct job *j = req->job;
	const char *secret = req->params[0], *links = folder(j, api), *path;
	char digest[DIGEST_HEX];
	struct link l;

	if (http_query_known(req, nothing_known))
		return j->error;
	if (strlen(secret) != SECRET_HEX)
		return fail_unknown(j);
	digest_sha256_hex(secret, SECRET_HEX, digest);
	path = arena_printf(j->arena, "%s/%s", links, digest);
	if (read_link(j, path, &l) || l.expires <= j->now)
		return j->error && j->error != E_NOT_FOUND ? j->error : fail_unknown(j);
	j->actor = arena_printf(j->arena, "the link of %s", l.by);
	if (profile_present(req, res, l.gateway, l.device))
		return j->error == E_NOT_FOUND || j->error == E_CONFLICT ? fail_unknown(j) : j->error;
	if (strcmp(req->method, "HEAD") == 0)
		return 0; /* a look ahead is no use of it */
	if (take(j, links, path))
		digest_cleanse((char *)res->text, res->text_len);
	else
		profile_log(j, l.gateway);
	return j->error;
}
