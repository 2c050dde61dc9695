/*
 * Signatures of commits: made by whoever holds the key, of which this room
 * knows nothing, and read back with the bytes that they cover.
 */
#include <string.h>

#include "state/state_int.h"

#define FIELD "gpgsig "

void state_set_signer(struct state *s, state_sign sign, void *context)
{
	s->sign = sign;
	s->sign_context = context;
}

/* A header's further lines begin with a space. */
static void add_field(struct buf *commit, const char *text, size_t len)
{
	const char *end = text + len, *line;

	buf_puts(commit, FIELD);
	for (; (line = memchr(text, '\n', (size_t)(end - text))) && line + 1 < end; text = line + 1) {
		buf_add(commit, text, (size_t)(line + 1 - text));
		buf_putc(commit, ' ');
	}
	buf_add(commit, text, (size_t)((line ? line : end) - text));
	buf_putc(commit, '\n');
}

int state_write_signed(struct job *j, struct state *s, struct buf *commit, const char *message, git_oid *out)
{
	size_t headers = commit->len;
	struct buf signature;

	buf_printf(commit, "\n%s", message);
	if (s->sign) {
		buf_open(&signature, j->arena);
		if (s->sign(j, s->sign_context, commit->data, commit->len, &signature))
			return j->error;
		commit->len = headers;
		add_field(commit, signature.data, signature.len);
		buf_printf(commit, "\n%s", message);
	}
	return state_write(j, s, GIT_OBJECT_COMMIT, commit->data, commit->len, out);
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
