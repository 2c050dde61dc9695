/* What commands print: tables for people, JSON for programs, progress on a terminal's standard error. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/job.h"
#include "base/json.h"

enum style { STYLE_PLAIN, STYLE_HEAD, STYLE_BAD, STYLE_GOOD, STYLE_WARNING, STYLE_FAINT };

/* Standard output is a terminal, and NO_COLOR is not set. */
bool output_is_coloured(void);
void output_print(enum style style, const char *text);
void output_json(struct job *j, const struct json *v);
/* As JSON, or by the function that prints it for people. */
void output_answer(struct job *j, bool is_json, const struct json *v,
    void (*print)(struct job *j, const struct json *v));
/* A unified diff, its lines coloured. */
void output_diff(struct job *j, const char *text);
/* In the arena; NULL is "". */
const char *output_printable(struct job *j, const char *text);

struct cell {
	const char *text;
	enum style style;
};

struct table {
	struct job *job;
	size_t columns, n, cap;
	struct cell *cells; /* row by row */
};

/* The NULL-terminated heads; "" as the first: a table without a line of heads, as wide as the list is long. */
void table_open(struct table *t, struct job *j, const char *const *heads);
/* The next cell, copied. */
void table_add(struct table *t, enum style style, const char *text);
/* A cell that says whether the object is enabled. */
void table_add_state(struct table *t, const struct json *o);
/* Two cells of a table without heads. */
void table_add_pair(struct table *t, const char *key, const char *value);
void table_print(const struct table *t);

/* "TEXT 3 of 10", written over by the next; all 0: how many there are is not known. */
void progress_tell(const char *text, size_t done, size_t all);
/* Fits a call's on_wait. */
void progress_wait(unsigned seconds);
void progress_end(void);

#endif
