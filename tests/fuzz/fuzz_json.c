/* JSON in: what is accepted prints canonically, and what was printed says the same. */
#include "base/json.h"
#include "fuzz.h"

static void check_printed(
    struct job *j, const struct json *v, void (*print)(struct buf *, const struct json *))
{
	struct buf once, twice;
	struct json *again;

	buf_open(&once, j->arena);
	buf_open(&twice, j->arena);
	print(&once, v);
	fuzz_require(json_parse(j, once.data, once.len, &again) == 0, "what is printed is accepted");
	print(&twice, again);
	fuzz_require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
	    "it prints the same again");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json *v;
	struct job j;

	fuzz_open(&j);
	if (json_parse(&j, (const char *)data, size, &v) == 0) {
		check_printed(&j, v, json_print_canonical);
		check_printed(&j, v, json_print_compact);
	} else {
		fuzz_require(j.error == E_INVALID && *j.message, "a refusal says why");
	}
	job_close(&j);
	return 0;
}
