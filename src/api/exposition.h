/*
 * Prometheus' text format, version 0.0.4.  A family's samples follow it and
 * come together.  Labels' values are ours: nothing in them needs escapes.
 */
#ifndef API_EXPOSITION_H
#define API_EXPOSITION_H

#include "base/buf.h"
#include "base/histogram.h"

void exposition_family(struct buf *b, const char *name, const char *type, const char *help);
void exposition_value(struct buf *b, const char *name, int64_t value);
void exposition_labelled(struct buf *b, const char *name, const char *label, const char *text, int64_t value);
/* A family of one sample. */
void exposition_one(struct buf *b, const char *name, const char *type, const char *help, int64_t value);
/* labels: "" or as in `a="b",c="d"`; scale: what one unit is counted as, a million for microseconds. */
void exposition_histogram(struct buf *b, const char *name, const char *labels, const struct histogram *h,
    int64_t scale);

#endif
