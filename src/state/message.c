/*
 * What a commit says: a subject, and trailers as its last paragraph, in the
 * form that `git interpret-trailers --parse` reads.  A value is one line: no
 * reason can forge a trailer.
 */
#include <ctype.h>
#include <string.h>

#include "state/state_int.h"

/* One line without control characters or blanks at its ends. */
static const char *one_line(struct job *j, const char *text)
{
	char *line = arena_strdup(j->arena, text), *p;
	size_t len;

	for (p = line; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	line += strspn(line, " ");
	for (len = strlen(line); len && line[len - 1] == ' '; len--)
		line[len - 1] = '\0';
	return line;
}

static void add_trailer(struct job *j, struct buf *b, const char *key, const char *value)
{
	const char *line = value ? one_line(j, value) : "";

	if (*line)
		buf_printf(b, "%s: %s\n", key, line);
}

const char *state_message(struct job *j, const struct plan *plan)
{
	const struct plan_trailer *t;
	struct buf b;

	buf_open(&b, j->arena);
	buf_printf(&b, "%s\n\n", one_line(j, plan->subject));
	if (plan->body)
		buf_printf(&b, "%s\n\n", plan->body);
	add_trailer(j, &b, "Change", plan->change);
	add_trailer(j, &b, "Request-Id", plan->request_id);
	add_trailer(j, &b, "Reason", plan->reason);
	for (t = plan->trailers; t; t = t->next)
		add_trailer(j, &b, t->key, t->value);
	return b.data;
}

/* git cuts these off both ends of a name, and refuses what is left of nothing. */
static bool is_crud(char c)
{
	return (unsigned char)c <= ' ' || strchr(".,:;<>\"\\'", c);
}

const char *state_author_name(struct job *j, const char *actor)
{
	char *name = arena_strdup(j->arena, one_line(j, actor ? actor : "")), *p;
	bool is_empty = true;

	for (p = name; *p; p++) {
		if (*p == '<' || *p == '>')
			*p = '-';
		is_empty = is_empty && is_crud(*p);
	}
	return is_empty ? "unknown" : name;
}

const char *state_author_email(struct job *j, const char *actor)
{
	char *local = arena_strdup(j->arena, state_author_name(j, actor)), *p;

	for (p = local; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
			*p = '-';
	}
	return arena_printf(j->arena, "%s@vpnunit", local);
}
