/* `vpnunit verify`: the whole history, beside a service or without one; one line a lie on standard output. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli_int.h"
#include "http/http.h"

static int read_differences(struct job *j, const struct buf *answer, char ***out)
{
	const struct json *list, *entry;
	struct json *top;
	size_t n = 0;

	if (json_parse(j, answer->data, answer->len, &top) ||
	    json_want_array(j, top, "differences", true, &list))
		return j->error;
	for (entry = list->child; entry; entry = entry->next)
		n++;
	*out = arena_alloc(j->arena, (n + 1) * sizeof(**out));
	for (entry = list->child, n = 0; entry; entry = entry->next)
		(*out)[n++] = arena_strdup(
		    j->arena, entry->type == JSON_STRING ? entry->string : "bad answer");
	return 0;
}

/* Only its writer knows when the disk is at rest. Nobody listens: NULL, and we compare by ourselves. */
static int ask_service(struct job *j, struct arguments *a, char ***differences)
{
	struct http_call call = {
		.socket = cli_path(j, a, "run/vpnunit.sock"), .method = "GET", .path = "/render"
	};
	struct buf token, answer;
	int status, error;

	buf_open(&answer, j->arena);
	if (cli_read_token(j, a, &token)) {
		job_clear(j); /* no service has been here yet, or it will say so itself */
		buf_open(&token, j->arena);
	}
	call.token = token.data;
	error = http_ask(j, &call, &status, &answer);
	digest_cleanse(token.data, token.len);
	if (error) {
		if (strcmp(j->code, "not_listening") != 0)
			return error;
		job_clear(j);
		return 0;
	}
	if (status != 200)
		return job_fail(
		    j, E_IO, "verify", "the running service answered %d: %s", status, answer.data);
	return read_differences(j, &answer, differences);
}

static void tell(const struct flow_verdict *v)
{
	printf("%zu commits, all signed by %s", v->commits, v->keys);
	if (v->pushed)
		printf(", %zu of them by a commit that accepts what was pushed", v->pushed);
	putchar('\n');
}

int cli_verify(struct job *j, struct arguments *a)
{
	struct flow_options o = cli_flow_options(a);
	struct flow_verify in = { .expect = a->expect, .keys = a->keys.word, .keys_n = a->keys.n };
	struct flow_verdict verdict = { .lies_n = 0 };
	size_t i;

	if (ask_service(j, a, &in.differences) == 0)
		flow_verify(j, &o, &in, &verdict);
	for (i = 0; i < verdict.lies_n; i++)
		printf("%s\n", verdict.lies[i]);
	if (!j->error && !verdict.lies_n)
		tell(&verdict);
	return j->error || verdict.lies_n ? EXIT_REFUSED : 0;
}
