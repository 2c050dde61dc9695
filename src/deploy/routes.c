/*
 * Kernel routes equal to DATA/ip/routes.  Ours are those with our protocol
 * number below our prefix; others are never touched, and a line of the file
 * that is no such route never reaches `ip`.
 *
 * The number: 192 to 252 are not taken in iproute2's rt_protos, nor by a
 * routing daemon that its authors know of.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/map.h"
#include "deploy/deploy_int.h"

enum { ROUTE_WORDS = 8 };

struct route {
	const char *type; /* "unreachable"; "" to a device */
	struct ip_prefix prefix;
	const char *device; /* with type "" only */
	long metric;
};

static void route_print(const struct route *r, char out[ROUTE_TEXT])
{
	char prefix[IP_TEXT];

	ip_print_prefix(&r->prefix, prefix);
	if (*r->type)
		snprintf(out, ROUTE_TEXT, "%s %s metric %ld", r->type, prefix, r->metric);
	else
		snprintf(out, ROUTE_TEXT, "%s dev %s metric %ld", prefix, r->device, r->metric);
}

static bool route_parse_metric(const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && !*end && !errno && *out <= UINT32_MAX;
}

/* Words of a line; more than there may be are counted, not kept. */
static size_t route_split(char *line, const char *words[ROUTE_WORDS])
{
	size_t n = 0;
	char *word;

	while ((word = strsep(&line, " ")))
		if (*word && n < ROUTE_WORDS)
			words[n++] = word;
	return n;
}

/* `unreachable PREFIX metric N` or `PREFIX dev DEVICE metric N`, within the network and to its device. */
bool route_parse(const struct target *t, const char *line, char out[ROUTE_TEXT])
{
	const char *words[ROUTE_WORDS];
	struct route r = { .type = "", .device = t->device };
	size_t n, len = strlen(line);
	char copy[ROUTE_TEXT];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, line, len + 1);
	n = route_split(copy, words);
	if (n == 4 && !strcmp(words[0], "unreachable") && !strcmp(words[2], "metric")) {
		r.type = "unreachable";
		words[0] = words[1];
	} else if (n != 5 || strcmp(words[1], "dev") || strcmp(words[2], t->device) ||
	    strcmp(words[3], "metric")) {
		return false;
	}
	if (!ip_parse_prefix(words[0], &r.prefix) || !route_parse_metric(words[n - 1], &r.metric))
		return false;
	if (r.prefix.len < t->prefix.len || !ip_contains(&t->prefix, &r.prefix.addr))
		return false;
	route_print(&r, out);
	return true;
}

static int routes_wanted(struct job *j, const char *data, const struct target *t, struct map *out)
{
	const char *path = arena_printf(j->arena, "%s/ip/routes", data);
	char *rest, *line, text[ROUTE_TEXT];
	struct buf file;
	unsigned number = 0;

	if (fs_read(j, path, ROUTES_MAX, &file))
		return j->error;
	rest = file.data;
	while ((line = strsep(&rest, "\n"))) {
		number++;
		if (!*line)
			continue;
		if (!route_parse(t, line, text))
			return job_fail(
			    j, E_CORRUPT, "corrupt", "%s, line %u is no route of this network", path, number);
		line = arena_strdup(j->arena, text);
		map_put(out, line, line);
	}
	return 0;
}

/* One element of `ip -j route`; false: not below our prefix, so not ours. */
static bool route_from_kernel(
    struct job *j, const struct target *t, const struct json *v, char out[ROUTE_TEXT])
{
	struct route r = { .type = "", .device = "" };
	const char *dst = "";
	int64_t metric = 0;

	if (json_want_string(j, v, "dst", true, &dst) || json_want_string(j, v, "type", false, &r.type) ||
	    json_want_string(j, v, "dev", false, &r.device) ||
	    json_want_int(j, v, "metric", false, &metric)) {
		job_clear(j);
		return false;
	}
	if (!strchr(dst, '/'))
		dst = arena_printf(j->arena, "%s/128", dst);
	if (!ip_parse_prefix(dst, &r.prefix) || r.prefix.len < t->prefix.len ||
	    !ip_contains(&t->prefix, &r.prefix.addr))
		return false;
	if (!strcmp(r.type, "unicast"))
		r.type = "";
	r.metric = (long)metric;
	route_print(&r, out);
	return true;
}

static int routes_present(struct job *j, const struct target *t, struct map *out)
{
	const char *proto = arena_printf(j->arena, "%d", ROUTE_PROTO);
	const char *const ip[] = { "ip", "-6", "-j", "route", "show", "proto", proto, NULL };
	char text[ROUTE_TEXT];
	struct buf output;
	struct json *list;

	if (tool_run(j, ip, NULL, &output) || json_parse(j, output.data, output.len, &list))
		return j->error;
	for (const struct json *v = list->child; v; v = v->next)
		if (route_from_kernel(j, t, v, text)) {
			char *line = arena_strdup(j->arena, text);

			map_put(out, line, line);
		}
	return 0;
}

/* A command for each route of `of` that `without` lacks. */
static void routes_minus(
    struct buf *commands, const char *verb, const struct map *of, const struct map *without)
{
	const struct map_slot *slot;
	size_t it = 0;

	while ((slot = map_next(of, &it)))
		if (!map_get(without, slot->key))
			buf_printf(commands, "route %s %s proto %d\n", verb, slot->key, ROUTE_PROTO);
}

int routes_compare(struct job *j, const char *data, const struct target *t, struct routes *out)
{
	struct map wanted = { .slots = NULL }, present = { .slots = NULL };

	buf_open(&out->removals, j->arena);
	buf_open(&out->additions, j->arena);
	if (!routes_wanted(j, data, t, &wanted) && !routes_present(j, t, &present)) {
		routes_minus(&out->removals, "del", &present, &wanted);
		routes_minus(&out->additions, "add", &wanted, &present);
	}
	map_clear(&wanted);
	map_clear(&present);
	return j->error;
}

int routes_apply(struct job *j, const struct buf *commands)
{
	/* One route that fails, because a foreign one is in its place, doesn't keep the others out. */
	static const char *const ip[] = { "ip", "-6", "-force", "-batch", "-", NULL };
	struct buf output;

	return commands->len ? tool_run(j, ip, commands, &output) : 0;
}
