/*
 * The files of a pushed commit, one by one: paths that are people's to write,
 * canonical bytes, content that fits its path.  What is wrong is told with its
 * line, for somebody who has the file open in an editor.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/push_int.h"

enum { PROBLEMS_MAX = 20 };

struct reading { /* a commit, as a diff visits its files */
	const char *commit;
	struct model *model;
	unsigned problems_n;
};

static bool is_people_s(const char *path)
{
	return strncmp(path, "users/", 6) == 0 || strncmp(path, "servers/", 8) == 0 ||
	    strcmp(path, "network.json") == 0;
}

/* Does a word of the message say this key? */
static bool names_key(const char *message, const char *key, size_t len)
{
	const char *at = message;

	for (; (at = strchr(at, *key)); at++)
		if (strncmp(at, key, len) == 0 &&
		    (at == message || (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
		    !isalnum((unsigned char)at[len]) && at[len] != '_')
			return true;
	return false;
}

size_t flow_find_line(const char *text, size_t len, const char *message)
{
	const char *end = text + len, *key;
	size_t line, n;

	if (strncmp(message, "line ", 5) == 0)
		return strtoul(message + 5, NULL, 10);
	for (line = 1; text < end; line++) {
		key = text + strspn(text, " ");
		n = *key == '"' ? strcspn(key + 1, "\"\n") : 0;
		if (n && key[n + 1] == '"' && key[n + 2] == ':' && names_key(message, key + 1, n))
			return line;
		text = memchr(text, '\n', (size_t)(end - text));
		text = text ? text + 1 : end;
	}
	return 0;
}

/* The first line that differs from what it should be. */
static size_t find_difference(const char *a, size_t a_len, const struct buf *b)
{
	size_t i, line = 1;

	for (i = 0; i < a_len && i < b->len && a[i] == b->data[i]; i++)
		line += a[i] == '\n';
	return line;
}

static int check_canonical(struct job *j, const char *bytes, size_t len, size_t *line)
{
	struct json *tree;
	struct buf b;

	if (json_parse(j, bytes, len, &tree))
		return j->error;
	buf_open(&b, j->arena);
	json_print_canonical(&b, tree);
	if (b.len == len && memcmp(b.data, bytes, len) == 0)
		return 0;
	*line = find_difference(bytes, len, &b);
	return job_fail(j, E_INVALID, "push_refused", "not canonical: run `jq -S .` or `vpnunit fmt` on it");
}

/* The model's words without the path, which stands before them anyway. */
static const char *strip_path(const char *message, const char *path)
{
	size_t len = strlen(path);

	return strncmp(message, path, len) == 0 && strncmp(message + len, ": ", 2) == 0 ? message + len + 2
											: message;
}

static int check_file(
    struct job *j, struct reading *r, const char *path, const struct state_text *t, size_t *line)
{
	const char *text, *copy;

	if (!is_people_s(path))
		return job_fail(j, E_INVALID, "push_refused",
		    "a push changes users/, servers/ and network.json alone: what "
		    "is issued and revoked, and who may do what, is the service's to write");
	if (!t->bytes && strncmp(path, "users/", 6) != 0)
		return job_fail(j, E_INVALID, "push_refused", "settings can be changed, but not removed");
	if (!t->bytes)
		return model_remove(j, r->model, path);
	if (check_canonical(j, t->bytes, t->len, line) == 0 &&
	    model_put(j, r->model, path, t->bytes, t->len) == 0)
		return 0;
	if (*line)
		return j->error;
	text = strip_path(j->message, path);
	copy = arena_strndup(j->arena, t->bytes, t->len);
	/* Fields stand before a colon; other words only happen to be those of a key. */
	*line = strncmp(text, "line ", 5) == 0
	    ? flow_find_line(copy, t->len, text)
	    : flow_find_line(copy, t->len, arena_strndup(j->arena, text, strcspn(text, ":/ ")));
	return j->error;
}

static int visit(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	struct state_text t = { bytes, len };
	struct reading *r = context;
	struct job look; /* for each file, so that all are looked at */
	size_t line = 0;

	if (r->problems_n == PROBLEMS_MAX)
		return 0;
	job_open(&look);
	if (check_file(&look, r, path, &t, &line)) {
		r->problems_n++;
		flow_refuse_push(j, r->commit, path, line, strip_path(look.message, path));
	}
	job_close(&look);
	return 0;
}

int flow_check_pushed_files(struct job *j, struct state *s, const struct oid *parent,
    const struct oid *commit, const struct model *before)
{
	struct reading r = { .commit = commit->hex, .model = model_fork(before) };

	state_diff(j, s, parent, commit, visit, &r);
	model_close(r.model);
	return j->error;
}
