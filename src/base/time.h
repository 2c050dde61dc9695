/* Times: seconds since the epoch inside, RFC 3339 in UTC with Z outside; durations as in "825d". */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum { TIME_TEXT = 24 };

/* "2026-11-23T01:04:30Z"; years 1970..9999, printing takes the nearest for others. */
const char *time_print(int64_t t, char out[TIME_TEXT]);
bool time_parse(const char *text, int64_t *out);
/* "2026-11-23": its first second in UTC. */
bool time_parse_date(const char *text, int64_t *out);

/* "90s", "15m", "12h", "825d": a whole number above 0 and one unit, a century at most. */
bool time_parse_duration(const char *text, int64_t *out);

/* Wall clock in seconds and milliseconds. */
int64_t time_now(void);
int64_t time_now_ms(void);
/* CLOCK_MONOTONIC in milliseconds, for waits. */
int64_t time_monotonic_ms(void);
/* The same in microseconds, to measure. */
int64_t time_monotonic_us(void);

#endif
