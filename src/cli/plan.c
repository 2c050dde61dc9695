/* What a change would do, or did, for people: files, certificates, who is in and who is out. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"
#include "cli/output.h"

static void print_word(FILE *to, struct job *j, const char *what, const struct json *v)
{
	const char *name = v->type == JSON_STRING ? v->string : cli_string(v, "name");
	const char *serial = cli_string(v, "serial");

	fprintf(to, "%-13s %s", what, output_printable(j, name));
	if (serial)
		fprintf(to, " (%s)", serial);
	fputc('\n', to);
}

static void print_list(FILE *to, struct job *j, const char *what, const struct json *list)
{
	const struct json *v;

	for (v = list ? list->child : NULL; v; v = v->next)
		print_word(to, j, what, v);
}

static void print_summary(struct job *j, const struct json *o)
{
	print_list(stdout, j, "issued", json_get(o, "issued"));
	print_list(stdout, j, "revoked", json_get(o, "revoked"));
	print_list(stdout, j, "loses access", json_get(o, "loses_access"));
	print_list(stdout, j, "needs config", json_get(o, "needs_config"));
}

void plan_print_losses(struct job *j, const struct json *plan)
{
	fprintf(stderr, "This takes access away:\n");
	print_list(stderr, j, "revoked", json_get(plan, "revoked"));
	print_list(stderr, j, "loses access", json_get(plan, "loses_access"));
}

void plan_print_intent(struct job *j, const struct json *files)
{
	static const char *const sides[] = { "before", "after" };
	const struct json *f, *side;
	struct buf text;
	size_t i;

	for (f = files ? files->child : NULL; f; f = f->next) {
		printf("\n%s\n", output_printable(j, cli_string(f, "path")));
		for (i = 0; i < 2; i++) {
			side = json_get(f, sides[i]);
			if (!side || side->type == JSON_NULL)
				continue;
			buf_open(&text, j->arena);
			buf_puts(&text, i ? "+ " : "- ");
			json_print_compact(&text, side);
			output_diff(j, text.data);
		}
	}
}

void plan_print_rendered(struct job *j, const struct json *files)
{
	const struct json *f;

	for (f = files ? files->child : NULL; f; f = f->next) {
		putchar('\n');
		output_diff(j, cli_string(f, "diff") ? cli_string(f, "diff") : "");
	}
}

void plan_print(struct job *j, const struct json *o)
{
	const struct json *w = json_get(o, "warnings");

	printf("%-13s %.12s: nothing is changed\n", "dry run at", cli_string(o, "commit"));
	print_summary(j, o);
	print_list(stdout, j, "warning", w);
	plan_print_intent(j, json_get(o, "state"));
	plan_print_rendered(j, json_get(o, "rendered"));
}

static bool is_empty(const struct json *answer, const char *key)
{
	const struct json *list = json_get(answer, key);

	return !list || !list->child;
}

void plan_print_done(struct job *j, const struct json *answer)
{
	if (is_empty(answer, "files") && is_empty(answer, "issued") && is_empty(answer, "revoked"))
		printf("nothing to do: all that was asked for is so already, at %.12s\n",
		    cli_string(answer, "commit"));
	else
		printf("%-13s %s\n", "commit", cli_string(answer, "commit"));
	print_list(stdout, j, "file", json_get(answer, "files"));
	print_summary(j, answer);
}
