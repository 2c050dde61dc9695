/*
 * The job: its arena, its clock and the first failure.  What is kept is
 * formatted into the arena, so a failure may quote what its finder frees.
 */
#include <errno.h>
#include <string.h>

#include "base/job.h"
#include "base/time.h"

enum { JOB_CHUNK = 16 * 1024 };

void job_open(struct job *j)
{
	*j = (struct job){
		.arena = arena_open(JOB_CHUNK),
		.code = "",
		.message = "",
		.request_id = "",
		.actor = "",
		.now = time_now(),
	};
}

void job_close(struct job *j)
{
	arena_close(j->arena);
	*j = (struct job){ 0 };
}

static void job_append(struct job *j, struct job_detail **list, const char *field, const char *text)
{
	struct job_detail *d = arena_alloc(j->arena, sizeof(*d));

	d->field = arena_strdup(j->arena, field);
	d->text = text;
	while (*list)
		list = &(*list)->next;
	*list = d;
}

static int job_keep(struct job *j, int error, const char *code, const char *message)
{
	if (!j->error) {
		j->error = error;
		j->code = code;
		j->message = message;
	}
	return error;
}

int job_fail(struct job *j, int error, const char *code, const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	return job_keep(j, error, code, message);
}

int job_fail_field(struct job *j, const char *field, const char *fmt, ...)
{
	const char *message;
	va_list ap;

	va_start(ap, fmt);
	message = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	/* A wrong field behind a failure of another kind would explain nothing. */
	if (!j->error || j->fields)
		job_append(j, &j->fields, field, message);
	return job_keep(j, E_INVALID, "invalid", message);
}

int job_fail_at(struct job *j, int error, const char *code, const char *field, const char *text)
{
	if (!j->error || j->fields)
		job_append(j, &j->fields, field, arena_strdup(j->arena, text));
	return job_keep(j, error, code, arena_printf(j->arena, "%s: %s", field, text));
}

void job_locate(struct job *j, const char *where)
{
	struct job_detail *d;

	if (!j->fields)
		job_append(j, &j->fields, where, j->message);
	else
		for (d = j->fields; d; d = d->next)
			d->field = arena_printf(j->arena, "%s%s%s", where, *d->field ? "/" : "", d->field);
}

int job_fail_errno(struct job *j, const char *fmt, ...)
{
	int saved = errno;
	const char *text, *words = strerrordesc_np(saved);
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	return job_fail(j, E_IO, saved == ENOSPC || saved == EDQUOT ? "disk_full" : "io", "%s: %s", text,
	    words ? words : "unknown error");
}

void job_join(struct job *j, struct job *part)
{
	if (part->error)
		job_fail(j, part->error, part->code, "%s", part->message);
	job_close(part);
}

void job_clear(struct job *j)
{
	j->error = 0;
	j->code = "";
	j->message = "";
	j->fields = NULL;
	j->extra = NULL;
}

void job_warn(struct job *j, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	job_append(j, &j->warnings, "", text);
}

void job_extra(struct job *j, const char *member, const char *value)
{
	job_append(j, &j->extra, member, arena_strdup(j->arena, value));
}
