/*
 * DATA/deployed.json: the commit that the kernel's side was brought to, when,
 * in which boot, and what could not be done.  `vpnunit deploy` writes it, the
 * service reads it; they may run under different users and on two sides of a
 * container's wall, so to the reader it is a file from outside.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { RECORD_MAX = 256 * 1024 };

bool record_is_commit(const char *s)
{
	return strlen(s) == OID_HEX - 1 && strspn(s, "0123456789abcdef") == OID_HEX - 1;
}

static const char *record_path(struct job *j, const char *data)
{
	return arena_printf(j->arena, "%s/deployed.json", data);
}

static const char **record_lines(struct job *j, const struct json *list)
{
	const struct json *v = list && list->type == JSON_ARRAY ? list->child : NULL;
	const char *end = NULL;
	struct buf b;

	buf_open(&b, j->arena);
	for (; v; v = v->next)
		if (v->type == JSON_STRING)
			buf_add(&b, &v->string, sizeof(v->string));
	buf_add(&b, &end, sizeof(end));
	return (const char **)(void *)b.data;
}

/* Read text into a record that was emptied before. */
static int record_parse(struct job *j, const struct buf *text, struct record *out)
{
	const char *commit = "";
	struct json *top;

	if (json_parse(j, text->data, text->len, &top) || json_want_string(j, top, "commit", true, &commit) ||
	    json_want_string(j, top, "boot_id", true, &out->boot) ||
	    json_want_string(j, top, "firewall", true, &out->firewall) ||
	    json_want_string(j, top, "rules", false, &out->rules))
		return j->error;
	if (record_is_commit(commit))
		memcpy(out->commit, commit, OID_HEX);
	out->warnings = record_lines(j, json_get(top, "warnings"));
	out->drift = record_lines(j, json_get(top, "drift"));
	return 0;
}

void record_read(struct job *j, const char *data, struct record *out)
{
	struct record empty = { .boot = "",
		.firewall = "",
		.rules = "",
		.warnings = record_lines(j, NULL),
		.drift = record_lines(j, NULL) };
	struct buf text;

	*out = empty;
	if (fs_read(j, record_path(j, data), RECORD_MAX, &text) || record_parse(j, &text, out)) {
		*out = empty;
		job_clear(j);
	}
}

static bool lines_are_equal(const char *const *a, const char *const *b)
{
	size_t i = 0;

	while (a[i] && b[i] && !strcmp(a[i], b[i]))
		i++;
	return !a[i] && !b[i];
}

static bool record_is_equal(const struct record *a, const struct record *b)
{
	return !strcmp(a->commit, b->commit) && !strcmp(a->boot, b->boot) &&
	    !strcmp(a->firewall, b->firewall) && !strcmp(a->rules, b->rules) &&
	    lines_are_equal(a->warnings, b->warnings) && lines_are_equal(a->drift, b->drift);
}

static void record_add_lines(struct job *j, struct json *top, const char *key, const char *const *lines)
{
	struct json *list = json_add(top, key, json_array(j->arena));

	for (; *lines; lines++)
		json_add_string(j->arena, list, NULL, *lines);
}

int record_write(struct job *j, const char *data, const struct record *r)
{
	struct json *top = json_object(j->arena);
	struct record old;
	struct buf text;
	char at[TIME_TEXT];

	record_read(j, data, &old);
	if (record_is_equal(&old, r))
		return 0;
	json_add_string(j->arena, top, "commit", r->commit);
	json_add_string(j->arena, top, "at", time_print(time_now(), at));
	json_add_string(j->arena, top, "boot_id", r->boot);
	json_add_string(j->arena, top, "firewall", r->firewall);
	json_add_string(j->arena, top, "rules", r->rules);
	record_add_lines(j, top, "warnings", r->warnings);
	record_add_lines(j, top, "drift", r->drift);
	buf_open(&text, j->arena);
	json_print_canonical(&text, top);
	/* 0644: the service has to read what root wrote. */
	return fs_write_durable(j, record_path(j, data), text.data, text.len, 0644);
}
