/* How a value is spread: counts by bounds, as a monitoring system wants it. Not locked: its owner does that. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 14 };

/* Half a millisecond to ten seconds; and powers of two. Upper bounds, included. */
extern const int64_t HISTOGRAM_MICROSECONDS[HISTOGRAM_BOUNDS], HISTOGRAM_SIZES[HISTOGRAM_BOUNDS];

struct histogram { /* zeroed: empty */
	const int64_t *bounds;
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* by the first bound that holds it; the last: larger than all */
	uint64_t n;
	int64_t sum;
};

/* bounds is one of the lists above; the same one every time. */
void histogram_add(struct histogram *h, const int64_t *bounds, int64_t value);

#endif
