/*
 * The history for people: `vpnunit log`, `show` and `whois`.  The running
 * service answers; without one, whois reads the database by itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"
#include "cli/output.h"
#include "query/query.h"

static void print_entry(struct job *j, const struct json *e)
{
	printf("%s %.12s %s: %s\n", cli_string(e, "time"), cli_string(e, "commit"),
	    output_printable(j, cli_string(e, "actor")), output_printable(j, cli_string(e, "subject")));
	if (cli_string(e, "reason"))
		printf("    reason: %s\n", output_printable(j, cli_string(e, "reason")));
}

/* "user=joe" and so on, as the API's parameters. */
static int print_query(struct job *j, const struct arguments *a, struct buf *path)
{
	size_t i;

	buf_open(path, j->arena);
	buf_puts(path, "/log");
	for (i = 0; i < a->rest_n; i++) {
		const char *value = strchr(a->rest[i], '=');

		if (!value ||
		    strspn(a->rest[i], "abcdefghijklmnopqrstuvwxyz_") < (size_t)(value - a->rest[i]))
			return cli_usage(j,
			    arena_printf(
				j->arena, "log: \"%s\" is no filter such as user=johndoe", a->rest[i]));
		cli_add_query(
		    path, arena_strndup(j->arena, a->rest[i], (size_t)(value - a->rest[i])), value + 1);
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
	if (cli_get_list(j, a, path.data, "commits", &list))
		return EXIT_REFUSED;
	if (a->json)
		output_json(j, list);
	for (e = a->json ? NULL : list->child; e; e = e->next)
		print_entry(j, e);
	return 0;
}

int cli_show(struct job *j, struct arguments *a)
{
	struct json *commit;

	if (cli_get(j, a, cli_url(j, "/commit/", a->rest[0], ""), &commit))
		return EXIT_REFUSED;
	if (a->json) {
		output_json(j, commit);
		return 0;
	}
	print_entry(j, commit);
	plan_print_intent(j, json_get(commit, "intent"));
	plan_print_rendered(j, json_get(commit, "rendered"));
	return 0;
}

static int whois_service(struct job *j, const struct arguments *a, struct json **out)
{
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, cli_url(j, "/address/", a->rest[0], ""));
	cli_add_query(&path, "at", a->at);
	return cli_get(j, a, path.data, out);
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

	if (whois_service(j, a, &o) && strcmp(j->code, "not_listening") == 0 && !a->url) {
		job_clear(j);
		whois_database(j, a, &o);
	}
	if (j->error)
		return EXIT_REFUSED;
	if (a->json) {
		output_json(j, o);
		return 0;
	}
	if (cli_string(o, "gateway"))
		printf("gateway %s\n", cli_string(o, "gateway"));
	printf("user    %s\nprefix  %s\n", cli_string(o, "user"), cli_string(o, "prefix"));
	printf("since   %s (commit %.12s by %s)\n", cli_string(o, "since"), cli_string(o, "commit"),
	    output_printable(j, cli_string(o, "actor")));
	printf("until   %s\n", cli_string(o, "until") ? cli_string(o, "until") : "now");
	return 0;
}
