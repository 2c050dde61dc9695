/*
 * The history for people: `vpnunit log`, `show` and `whois`.  The running
 * service answers; without one, whois reads the database by itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"
#include "http/http.h"
#include "query/query.h"

static void print_entry(struct job *j, const struct json *e)
{
	printf("%s %.12s %s: %s\n", cli_string(e, "time"), cli_string(e, "commit"),
	    cli_printable(j, cli_string(e, "actor")), cli_printable(j, cli_string(e, "subject")));
	if (cli_string(e, "reason"))
		printf("    reason: %s\n", cli_printable(j, cli_string(e, "reason")));
}

/* "user=joe" and so on, as the API's parameters. */
static int print_query(struct job *j, const struct arguments *a, struct buf *path)
{
	size_t i;

	buf_open(path, j->arena);
	buf_puts(path, "/log");
	for (i = 0; i < a->rest_n; i++) {
		const char *value = strchr(a->rest[i], '=');

		if (!value)
			return cli_usage(j,
			    arena_printf(
				j->arena, "log: \"%s\" is no filter such as user=johndoe", a->rest[i]));
		buf_printf(path, "%c", i ? '&' : '?');
		http_encode(path, arena_strndup(j->arena, a->rest[i], (size_t)(value - a->rest[i])));
		buf_putc(path, '=');
		http_encode(path, value + 1);
	}
	return 0;
}

int cli_log(struct job *j, struct arguments *a)
{
	const struct json *e;
	struct json *list;
	struct buf path;

	if (print_query(j, a, &path))
		return EXIT_USAGE;
	if (cli_ask(j, a, path.data, &list))
		return EXIT_REFUSED;
	for (e = list->child; e; e = e->next)
		print_entry(j, e);
	return 0;
}

static void print_intent(struct job *j, const struct json *file)
{
	static const char *const sides[] = { "before", "after" };
	size_t i;

	printf("\n%s\n", cli_string(file, "path"));
	for (i = 0; i < 2; i++) {
		const struct json *side = json_get(file, sides[i]);
		struct buf text;

		if (!side || side->type == JSON_NULL)
			continue;
		buf_open(&text, j->arena);
		json_print_compact(&text, side);
		printf("%c %s\n", i ? '+' : '-', text.data);
	}
}

int cli_show(struct job *j, struct arguments *a)
{
	const struct json *list, *f;
	struct json *commit;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/commit/");
	http_encode(&path, a->rest[0]);
	if (cli_ask(j, a, path.data, &commit))
		return EXIT_REFUSED;
	print_entry(j, commit);
	list = json_get(commit, "intent");
	for (f = list ? list->child : NULL; f; f = f->next)
		print_intent(j, f);
	list = json_get(commit, "rendered");
	for (f = list ? list->child : NULL; f; f = f->next)
		printf("\n%s", cli_string(f, "diff"));
	return 0;
}

static int whois_service(struct job *j, const struct arguments *a, struct json **out)
{
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/address/");
	http_encode(&path, a->rest[0]);
	if (a->at) {
		buf_puts(&path, "?at=");
		http_encode(&path, a->at);
	}
	return cli_ask(j, a, path.data, out);
}

/* The same members as the service's answer. */
static int whois_database(struct job *j, const struct arguments *a, struct json **out)
{
	struct query_tenure tenure;
	struct query_entry entry;
	struct query *q = NULL;
	const char *head;
	char text[TIME_TEXT];

	if (query_open(j, a->data, &q) || query_commit(j, q, a->at ? a->at : "HEAD", &entry, &head) ||
	    query_address(j, q, a->rest[0], &entry, &tenure))
		goto out;
	*out = json_object(j->arena);
	json_add_string(j->arena, *out, "user", tenure.user);
	json_add_string(j->arena, *out, "gateway", tenure.gateway);
	json_add_string(j->arena, *out, "prefix", tenure.prefix);
	json_add_string(j->arena, *out, "since", time_print(tenure.since.time, text));
	json_add_string(j->arena, *out, "until", tenure.until ? time_print(tenure.until, text) : NULL);
	json_add_string(j->arena, *out, "commit", tenure.since.commit);
	json_add_string(j->arena, *out, "actor", tenure.since.actor);
out:
	query_close(q);
	return j->error;
}

int cli_whois(struct job *j, struct arguments *a)
{
	struct json *o = NULL;

	if (whois_service(j, a, &o) && strcmp(j->code, "not_listening") == 0) {
		job_clear(j);
		whois_database(j, a, &o);
	}
	if (j->error)
		return EXIT_REFUSED;
	if (cli_string(o, "gateway"))
		printf("gateway %s\n", cli_string(o, "gateway"));
	printf("user    %s\nprefix  %s\n", cli_string(o, "user"), cli_string(o, "prefix"));
	printf("since   %s (commit %.12s by %s)\n", cli_string(o, "since"), cli_string(o, "commit"),
	    cli_printable(j, cli_string(o, "actor")));
	printf("until   %s\n", cli_string(o, "until") ? cli_string(o, "until") : "now");
	return 0;
}
