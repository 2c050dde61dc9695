/* Shared by the files of `vpnunit verify`: where lies are collected. */
#ifndef FLOW_VERIFY_INT_H
#define FLOW_VERIFY_INT_H

#include "flow/flow_int.h"

struct lies {
	struct arena *arena;
	struct flow_verdict *verdict;
	size_t cap;
	bool is_broken; /* objects are missing: what is derived from them cannot be compared */
};

/* One line: the commit, the path ("" where it is about none), what is wrong. */
void lies_add(struct lies *l, const struct oid *commit, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * What is wrong is what the job failed with, and no reason to stop.  Returns 0, or the error where it
 * says nothing about the state (a full disk).
 */
int lies_take(struct job *j, struct lies *l, const struct oid *commit, const char *path);

/* Who made a commit. */
enum maker {
	MAKER_SERVICE,  /* signed by the audit key */
	MAKER_PUSHED,   /* somebody, and the service accepted it */
	MAKER_UNKNOWN,
};

/* What a commit may do to the ledger, and a pushed one to anything else. */
int verify_ledger(struct job *j, struct state *s, const struct state_commit *c, enum maker maker,
    struct lies *l);

/* Rendered files, SQLite and its index, against HEAD. */
int verify_rendered(struct job *j, const struct flow_options *o, struct flow *f, const struct flow_verify *in,
    struct lies *l);

#endif
