/*
 * State files on top of a whole state: a line with the path, then the bytes, up to a NUL, then the
 * next.  Those of intent that are accepted print as bytes that mean the same, and a state that
 * passes its check can be walked.
 */
#include "golden.h"
#include "model/access.h"

/* The canonical bytes of an entity; false: of a kind that is not printed alone. */
static bool encode(struct buf *b, const struct entity *e)
{
	switch (e->kind) {
	case ENTITY_NETWORK:
		return model_encode_network(b, (const struct network *)e), true;
	case ENTITY_SERVER:
		return model_encode_server(b, (const struct server *)e), true;
	case ENTITY_USER:
		return model_encode_user(b, (const struct user *)e), true;
	case ENTITY_GATEWAY:
		return model_encode_gateway(b, (const struct gateway *)e), true;
	case ENTITY_PENDING:
		return model_encode_pending(b, (const struct pending *)e), true;
	default:
		return false;
	}
}

static void check_entity(struct job *j, struct model *m, const char *path)
{
	const struct entity *e = model_entity(m, path);
	struct buf once, twice;

	fuzz_require(e != NULL && strcmp(e->path, path) == 0, "what was put is there");
	buf_open(&once, j->arena);
	buf_open(&twice, j->arena);
	if (!encode(&once, e))
		return;
	fuzz_done(j, model_put(j, m, path, once.data, once.len));
	encode(&twice, model_entity(m, path));
	fuzz_require(strcmp(once.data, twice.data) == 0, "it prints the same again");
}

static void walk(struct job *j, const struct model *m)
{
	const struct entity **e;
	int kind;

	for (kind = 0; kind <= ENTITY_ACCESS; kind++)
		for (e = model_all(j->arena, m, (enum entity_kind)kind); *e; e++)
			fuzz_require(model_entity(m, (*e)->path) == *e, "what is listed is there");
	for (e = model_all(j->arena, m, ENTITY_GATEWAY); *e; e++) {
		const struct gateway *g = (const struct gateway *)*e;

		fuzz_require(model_gateway_by_name(m, g->name) == g, "each gateway has its name");
		model_current_certificate(m, g->device.hex);
		model_gateway_prefix(model_network(m), g->user, g->id);
	}
	model_withdrawn(j->arena, m);
	model_ca(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct model *m = model_fork(golden_model());
	struct job j;

	fuzz_open(&j);
	while (in.left && !j.error) {
		const char *path = fuzz_take(&j, &in, '\n');
		const char *end = in.left ? memchr(in.at, '\0', in.left) : NULL;
		size_t len = end ? (size_t)(end - in.at) : in.left;
		char *bytes = mem_alloc(len); /* exactly: nothing may be read behind it */

		memcpy(bytes, in.at, len);
		in.at += end ? len + 1 : len;
		in.left -= end ? len + 1 : len;
		if (model_put(&j, m, path, bytes, len) == 0)
			check_entity(&j, m, path);
		free(bytes);
	}
	if (!j.error && model_check(&j, m) == 0)
		walk(&j, m);
	fuzz_require(!j.error || j.error == E_CORRUPT, "what is wrong in a state file is E_CORRUPT");
	model_close(m);
	job_close(&j);
	return 0;
}
