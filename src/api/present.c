/* From rows of the read model to the JSON of the contract, and the entity tags of it. */
#include <string.h>

#include "api/api_int.h"
#include "base/digest.h"
#include "base/time.h"

static void add_time(struct job *j, struct json *parent, const char *key, int64_t t)
{
	char text[TIME_TEXT];

	json_add_string(j->arena, parent, key, t ? time_print(t, text) : NULL);
}

struct json *present_user(struct job *j, const struct query_user *row)
{
	struct json *o = json_object(j->arena);

	json_add_string(j->arena, o, "name", row->name);
	json_add_string(j->arena, o, "id", row->id);
	json_add_string(j->arena, o, "prefix", row->prefix);
	json_add_bool(j->arena, o, "enabled", row->enabled);
	json_add_int(j->arena, o, "gateways", row->gateways);
	add_time(j, o, "created", row->created);
	return o;
}

static void add_certificates(struct job *j, struct json *parent, const struct query_gateway *row)
{
	struct json *list = json_add(parent, "certificates", json_array(j->arena));
	size_t i;

	for (i = 0; i < row->certificates_n; i++) {
		const struct query_certificate *c = &row->certificates[i];
		struct json *o = json_add(list, NULL, json_object(j->arena));

		json_add_string(j->arena, o, "serial", c->serial);
		add_time(j, o, "not_before", c->not_before);
		add_time(j, o, "not_after", c->not_after);
		add_time(j, o, "until", c->until);
	}
}

int present_gateway(struct job *j, const struct query_gateway *row, struct json **out)
{
	struct json *o = json_object(j->arena), *allow;

	if (json_parse(j, row->allow, strlen(row->allow), &allow))
		return j->error;
	json_add_string(j->arena, o, "name", row->name);
	json_add_string(j->arena, o, "user", row->user);
	json_add_string(j->arena, o, "id", row->id);
	json_add_string(j->arena, o, "prefix", row->prefix);
	json_add_string(j->arena, o, "address", row->address);
	json_add_bool(j->arena, o, "enabled", row->enabled);
	json_add_string(j->arena, o, "inbound", row->inbound);
	json_add(o, "allow", allow);
	json_add_string(j->arena, o, "routes", row->routes);
	add_certificates(j, o, row);
	add_time(j, o, "created", row->created);
	*out = o;
	return 0;
}

const char *present_tag(struct job *j, const char *blob, const struct json *object)
{
	char digest[DIGEST_HEX];
	struct buf b;

	buf_open(&b, j->arena);
	json_print_compact(&b, object);
	digest_sha256_hex(b.data, b.len, digest);
	return arena_printf(j->arena, "%s-%.16s", blob, digest);
}

void present(struct http_request *req, struct http_response *res, struct json *body, const char *tag,
    const char *commit)
{
	res->json = body;
	res->etag = tag;
	http_set_header(req->job, res, "X-Commit", commit);
}
