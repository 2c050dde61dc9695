/* What people read: tables, colours where a terminal wants them, progress; and JSON for programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

enum { GAP = 2, ROWS_FIRST = 64 };

static const char *const codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_HEAD] = "\033[1m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARNING] = "\033[33m",
	[STYLE_FAINT] = "\033[2m",
};

/* no-color.org; and a terminal that says that it can nothing. */
bool output_is_coloured(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

void output_print(enum style style, const char *text)
{
	bool is_coloured = style != STYLE_PLAIN && output_is_coloured();

	printf("%s%s%s", is_coloured ? codes[style] : "", text, is_coloured ? "\033[0m" : "");
}

void output_json(struct job *j, const struct json *v)
{
	struct buf b;

	buf_open(&b, j->arena);
	json_print_canonical(&b, v);
	fwrite(b.data, 1, b.len, stdout);
}

void output_answer(
    struct job *j, bool is_json, const struct json *v, void (*print)(struct job *j, const struct json *v))
{
	if (is_json)
		output_json(j, v);
	else
		print(j, v);
}

void output_diff(struct job *j, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		enum style style = *text == '+' ? STYLE_GOOD : *text == '-' ? STYLE_BAD : STYLE_PLAIN;

		output_print(style, output_printable(j, arena_strndup(j->arena, text, len)));
		putchar('\n');
		text += len + (text[len] == '\n');
	}
}

/* Control characters of names and reasons that came from elsewhere are not the terminal's to obey. */
const char *output_printable(struct job *j, const char *text)
{
	char *copy = arena_strdup(j->arena, text ? text : "");
	unsigned char *p;

	for (p = (unsigned char *)copy; *p; p++)
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f) {
			*p = '?';
		} else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) { /* C1 in UTF-8 */
			*p++ = '?';
			*p = '?';
		}
	return copy;
}

void table_open(struct table *t, struct job *j, const char *const *heads)
{
	*t = (struct table){ .job = j };
	while (heads[t->columns])
		t->columns++;
	if (heads[0][0])
		for (size_t i = 0; i < t->columns; i++)
			table_add(t, STYLE_HEAD, heads[i]);
}

void table_add(struct table *t, enum style style, const char *text)
{
	struct cell *more;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : ROWS_FIRST * t->columns;
		more = arena_alloc(t->job->arena, t->cap * sizeof(*more));
		if (t->n)
			memcpy(more, t->cells, t->n * sizeof(*more));
		t->cells = more;
	}
	t->cells[t->n++] = (struct cell){ output_printable(t->job, text), style };
}

void table_add_state(struct table *t, const struct json *o)
{
	const struct json *v = json_get(o, "enabled");
	bool is_enabled = !v || v->boolean;

	table_add(t, is_enabled ? STYLE_PLAIN : STYLE_BAD, is_enabled ? "enabled" : "disabled");
}

void table_add_pair(struct table *t, const char *key, const char *value)
{
	table_add(t, STYLE_HEAD, key);
	table_add(t, STYLE_PLAIN, value);
}

/* Characters, not bytes: what continues one is 10xxxxxx. */
static size_t count_columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void table_print(const struct table *t)
{
	size_t *widths = arena_alloc(t->job->arena, t->columns * sizeof(*widths)), i, len;

	for (i = 0; i < t->n; i++) {
		len = count_columns(t->cells[i].text);
		if (len > widths[i % t->columns])
			widths[i % t->columns] = len;
	}
	for (i = 0; i < t->n; i++) {
		output_print(t->cells[i].style, t->cells[i].text);
		if (i % t->columns == t->columns - 1)
			putchar('\n');
		else
			printf(
			    "%*s", (int)(widths[i % t->columns] - count_columns(t->cells[i].text) + GAP), "");
	}
}

static bool is_progress_shown;

void progress_tell(const char *text, size_t done, size_t all)
{
	if (!isatty(STDERR_FILENO))
		return;
	is_progress_shown = true;
	if (all)
		fprintf(stderr, "\r%s %zu of %zu\033[K", text, done, all);
	else
		fprintf(stderr, "\r%s %zu\033[K", text, done);
}

void progress_wait(unsigned seconds)
{
	if (seconds > 1)
		progress_tell("waiting for the service, seconds:", seconds, 0);
}

void progress_end(void)
{
	if (is_progress_shown)
		fprintf(stderr, "\r\033[K");
	is_progress_shown = false;
}
