/* `vpnunit render`: by itself, or through the service that holds the folder. */
#include <stdio.h>

#include "base/json.h"
#include "cli/cli_int.h"
#include "http/http.h"

/* One line each, as without a service. */
static int tell_differences(struct job *j, const struct buf *answer)
{
	const struct json *list = NULL, *v;
	struct json *o;

	if (json_parse(j, answer->data, answer->len, &o) || json_want_array(j, o, "differences", true, &list))
		return EXIT_REFUSED;
	for (v = list->child; v; v = v->next)
		if (v->type == JSON_STRING)
			printf("%s\n", v->string);
	return list->child ? EXIT_DIFFERS : 0;
}

/* A service holds the folder: let it do the work. */
static int render_by_service(struct job *j, struct arguments *a)
{
	struct http_call call = { .socket = cli_path(j, a, "run/vpnunit.sock"),
		.method = a->check ? "GET" : "POST",
		.path = "/render" };
	struct buf token, answer;
	int status;

	job_clear(j);
	buf_open(&answer, j->arena);
	if (cli_read_token(j, a, &token))
		return EXIT_REFUSED;
	call.token = token.data;
	if (http_ask(j, &call, &status, &answer) == 0 && status != 200)
		job_fail(j, E_IO, "render", "the running service answered %d: %s", status, answer.data);
	digest_cleanse(token.data, token.len);
	if (j->error || !a->check)
		return j->error ? EXIT_REFUSED : 0;
	return tell_differences(j, &answer);
}

int cli_render(struct job *j, struct arguments *a)
{
	struct flow_options o = cli_flow_options(a);
	char **differences = NULL, **d;
	int status = 0;

	if (flow_render_offline(j, &o, a->out, a->full || a->out, a->check ? &differences : NULL)) {
		status = EXIT_REFUSED;
		if (j->error == E_BUSY)
			status = render_by_service(j, a);
	}
	cli_tell_warnings(j);
	if (j->error && a->check)
		return EXIT_NOT_CHECKED;
	for (d = differences; d && *d; d++) {
		printf("%s\n", *d);
		status = EXIT_DIFFERS;
	}
	return status;
}
