/*
 * Times and durations.  Reading accepts one spelling only: what time_print
 * would write.
 */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/time.h"

static const int64_t time_last = 253402300799; /* 9999-12-31T23:59:59Z */
static const int64_t time_duration_max = 36525LL * 86400; /* a century */

const char *time_print(int64_t t, char out[TIME_TEXT])
{
	time_t clamped = t < 0 ? 0 : t > time_last ? time_last : t;
	struct tm tm;

	gmtime_r(&clamped, &tm);
	strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

static int time_digits(const char *p, int count)
{
	int value = 0;

	while (count--)
		value = value * 10 + (*p++ - '0');
	return value;
}

bool time_parse(const char *text, int64_t *out)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	char again[TIME_TEXT];
	struct tm tm = { 0 };
	int64_t t;

	if (strnlen(text, sizeof(shape)) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	tm.tm_year = time_digits(text, 4) - 1900;
	tm.tm_mon = time_digits(text + 5, 2) - 1;
	tm.tm_mday = time_digits(text + 8, 2);
	tm.tm_hour = time_digits(text + 11, 2);
	tm.tm_min = time_digits(text + 14, 2);
	tm.tm_sec = time_digits(text + 17, 2);
	t = timegm(&tm);
	/* timegm takes the 30th of February for the 1st of March: print it and see. */
	if (strcmp(time_print(t, again), text) != 0)
		return false;
	*out = t;
	return true;
}

bool time_parse_date(const char *text, int64_t *out)
{
	static const char shape[] = "0000-00-00";
	char whole[TIME_TEXT];

	if (strnlen(text, sizeof(shape)) != sizeof(shape) - 1)
		return false;
	memcpy(whole, text, sizeof(shape) - 1);
	memcpy(whole + sizeof(shape) - 1, "T00:00:00Z", sizeof("T00:00:00Z"));
	return time_parse(whole, out);
}

static int64_t time_unit(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	}
	return 0;
}

bool time_parse_duration(const char *text, int64_t *out)
{
	int64_t value = 0, unit;

	if (*text == '0')
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		value = value * 10 + (*text - '0');
		if (value > time_duration_max)
			return false;
	}
	unit = time_unit(*text);
	if (!value || !unit || text[1] || value > time_duration_max / unit)
		return false;
	*out = value * unit;
	return true;
}

static int64_t time_read_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t time_now(void)
{
	return time_now_ms() / 1000;
}

int64_t time_now_ms(void)
{
	return time_read_ms(CLOCK_REALTIME);
}

int64_t time_monotonic_ms(void)
{
	return time_read_ms(CLOCK_MONOTONIC);
}

int64_t time_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
