/* Shared by the files that judge a push. */
#ifndef FLOW_PUSH_INT_H
#define FLOW_PUSH_INT_H

#include "flow/flow_int.h"

/* E_INVALID "push_refused" with its place, a detail; path "" and line 0: not known. Several add up. */
int flow_refuse_push(struct job *j, const char *commit, const char *path, size_t line, const char *text);

/*
 * What each file that a commit changes says by itself: is it one that may be pushed, canonical, whole.
 * Names all that are wrong, up to twenty.  before: the model that the commit goes on top of.
 */
int flow_check_pushed_files(struct job *j, struct state *s, const struct oid *parent,
    const struct oid *commit, const struct model *before);
/* The line of a canonical file that a message is about; 0: none that it names. */
size_t flow_find_line(const char *text, size_t len, const char *message);

/* Where access/signers/ at base names keys, each commit has a signature by one of them. */
int flow_check_signers(struct job *j, struct state *s, const struct oid *base, const struct state_push *push);

#endif
