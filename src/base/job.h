/*
 * A job is one unit of work: a request, a turn of the timer, a boot, a test.
 * It carries the arena of everything made on its way, who acts and why, and
 * the first error.  It is the first parameter of whatever can fail.
 */
#ifndef BASE_JOB_H
#define BASE_JOB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* What every fallible function returns: 0, or one of these, kept in the job. */
enum {
	E_INVALID = -1,   /* the request or the file is wrong; http: 400, or as its code says */
	E_NOT_FOUND = -2, /* no such user, gateway, commit */
	E_CONFLICT = -3,  /* right, but not in this state: taken, full, too early */
	E_DENIED = -4,    /* the actor may not */
	E_STALE = -5,     /* the ref or the object moved meanwhile (If-Match, compare-and-swap) */
	E_CORRUPT = -6,   /* the state, the master key or a file of ours is not what it must be */
	E_IO = -7,        /* the disk, a socket, a child process */
	E_BUSY = -8,      /* locked, overloaded or shutting down: try again */
};

struct job_detail { /* one field that was wrong, or one warning */
	const char *field; /* "" for a warning or the whole */
	const char *text;
	struct job_detail *next;
};

struct job {
	struct arena *arena;
	int error;             /* 0 or the code of the first failure */
	const char *code;      /* api.md's stable word for it, such as "name_taken" */
	const char *message;   /* for people: what was wrong, where, what to do */
	struct job_detail *fields, *warnings; /* in order of arrival */
	struct job_detail *extra; /* members of the problem document beyond the usual */
	const char *request_id; /* "" outside requests */
	const char *actor;      /* "" until known */
	int64_t now;            /* seconds since the epoch when the job began; tests may set it */
};

/* The clock is read once, here.  job_close frees all that the job's arena holds. */
void job_open(struct job *j);
void job_close(struct job *j);

/*
 * Record the first failure and return error; later calls keep the first one.
 * code is a stable lower-case word of the API, a literal.
 */
int job_fail(struct job *j, int error, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same as job_fail(E_INVALID, "invalid", ...), with the field that was wrong. */
int job_fail_field(struct job *j, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A failure of any kind with its place as a detail; several of them add up, as job_fail_field's do. */
int job_fail_at(struct job *j, int error, const char *code, const char *field, const char *text);

/*
 * Say where a failure happened: `where`/ goes before the field of each detail,
 * and a failure without details gets one at `where`.
 */
void job_locate(struct job *j, const char *where);

/* E_IO with errno's words behind the text; its code is "disk_full" where that is why, else "io". */
int job_fail_errno(struct job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Close a part of the work that had a job of its own: its failure is j's, unless that has one. */
void job_join(struct job *j, struct job *part);

/* Forget the failure, to try another way. Warnings stay. */
void job_clear(struct job *j);

/* Something to tell the caller although the work succeeded. */
void job_warn(struct job *j, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One more member of the problem document, such as "renewable_from". */
void job_extra(struct job *j, const char *member, const char *value);

#endif
