/* The running service asked from a shell, over its own socket; what it refuses fails with its words. */
#include <string.h>

#include "base/fs.h"
#include "cli/cli_int.h"
#include "cli/output.h"

const char *cli_string(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v && v->type == JSON_STRING ? v->string : NULL;
}

static int read_token(struct job *j, const char *path, struct buf *out)
{
	enum { TOKEN_MAX = 4096 };

	if (fs_read(j, path, TOKEN_MAX, out))
		return j->error;
	out->len = strcspn(out->data, "\r\n");
	out->data[out->len] = '\0';
	return 0;
}

int cli_read_token(struct job *j, const struct arguments *a, struct buf *out)
{
	return read_token(j, cli_path(j, a, "secrets/admin.token"), out);
}

/* The problem's words, and which member of what was sent is meant. */
int cli_fail_refused(struct job *j, const struct json *problem)
{
	const struct json *errors = json_get(problem, "errors"), *e;
	struct buf text;

	buf_open(&text, j->arena);
	buf_puts(
	    &text, cli_string(problem, "detail") ? cli_string(problem, "detail") : "the service refused");
	for (e = errors ? errors->child : NULL; e; e = e->next)
		buf_printf(&text, "%s%s", e == errors->child ? " (" : ", ", cli_string(e, "field"));
	if (errors && errors->child)
		buf_puts(&text, ")");
	return job_fail(j, E_INVALID, "refused", "%s", output_printable(j, text.data));
}

/* A token of this machine is for this machine's service: elsewhere only one that was given goes. */
static int find_token(struct job *j, const struct arguments *a, struct buf *out)
{
	buf_open(out, j->arena);
	if (a->token_file)
		return read_token(j, a->token_file, out);
	if (!a->url && cli_read_token(j, a, out)) {
		job_clear(j); /* the service may know us by the socket, or says what it wants */
		buf_open(out, j->arena);
	}
	return 0;
}

int cli_call(struct job *j, const struct arguments *a, struct http_call *call, struct http_answer *out)
{
	static const char scheme[] = "unix:";
	struct buf token;

	if (find_token(j, a, &token))
		return j->error;
	if (!a->url)
		call->socket = cli_path(j, a, "run/vpnunit.sock");
	else if (strncmp(a->url, scheme, sizeof(scheme) - 1) == 0)
		call->socket = a->url + sizeof(scheme) - 1;
	else
		call->url = a->url;
	call->token = token.len ? token.data : NULL;
	http_ask(j, call, out);
	digest_cleanse(token.data, token.len);
	call->token = NULL;
	return j->error;
}

int cli_ask(struct job *j, const struct arguments *a, struct http_call *call, struct http_answer *out)
{
	struct json *problem;

	if (cli_call(j, a, call, out))
		return j->error;
	if (out->status < 300)
		return 0;
	return json_parse(j, out->body.data, out->body.len, &problem) ? j->error
								      : cli_fail_refused(j, problem);
}

int cli_get(struct job *j, const struct arguments *a, const char *path, struct json **out)
{
	struct http_call call = { .method = "GET", .path = path };
	struct http_answer answer;

	if (cli_ask(j, a, &call, &answer))
		return j->error;
	return json_parse(j, answer.body.data, answer.body.len, out);
}

void cli_add_query(struct buf *path, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', key);
	http_encode(path, value);
}

/* Link: <PATH>; rel="next" */
static const char *find_next(struct job *j, const struct http_answer *answer)
{
	const char *link = http_answer_header(j, answer, "Link"), *end = link ? strchr(link, '>') : NULL;

	return end && *link == '<' && strstr(end, "rel=\"next\"")
	    ? arena_strndup(j->arena, link + 1, (size_t)(end - link - 1))
	    : NULL;
}

int cli_get_list(
    struct job *j, const struct arguments *a, const char *path, const char *what, struct json **out)
{
	struct json *page, *v, *next;
	struct http_answer answer;
	size_t n = 0;

	*out = json_array(j->arena);
	for (; path; path = find_next(j, &answer)) {
		struct http_call call = { .method = "GET", .path = path };

		if (n)
			progress_tell(what, n, 0);
		if (cli_ask(j, a, &call, &answer) || json_parse(j, answer.body.data, answer.body.len, &page))
			break;
		for (v = page->child; v; v = next, n++) {
			next = v->next;
			v->next = NULL;
			json_add(*out, NULL, v);
		}
	}
	progress_end();
	return j->error;
}
