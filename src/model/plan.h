/*
 * A plan: all that one change wants done, as data.  `change` makes it, `pki`
 * fills in what it issues, `state` commits it; nobody else decides anything.
 */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/model.h"

struct plan_file { /* one file to write (data) or to delete (data NULL) */
	const char *path;
	const char *data;
	size_t len;
	struct plan_file *next;
};

struct plan_issue { /* one certificate to issue; pki adds its ledger file to the plan */
	enum certificate_kind kind;
	struct id128 device;
	const char *name;           /* CN, and DNS name of the SAN */
	int64_t not_before, not_after;
	struct id128 serial;        /* out */
	struct plan_issue *next;
};

struct plan_trailer { /* one more line of the commit's last paragraph */
	const char *key, *value;
	struct plan_trailer *next;
};

struct plan {
	const char *change;         /* "gateway.create": the trailer Change: */
	const char *subject;        /* "gateway a.example.org: create for joe, 2001:db8:0:300::/60" */
	const char *body;           /* lines below the subject; NULL: none */
	struct plan_trailer *trailers;
	const char *actor, *request_id, *reason; /* "" where there is none */
	int64_t time;               /* of the commit */
	struct plan_file *files;
	struct plan_issue *issues;
};

/* Appends; data is borrowed and must live as long as the plan. A second write of a path replaces the first. */
void plan_write(struct arena *a, struct plan *p, const char *path, const char *data, size_t len);
void plan_delete(struct arena *a, struct plan *p, const char *path);
/* key and value are borrowed. */
void plan_trailer(struct arena *a, struct plan *p, const char *key, const char *value);
struct plan_issue *plan_issue(struct arena *a, struct plan *p, enum certificate_kind kind);

#endif
