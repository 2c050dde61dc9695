/* Histograms: each value is counted once, under the first bound that holds it. */
#include "base/histogram.h"

const int64_t HISTOGRAM_MICROSECONDS[HISTOGRAM_BOUNDS] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
	250000, 500000, 1000000, 2500000, 5000000, 10000000 };
const int64_t HISTOGRAM_SIZES[HISTOGRAM_BOUNDS] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
	8192 };

void histogram_add(struct histogram *h, const int64_t *bounds, int64_t value)
{
	size_t i = 0;

	while (i < HISTOGRAM_BOUNDS && value > bounds[i])
		i++;
	h->bounds = bounds;
	h->counts[i]++;
	h->n++;
	h->sum += value;
}
