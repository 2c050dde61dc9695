/* `vpnunit render`: by itself, or through the service that holds the folder. */
#include <stdio.h>

#include "cli/cli_int.h"

/* A service holds the folder: let it do the work. */
static int render_by_service(struct job *j, struct arguments *a)
{
	struct http_call call = { .method = a->check ? "GET" : "POST", .path = "/render" };
	const struct json *list = NULL, *v;
	struct http_answer answer;
	struct json *o;

	job_clear(j);
	if (cli_ask(j, a, &call, &answer) || !a->check)
		return j->error ? EXIT_REFUSED : 0;
	if (json_parse(j, answer.body.data, answer.body.len, &o) ||
	    json_want_array(j, o, "differences", true, &list))
		return EXIT_REFUSED;
	for (v = list->child; v; v = v->next) /* one line each, as without a service */
		if (v->type == JSON_STRING)
			printf("%s\n", v->string);
	return list->child ? EXIT_DIFFERS : 0;
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
