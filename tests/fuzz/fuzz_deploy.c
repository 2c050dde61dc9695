/*
 * What deploy reads: lines of OpenVPN's management socket, and rendered files that somebody may
 * have changed, before root hands them to ip and nft.  The first byte says which.
 */
#include "deploy/deploy_int.h"
#include "fuzz.h"

static void read_clients(struct job *j, struct fuzz_input *in)
{
	struct clients c = { 0 };
	const struct map_slot *slot;
	size_t it = 0;

	while (in->left) {
		const char *line = fuzz_take(j, in, '\n');

		if (*line == '!')
			clients_expect_status(&c);
		clients_line(&c, line);
	}
	while ((slot = map_next(&c.by_id, &it))) {
		const struct client *v = slot->value;

		fuzz_require(strspn(v->id, "0123456789") == strlen(v->id),
		    "an id that goes into a command is a number");
		fuzz_require(strspn(v->serial, "0123456789abcdef") == strlen(v->serial), "a serial is hex");
	}
	clients_clear(&c);
}

static void read_routes(struct job *j, struct fuzz_input *in)
{
	struct target t = { .device = "tun-vpn" };
	char out[ROUTE_TEXT];

	ip_parse_prefix("2001:db8::/48", &t.prefix);
	while (in->left)
		if (route_parse(&t, fuzz_take(j, in, '\n'), out))
			fuzz_require(
			    strstr(out, "2001:db8:") != NULL && !strpbrk(out, "\n;\t"), "a route of ours");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct job j;
	char *text;

	fuzz_open(&j);
	switch (fuzz_choose(&in, 3)) {
	case 0:
		read_clients(&j, &in);
		break;
	case 1:
		read_routes(&j, &in);
		break;
	default:
		text = mem_alloc(in.left);
		memcpy(text, in.left ? in.at : "", in.left);
		ruleset_check(&j, text, in.left);
		free(text);
	}
	job_close(&j);
	return 0;
}
