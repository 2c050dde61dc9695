/* The running service asked from a shell, over its own socket; what it refuses fails with its words. */
#include <string.h>

#include "cli/cli_int.h"
#include "http/http.h"

const char *cli_string(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v && v->type == JSON_STRING ? v->string : NULL;
}

const char *cli_printable(struct job *j, const char *text)
{
	char *copy = arena_strdup(j->arena, text ? text : ""), *p;

	for (p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

/* The problem's words, and which member of what was sent is meant. */
static int fail_refused(struct job *j, const struct json *problem)
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
	return job_fail(j, E_INVALID, "refused", "%s", cli_printable(j, text.data));
}

int cli_ask_raw(struct job *j, const struct arguments *a, struct http_call *call, struct buf *out)
{
	struct json *problem;
	struct buf token;
	int status;

	buf_open(out, j->arena);
	if (cli_read_token(j, a, &token))
		return j->error;
	call->socket = cli_path(j, a, "run/vpnunit.sock");
	call->token = token.data;
	http_ask(j, call, &status, out);
	digest_cleanse(token.data, token.len);
	call->token = NULL;
	if (j->error || status < 300)
		return j->error;
	return json_parse(j, out->data, out->len, &problem) ? j->error : fail_refused(j, problem);
}

static int ask_json(struct job *j, const struct arguments *a, struct http_call *call, struct json **out)
{
	struct buf answer;

	if (cli_ask_raw(j, a, call, &answer))
		return j->error;
	return json_parse(j, answer.data, answer.len, out);
}

int cli_ask(struct job *j, const struct arguments *a, const char *path, struct json **out)
{
	return ask_json(j, a, &(struct http_call){ .method = "GET", .path = path }, out);
}

int cli_post(struct job *j, const struct arguments *a, const char *path, const char *body, struct json **out)
{
	return ask_json(j, a, &(struct http_call){ .method = "POST", .path = path, .body = body }, out);
}
