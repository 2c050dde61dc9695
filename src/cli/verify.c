/* `vpnunit verify`: the whole history, beside a service or without one; one line a lie on standard output. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"

static int read_differences(struct job *j, const struct json *top, char ***out)
{
	const struct json *list, *entry;
	size_t n = 0;

	if (json_want_array(j, top, "differences", true, &list))
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
	struct json *top;

	if (cli_get(j, a, "/render", &top) == 0)
		return read_differences(j, top, differences);
	if (strcmp(j->code, "not_listening") == 0)
		job_clear(j);
	return j->error;
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
