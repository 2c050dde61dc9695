/* What was answered, by route and status, for /metrics: as many pairs as the table has routes and HTTP has statuses. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "http/http_int.h"

enum { STATUSES_MAX = 32 };

struct cell {
	int status; /* 0: free */
	struct histogram time;
};

struct counts {
	pthread_mutex_t lock;
	size_t routes_n; /* the row behind them is of what no route is for */
	struct cell *rows[];
};

struct counts *counts_open(size_t routes_n)
{
	struct counts *c = mem_zalloc(sizeof(*c) + (routes_n + 1) * sizeof(c->rows[0]));

	pthread_mutex_init(&c->lock, NULL);
	c->routes_n = routes_n;
	return c;
}

void counts_close(struct counts *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i <= c->routes_n; i++)
		free(c->rows[i]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cell *find_cell(struct counts *c, size_t row, int status)
{
	struct cell *cell;
	size_t i;

	if (!c->rows[row])
		c->rows[row] = mem_zalloc(STATUSES_MAX * sizeof(*cell));
	cell = c->rows[row];
	for (i = 0; i < STATUSES_MAX - 1 && cell[i].status && cell[i].status != status; i++)
		;
	cell[i].status = status;
	return &cell[i];
}

void counts_add(struct exchange *x, int status)
{
	struct counts *c = x->http->counts;
	size_t row = x->route ? (size_t)(x->route - x->http->routes) : c->routes_n;

	pthread_mutex_lock(&c->lock);
	histogram_add(
	    &find_cell(c, row, status)->time, HISTOGRAM_MICROSECONDS, time_monotonic_us() - x->began_at);
	pthread_mutex_unlock(&c->lock);
}

const struct http_count *http_counts(const struct http_request *r, size_t *n)
{
	const struct exchange *x = exchange_of(r);
	struct counts *c = x->http->counts;
	struct buf list;
	size_t i, k;

	buf_open(&list, r->job->arena);
	pthread_mutex_lock(&c->lock);
	for (i = 0; i <= c->routes_n; i++)
		for (k = 0; c->rows[i] && k < STATUSES_MAX && c->rows[i][k].status; k++) {
			const struct http_route *route = i < c->routes_n ? &x->http->routes[i] : NULL;
			const struct http_count one = { .method = route ? route->method : "other",
				.route = route ? route->pattern : "other",
				.status = c->rows[i][k].status,
				.time = c->rows[i][k].time };

			buf_add(&list, &one, sizeof(one));
		}
	pthread_mutex_unlock(&c->lock);
	*n = list.len / sizeof(struct http_count);
	return (const struct http_count *)(void *)list.data;
}
