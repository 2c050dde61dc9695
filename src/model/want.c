/* Typed members of state files: times, durations, ids, words; each failure names its field. */
#include <string.h>

#include "base/time.h"
#include "model/model_int.h"

int model_want_copy(struct job *j, struct arena *a, const struct json *o, const char *key, const char **out)
{
	const char *s;

	if (json_want_string(j, o, key, true, &s))
		return j->error;
	*out = arena_strdup(a, s);
	return 0;
}

int model_want_time(struct job *j, const struct json *o, const char *key, int64_t *out)
{
	const char *s;

	if (json_want_string(j, o, key, true, &s))
		return j->error;
	if (!time_parse(s, out))
		return job_fail_field(j, key, "not a time like 2026-11-23T01:04:30Z");
	return 0;
}

int model_want_duration(struct job *j, const struct json *o, const char *key, int64_t *out)
{
	const char *s;

	if (json_want_string(j, o, key, true, &s))
		return j->error;
	if (!time_parse_duration(s, out))
		return job_fail_field(j, key, "not a duration like 30d, 12h, 15m or 90s");
	return 0;
}

int model_want_id128(struct job *j, const struct json *o, const char *key, struct id128 *out)
{
	const char *s;

	if (json_want_string(j, o, key, true, &s))
		return j->error;
	if (!model_is_id128(s))
		return job_fail_field(j, key, "not 32 lower-case hex digits");
	memcpy(out->hex, s, ID128_HEX);
	return 0;
}

int model_want_word(
    struct job *j, const struct json *o, const char *key, const char *const *words, unsigned *out)
{
	const char *s;

	if (json_want_string(j, o, key, true, &s))
		return j->error;
	for (*out = 0; words[*out]; (*out)++)
		if (strcmp(s, words[*out]) == 0)
			return 0;
	return job_fail_field(j, key, "not a known word; the first that would do: %s", words[0]);
}
