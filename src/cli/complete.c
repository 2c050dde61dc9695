/*
 * `vpnunit complete WORD...`: what the last word, which may be empty, could become, one a line.  The
 * shells' completions ask it, so that they know what this binary knows, and the names of what is there.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"

enum { PATIENCE_SECONDS = 1 };

static void offer(const char *prefix, const char *word, size_t len)
{
	if (strncmp(word, prefix, strlen(prefix)) == 0 && strlen(prefix) <= len)
		printf("%.*s\n", (int)len, word);
}

/* The words at one place of the commands' names: nouns, or the verbs of one noun; each once. */
static void offer_names(struct job *j, const char *before, const char *prefix)
{
	const size_t skip = strlen(before);
	const struct command *c;
	const char *last = "";
	size_t i;

	for (i = 0; (c = cli_command_at(i)) != NULL; i++) {
		const char *word = c->name + skip;
		size_t len;

		if (strncmp(c->name, before, skip) != 0)
			continue;
		len = strcspn(word, " ");
		if (len != strlen(last) || strncmp(word, last, len) != 0)
			offer(prefix, word, len);
		last = arena_strndup(j->arena, word, len);
	}
}

static void offer_options(const struct command *c, const char *prefix)
{
	const char *p = c->options;

	for (; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (strlen(prefix) <= len + 2 && strncmp(p, prefix + 2, strlen(prefix) - 2) == 0)
			printf("--%.*s\n", (int)len, p);
	}
}

/* The service may be down, slow or closed to who asks: then there is nothing to offer, and nothing to say. */
static void offer_objects(struct job *j, const struct arguments *a, const char *path, const char *prefix)
{
	struct http_call call = { .method = "GET", .path = path, .patience = PATIENCE_SECONDS };
	struct http_answer answer;
	const struct json *v;
	struct json *list;

	if (cli_ask(j, a, &call, &answer) == 0 &&
	    json_parse(j, answer.body.data, answer.body.len, &list) == 0)
		for (v = list->child; v; v = v->next)
			if (cli_string(v, "name"))
				offer(prefix, cli_string(v, "name"), strlen(cli_string(v, "name")));
	job_clear(j);
}

/* What a placeholder of the tables stands for: words to choose from, or names that the service knows. */
static void offer_value(struct job *j, const struct arguments *a, const char *what, const char *prefix)
{
	const size_t len = strcspn(what, " ]");

	if (strncmp(what, "USER", len) == 0)
		offer_objects(j, a, "/users?limit=10000", prefix);
	else if (strncmp(what, "GATEWAY", len) == 0)
		offer_objects(j, a, "/gateways?limit=10000", prefix);
	else if (strncmp(what, "TOKEN", len) == 0)
		offer_objects(j, a, "/tokens", prefix);
	else if (strncmp(what, "SIGNER", len) == 0)
		offer_objects(j, a, "/signers", prefix);
	else if (cli_is_choice(what))
		for (; *what && *what != ' '; what += strcspn(what, "| "), what += *what == '|')
			offer(prefix, what, strcspn(what, "| "));
}

/* The n-th thing that the command takes, without the bracket of what may be left out. */
static const char *find_taken(const char *takes, size_t n)
{
	while (n-- > 0 && *takes) {
		takes += strcspn(takes, " ");
		takes += strspn(takes, " ");
	}
	return takes + (*takes == '[');
}

/* What stands before the last word: how many of the things that the command takes, and an option that waits. */
static size_t count_taken(char *const *words, size_t n, const char **waiting)
{
	size_t i, taken = 0;

	*waiting = NULL;
	for (i = 0; i < n; i++) {
		if (*waiting)
			*waiting = NULL;
		else if (strncmp(words[i], "--", 2) == 0)
			*waiting = cli_option_value(words[i] + 2);
		else if (strcmp(words[i], "-o") == 0)
			*waiting = cli_option_value("out");
		else
			taken++;
	}
	return taken;
}

/* --data and --url of the line that is being written say which service knows the names. */
static void read_place(char *const *words, size_t n, struct arguments *out)
{
	size_t i;

	for (i = 0; i + 1 < n; i++) {
		if (strcmp(words[i], "--data") == 0)
			out->data = words[i + 1];
		else if (strcmp(words[i], "--url") == 0)
			out->url = words[i + 1];
		else if (strcmp(words[i], "--token-file") == 0)
			out->token_file = words[i + 1];
	}
}

int cli_complete(struct job *j, struct arguments *a)
{
	const size_t before = a->rest_n - 1;
	const char *prefix = a->rest[before], *waiting;
	const struct command *c = NULL;
	size_t used = 0, taken;

	if (before)
		c = cli_find(j, a->rest, before, &used);
	job_clear(j);
	if (!c) {
		if (before < 2)
			offer_names(j, before ? arena_printf(j->arena, "%s ", a->rest[0]) : "", prefix);
		return 0;
	}
	read_place(a->rest, before, a);
	taken = count_taken(a->rest + used, before - used, &waiting);
	if (waiting)
		offer_value(j, a, waiting, prefix);
	else if (strncmp(prefix, "--", 2) == 0 || strcmp(prefix, "-") == 0)
		offer_options(c, prefix[1] ? prefix : "--");
	else
		offer_value(j, a, find_taken(c->takes, taken), prefix);
	return 0;
}
