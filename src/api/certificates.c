/* /ca.crt and /crl.pem, as they are rendered. */
#include "api/api_int.h"
#include "base/digest.h"
#include "base/fs.h"

enum { PEM_MAX = 64 * 1024 * 1024 };

static const char *const nothing_known[] = { NULL };

static int send_file(struct http_request *req, struct http_response *res, const char *path)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_counts counts;
	char digest[DIGEST_HEX];
	struct buf b;

	buf_open(&b, j->arena);
	if (http_query_known(req, nothing_known) || query_counts(j, api->query, &counts) ||
	    fs_read(j, arena_printf(j->arena, "%s/%s", api->data, path), PEM_MAX, &b))
		return j->error;
	digest_sha256_hex(b.data, b.len, digest);
	res->text = b.data;
	res->text_len = b.len;
	res->content_type = "application/x-pem-file";
	res->etag = arena_printf(j->arena, "%.32s", digest);
	http_set_header(j, res, "X-Commit", counts.commit);
	return 0;
}

int certificates_get_ca(struct http_request *req, struct http_response *res)
{
	return send_file(req, res, "pki/ca.crt");
}

int certificates_get_crl(struct http_request *req, struct http_response *res)
{
	return send_file(req, res, "pki/crl.pem");
}
