/*
 * Signatures of commits: made by whoever holds the key, of which this room
 * knows nothing, and read back with the bytes that they cover.
 */
#include <string.h>

#include "state/state_int.h"

#define FIELD "gpgsig "

void state_set_signer(struct state *s, state_sign sign, const void *context)
{
	s->sign = sign;
	s->sign_context = context;
}

int state_write_commit(struct job *j, struct state *s, const git_buf *commit, git_oid *out)
{
	struct state_unasked u;
	struct buf signature;
	int rc;

	buf_open(&signature, j->arena);
	if (s->sign && s->sign(j, s->sign_context, commit->ptr, commit->size, &signature))
		return j->error;
	u = state_begin_write(s);
	rc = git_commit_create_with_signature(
	    out, s->repo, commit->ptr, s->sign ? signature.data : NULL, NULL);
	state_end_write(s, &u);
	return rc < 0 ? state_fail(j, rc, "cannot stage a commit") : 0;
}

/* The end of a header that begins at text: the lines that go on with it begin with a space. */
static const char *header_end(const char *text, const char *end)
{
	do {
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : end;
	} while (text < end && *text == ' ');
	return text;
}

/* The header gpgsig, NULL: none. */
static const char *find_header(const char *text, const char *end)
{
	for (; text < end && *text != '\n'; text = header_end(text, end))
		if ((size_t)(end - text) >= strlen(FIELD) && memcmp(text, FIELD, strlen(FIELD)) == 0)
			return text;
	return NULL;
}

/*
 * A second header of that name stays among the bytes, and no signature covers one.  Not by
 * git_commit_extract_signature, which in 1.5 reads over the end of a commit that was staged here.
 */
static void split(struct job *j, const char *text, size_t len, struct state_signature *out)
{
	const char *end = text + len, *from = find_header(text, end), *to;
	struct buf armour, bytes;

	if (!from)
		return;
	to = header_end(from, end);
	buf_open(&bytes, j->arena);
	buf_add(&bytes, text, (size_t)(from - text));
	buf_add(&bytes, to, (size_t)(end - to));
	buf_open(&armour, j->arena);
	for (from += strlen(FIELD); from < to; from++)
		if (*from != ' ' || from[-1] != '\n')
			buf_putc(&armour, *from);
	out->armour = armour.data;
	out->bytes = bytes.data;
	out->len = bytes.len;
}

int state_read_signature(struct job *j, struct state *s, const struct oid *id, struct state_signature *out)
{
	git_odb_object *object = NULL;
	git_oid raw;
	int rc;

	*out = (struct state_signature){ .armour = NULL };
	if (state_use(j, s))
		return j->error;
	if ((rc = git_oid_fromstr(&raw, id->hex)) < 0 || (rc = git_odb_read(&object, s->odb, &raw)) < 0)
		return state_fail(j, rc, "commit %s", id->hex);
	split(j, git_odb_object_data(object), git_odb_object_size(object), out);
	git_odb_object_free(object);
	return 0;
}
