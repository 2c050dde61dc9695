/* Prometheus' text format (0.0.4): families, samples, histograms. */
#include <inttypes.h>

#include "api/exposition.h"

void exposition_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_value(struct buf *b, const char *name, int64_t value)
{
	buf_printf(b, "%s %" PRId64 "\n", name, value);
}

void exposition_one(struct buf *b, const char *name, const char *type, const char *help, int64_t value)
{
	exposition_family(b, name, type, help);
	exposition_value(b, name, value);
}

void exposition_labelled(struct buf *b, const char *name, const char *label, const char *text, int64_t value)
{
	buf_printf(b, "%s{%s=\"%s\"} %" PRId64 "\n", name, label, text, value);
}

/* Whole, or with the six digits of millionths. */
static void print_scaled(struct buf *b, int64_t value, int64_t scale)
{
	if (scale == 1)
		buf_printf(b, "%" PRId64, value);
	else
		buf_printf(b, "%" PRId64 ".%06" PRId64, value / scale, value % scale);
}

void exposition_histogram(
    struct buf *b, const char *name, const char *labels, const struct histogram *h, int64_t scale)
{
	const char *comma = *labels ? "," : "";
	uint64_t below = 0;
	size_t i;

	for (i = 0; h->bounds && i < HISTOGRAM_BOUNDS; i++) {
		below += h->counts[i];
		buf_printf(b, "%s_bucket{%s%sle=\"", name, labels, comma);
		print_scaled(b, h->bounds[i], scale);
		buf_printf(b, "\"} %" PRIu64 "\n", below);
	}
	buf_printf(b, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, h->n);
	buf_printf(b, *labels ? "%s_sum{%s} " : "%s_sum%s ", name, labels);
	print_scaled(b, h->sum, scale);
	buf_printf(
	    b, *labels ? "\n%s_count{%s} %" PRIu64 "\n" : "\n%s_count%s %" PRIu64 "\n", name, labels, h->n);
}
