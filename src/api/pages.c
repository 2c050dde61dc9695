/*
 * Files for a browser, from the binary: the same for everybody and without a
 * word about the state, so that they need no token.  What a page shows of the
 * state it asks the API for, with the token of who looks at it.
 */
#include <string.h>

#include "api/api_int.h"
#include "base/digest.h"

struct page_file {
	const char *path, *type, *text;
	size_t len;
};

extern const struct page_file page_files[]; /* pages.S */

/* Nothing but the service's own files, no script or style inside a page, and no markup made of text. */
static const char
    policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	       "require-trusted-types-for 'script'; trusted-types 'none'";

static const char *const nothing_known[] = { NULL };

int pages_get(struct http_request *req, struct http_response *res)
{
	const struct page_file *f = page_files;
	struct job *j = req->job;
	char digest[DIGEST_HEX];

	if (http_query_known(req, nothing_known))
		return j->error;
	while (f->path && strcmp(f->path, req->path) != 0)
		f++;
	if (!f->path)
		return job_fail(j, E_NOT_FOUND, "no_such_path", "there is no such file");
	digest_sha256_hex(f->text, f->len, digest);
	res->text = f->text;
	res->text_len = f->len;
	res->content_type = f->type;
	res->etag = arena_printf(j->arena, "%.32s", digest);
	res->policy = policy;
	return 0;
}
