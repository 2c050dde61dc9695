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

static const char **record_warnings(struct job *j, const struct json *list)
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
	    json_want_string(j, top, "firewall", true, &out->firewall))
		return j->error;
	if (record_is_commit(commit))
		memcpy(out->commit, commit, OID_HEX);
	out->warnings = record_warnings(j, json_get(top, "warnings"));
	return 0;
}

void record_read(struct job *j, const char *data, struct record *out)
{
	struct record empty = { .boot = "", .firewall = "", .warnings = record_warnings(j, NULL) };
	struct buf text;

	*out = empty;
	if (fs_read(j, record_path(j, data), RECORD_MAX, &text) || record_parse(j, &text, out)) {
		*out = empty;
		job_clear(j);
	}
}

static bool record_is_equal(const struct record *a, const struct record *b)
{
	size_t i = 0;

	if (strcmp(a->commit, b->commit) || strcmp(a->boot, b->boot) || strcmp(a->firewall, b->firewall))
		return false;
	while (a->warnings[i] && b->warnings[i] && !strcmp(a->warnings[i], b->warnings[i]))
		i++;
	return !a->warnings[i] && !b->warnings[i];
}

int record_write(struct job *j, const char *data, const struct record *r)
{
	struct json *top = json_object(j->arena), *warnings;
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
	warnings = json_add(top, "warnings", json_array(j->arena));
	for (size_t i = 0; r->warnings[i]; i++)
		json_add_string(j->arena, warnings, NULL, r->warnings[i]);
	buf_open(&text, j->arena);
	json_print_canonical(&text, top);
	/* 0644: the service has to read what root wrote. */
	return fs_write_durable(j, record_path(j, data), text.data, text.len, 0644);
}
