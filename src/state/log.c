/*
 * Commits as entries of a log: what each says, in which order they came, and
 * how two texts differ.  Trailers are the last paragraph of a message, as
 * `git interpret-trailers --parse` finds them.
 */
#include <string.h>
#include <strings.h>

#include "state/state_int.h"

/* How many bytes the character at p takes; 0 where it is no UTF-8 (RFC 3629). */
static size_t utf8_length(const unsigned char *p)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0, i;

	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
	    (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* A copy; a commit made elsewhere may be in any encoding, and what is no UTF-8 becomes '?'. */
static const char *copy_text(struct arena *a, const char *text)
{
	unsigned char *copy = (unsigned char *)arena_strdup(a, text ? text : ""), *p;
	size_t len;

	for (p = copy; *p; p += len) {
		len = utf8_length(p);
		if (!len) {
			*p = '?';
			len = 1;
		}
	}
	return (const char *)copy;
}

/* The value of a trailer of a message; "" where there is none. */
static const char *find_trailer(struct arena *a, const git_message_trailer_array *all, const char *key)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		if (strcasecmp(all->trailers[i].key, key) == 0)
			return copy_text(a, all->trailers[i].value);
	return "";
}

static int read_trailers(struct job *j, const git_commit *c, struct state_commit *out)
{
	git_message_trailer_array all = { 0 };
	int rc;

	rc = git_message_trailers(&all, git_commit_message(c));
	if (rc < 0)
		return state_fail(j, rc, "message of commit %s", out->id.hex);
	out->change = find_trailer(j->arena, &all, "Change");
	out->reason = find_trailer(j->arena, &all, "Reason");
	out->idempotency = find_trailer(j->arena, &all, "Idempotency-Key");
	out->accepts = find_trailer(j->arena, &all, "Accepts");
	git_message_trailer_array_free(&all);
	return 0;
}

int state_read_commit(struct job *j, struct state *s, const struct oid *id, struct state_commit *out)
{
	git_commit *c = NULL;

	memset(out, 0, sizeof(*out));
	if (state_commit(j, s, id, &c))
		return j->error;
	state_print_oid(git_commit_id(c), &out->id);
	if (git_commit_parentcount(c))
		state_print_oid(git_commit_parent_id(c, 0), &out->parent);
	out->parents_n = git_commit_parentcount(c);
	out->time = git_commit_time(c);
	out->actor = copy_text(j->arena, git_commit_author(c)->name);
	out->subject = copy_text(j->arena, git_commit_summary(c));
	read_trailers(j, c, out);
	git_commit_free(c);
	return j->error;
}

static int open_walk(struct state *s, const struct oid *from, const struct oid *to, git_revwalk **walk)
{
	git_oid id;
	int rc;

	if ((rc = git_revwalk_new(walk, s->repo)) < 0 ||
	    (rc = git_revwalk_sorting(*walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE)) < 0 ||
	    (rc = git_oid_fromstr(&id, to->hex)) < 0 || (rc = git_revwalk_push(*walk, &id)) < 0)
		return rc;
	if (from->hex[0] && (rc = git_oid_fromstr(&id, from->hex)) == 0)
		rc = git_revwalk_hide(*walk, &id);
	return rc;
}

/* NOLINTNEXTLINE(readability-function-size): a list and its length count as one */
int state_list_commits(
    struct job *j, struct state *s, const struct oid *from, const struct oid *to, struct oid **out, size_t *n)
{
	git_revwalk *walk = NULL;
	struct oid *list = NULL;
	size_t cap = 0;
	git_oid id;
	int rc;

	*n = 0;
	if (state_use(j, s))
		return j->error;
	rc = open_walk(s, from, to, &walk);
	while (rc == 0 && (rc = git_revwalk_next(&id, walk)) == 0) {
		if (*n == cap) {
			struct oid *old = list;

			cap = cap ? cap * 2 : 64;
			list = arena_alloc(j->arena, cap * sizeof(*list));
			if (old)
				memcpy(list, old, *n * sizeof(*list));
		}
		state_print_oid(&id, &list[(*n)++]);
	}
	git_revwalk_free(walk);
	*out = list;
	return rc == GIT_ITEROVER ? 0 : state_fail(j, rc, "history of %s", to->hex);
}

/* NOLINTNEXTLINE(readability-function-size): both texts and where they go */
int state_diff_text(struct job *j, const char *path, const struct state_text *before,
    const struct state_text *after, struct buf *out)
{
	git_diff_options options;
	git_patch *patch = NULL;
	git_buf text = { 0 };
	int rc;

	buf_open(out, j->arena);
	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_FORCE_TEXT;
	rc = git_patch_from_buffers(&patch, before->bytes, before->len, before->bytes ? path : NULL,
	    after->bytes, after->len, after->bytes ? path : NULL, &options);
	if (rc == 0 && patch)
		rc = git_patch_to_buf(&text, patch);
	if (rc < 0)
		state_fail(j, rc, "cannot compare %s", path);
	else if (text.ptr)
		buf_add(out, text.ptr, text.size);
	git_buf_dispose(&text);
	git_patch_free(patch);
	return j->error;
}
