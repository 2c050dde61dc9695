/* Addresses, prefixes, times, names, and what a gateway lets in: what is accepted prints and parses to the same. */
#include "base/ip.h"
#include "base/json.h"
#include "base/time.h"
#include "golden.h"

static void check_ip(const char *text)
{
	struct ip_prefix prefix, again;
	struct in6_addr a, b;
	char out[IP_TEXT];

	if (ip_parse_prefix(text, &prefix)) {
		fuzz_require(prefix.len <= 128, "a prefix has at most 128 bits");
		fuzz_require(
		    ip_parse_prefix(ip_print_prefix(&prefix, out), &again), "a printed prefix parses");
		fuzz_require(
		    memcmp(&prefix.addr, &again.addr, 16) == 0 && prefix.len == again.len, "to the same");
	}
	if (ip_parse_addr(text, &a)) {
		fuzz_require(ip_parse_addr(ip_print_addr(&a, out), &b), "a printed address parses");
		fuzz_require(memcmp(&a, &b, sizeof(a)) == 0, "to the same");
	}
}

static void check_time(const char *text)
{
	char out[TIME_TEXT];
	int64_t t, again;

	if (time_parse(text, &t))
		fuzz_require(
		    time_parse(time_print(t, out), &again) && t == again, "a time prints and parses");
	time_parse_date(text, &t);
}

static void check_names(const char *text)
{
	const struct network *n = model_network(golden_model());
	uint32_t id, again;
	char hex[9];

	if (model_parse_user_id(n, text, &id)) {
		model_print_user_id(n, id, hex);
		fuzz_require(
		    model_parse_user_id(n, hex, &again) && id == again, "a user's id prints and parses");
	}
	if (model_parse_gateway_id(n, text, &id)) {
		model_print_gateway_id(n, id, hex);
		fuzz_require(model_parse_gateway_id(n, hex, &again) && id == again, "a gateway's too");
	}
	if (model_is_user_name(text))
		fuzz_require(strlen(text) <= USER_NAME_MAX, "a user's name is short");
	if (model_is_gateway_name(text))
		fuzz_require(strlen(text) <= GATEWAY_NAME_MAX && !strchr(text, '/'),
		    "a gateway's name is one of a file");
}

/* As one entry of `allow`, as an object's members, and as a list of its own. */
static void check_allow(struct job *j, const struct json *list)
{
	const struct network *n = model_network(golden_model());
	struct allow *first, *second;
	size_t first_n, second_n;
	struct buf once, twice;
	struct json *printed;

	if (model_parse_allow(j, n, list, &first, &first_n)) {
		job_clear(j);
		return;
	}
	buf_open(&once, j->arena);
	buf_open(&twice, j->arena);
	printed = model_allow_json(j->arena, first, first_n);
	fuzz_require(model_parse_allow(j, n, printed, &second, &second_n) == 0 && first_n == second_n,
	    "what is printed is accepted");
	json_print_compact(&once, printed);
	json_print_compact(&twice, model_allow_json(j->arena, second, second_n));
	fuzz_require(strcmp(once.data, twice.data) == 0, "and means the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "from", "ports", "proto", "to" };
	struct json *list, *o, *given;
	struct fuzz_input in = { (const char *)data, size };
	const char *line;
	struct job j;
	size_t i;

	fuzz_open(&j);
	list = json_array(j.arena);
	o = json_object(j.arena);
	for (i = 0; in.left; i++) {
		line = fuzz_take(&j, &in, '\n');
		check_ip(line);
		check_time(line);
		check_names(line);
		json_add_string(j.arena, i < 4 ? o : list, i < 4 ? keys[i] : NULL, line);
	}
	json_add(list, NULL, o);
	check_allow(&j, list);
	if (json_parse(&j, (const char *)data, size, &given) == 0 && given->type == JSON_ARRAY)
		check_allow(&j, given);
	job_close(&j);
	return 0;
}
