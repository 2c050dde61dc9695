/* `vpnunit gateway ...`: the devices, but for their configurations and ports. */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"
#include "cli/output.h"

enum { DAY = 86400, SOON_DAYS = 30, VERY_SOON_DAYS = 7 };

/* The newest certificate comes first. */
static void add_expiry(struct table *t, const struct json *gateway)
{
	const struct json *list = json_get(gateway, "certificates");
	const char *end = list && list->child ? cli_string(list->child, "not_after") : NULL;
	int64_t at, days;

	if (!end || !time_parse(end, &at)) {
		table_add(t, STYLE_BAD, "no certificate");
		return;
	}
	days = (at - t->job->now) / DAY;
	table_add(t,
	    days < VERY_SOON_DAYS  ? STYLE_BAD
		: days < SOON_DAYS ? STYLE_WARNING
				   : STYLE_PLAIN,
	    arena_printf(t->job->arena, "%.10s, in %d days", end, (int)days));
}

/* "from [2001:db8:1::2]:1194 since ...": told where --status asked for it. */
static const char *print_status(struct job *j, const struct json *gateway)
{
	const struct json *status = json_get(gateway, "status"), *connected = json_get(status, "connected");

	if (!status)
		return "";
	if (!connected || connected->type != JSON_BOOL)
		return "unknown: OpenVPN cannot be asked";
	if (!connected->boolean)
		return "no";
	return arena_printf(j->arena, "since %s from %s", output_printable(j, cli_string(status, "since")),
	    output_printable(j, cli_string(status, "remote")));
}

void cli_print_gateway(struct job *j, const struct json *o)
{
	static const char *const heads[] = { "", "", NULL };
	struct table t;

	table_open(&t, j, heads);
	table_add_pair(&t, "gateway", cli_string(o, "name"));
	table_add_pair(&t, "user", cli_string(o, "user"));
	table_add_pair(&t, "prefix", cli_string(o, "prefix"));
	table_add_pair(&t, "address", cli_string(o, "address"));
	table_add(&t, STYLE_HEAD, "state");
	table_add_state(&t, o);
	table_add_pair(&t, "inbound", cli_string(o, "inbound"));
	table_add_pair(&t, "allows", cli_print_rules(j, json_get(o, "allow")));
	table_add_pair(&t, "routes", cli_string(o, "routes"));
	table_add(&t, STYLE_HEAD, "expires");
	add_expiry(&t, o);
	table_add_pair(&t, "created", cli_string(o, "created"));
	if (json_get(o, "status"))
		table_add_pair(&t, "connected", print_status(j, o));
	table_print(&t);
}

/* What can be reached unasked, in a few words. */
static const char *print_open(struct job *j, const struct json *gateway)
{
	const struct json *allow = json_get(gateway, "allow"), *v;
	int n = 0;

	if (strcmp(output_printable(j, cli_string(gateway, "inbound")), "allow") == 0)
		return "everything";
	for (v = allow ? allow->child : NULL; v; v = v->next)
		n++;
	return n > 1 ? arena_printf(j->arena, "%d rules", n) : cli_print_rules(j, allow);
}

static void print_gateways(struct job *j, const struct json *list)
{
	const bool has_status = list->child && json_get(list->child, "status");
	const char *const heads[] = { "GATEWAY", "USER", "PREFIX", "STATE", "OPEN", "EXPIRES",
		has_status ? "CONNECTED" : NULL, NULL };
	const struct json *o;
	struct table t;

	table_open(&t, j, heads);
	for (o = list->child; o; o = o->next) {
		table_add(&t, STYLE_PLAIN, cli_string(o, "name"));
		table_add(&t, STYLE_PLAIN, cli_string(o, "user"));
		table_add(&t, STYLE_PLAIN, cli_string(o, "prefix"));
		table_add_state(&t, o);
		table_add(&t, STYLE_PLAIN, print_open(j, o));
		add_expiry(&t, o);
		if (has_status)
			table_add(&t, STYLE_PLAIN, print_status(j, o));
	}
	table_print(&t);
}

int cli_gateway_list(struct job *j, struct arguments *a)
{
	char before[TIME_TEXT];
	struct json *list;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/gateways?limit=1000");
	cli_add_query(&path, "user", a->user);
	cli_add_query(&path, "at", a->at);
	cli_add_query(&path, "status", a->status ? "1" : NULL);
	if (a->expires_within)
		cli_add_query(&path, "expires_before", time_print(j->now + a->expires_within, before));
	if (cli_get_list(j, a, path.data, "gateways", &list))
		return EXIT_REFUSED;
	output_answer(j, a->json, list, print_gateways);
	return 0;
}

int cli_gateway_show(struct job *j, struct arguments *a)
{
	struct json *o;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, cli_url(j, "/gateway/", a->rest[0], ""));
	cli_add_query(&path, "at", a->at);
	cli_add_query(&path, "status", a->status ? "1" : NULL);
	if (cli_get(j, a, path.data, &o))
		return EXIT_REFUSED;
	output_answer(j, a->json, o, cli_print_gateway);
	return 0;
}

static void add_settings(struct job *j, const struct arguments *a, struct json *body)
{
	if (a->init.inbound)
		json_add_string(j->arena, body, "inbound", a->init.inbound);
	if (a->init.routes)
		json_add_string(j->arena, body, "routes", a->init.routes);
}

int cli_gateway_add(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena), *rules;
	struct mutation m = { .method = "POST",
		.path = "/gateways",
		.body = body,
		.is_harmless = true,
		.tell = cli_print_gateway };

	if (!a->user)
		return cli_usage(j, "`gateway add` needs --user USER, whose device it is"), EXIT_USAGE;
	json_add_string(j->arena, body, "name", a->rest[0]);
	json_add_string(j->arena, body, "user", a->user);
	if (a->id)
		json_add_string(j->arena, body, "id", a->id);
	add_settings(j, a, body);
	if (a->allow.n) {
		if (cli_build_rules(j, a, a->allow.word, a->allow.n, &rules))
			return EXIT_USAGE;
		json_add(body, "allow", rules);
	}
	return cli_change(j, a, &m);
}

static int patch(struct job *j, const struct arguments *a, const struct json *body, const char *takes)
{
	struct mutation m = { .method = "PATCH",
		.path = cli_url(j, "/gateway/", a->rest[0], ""),
		.body = body,
		.takes = takes,
		.tell = cli_print_gateway };

	return cli_change(j, a, &m);
}

int cli_gateway_set(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);
	bool closes = a->init.inbound && strcmp(a->init.inbound, "deny") == 0;

	add_settings(j, a, body);
	if (!body->child)
		return cli_usage(j, "`gateway set` takes --inbound or --routes"), EXIT_USAGE;
	return patch(j, a, body,
	    closes ? arena_printf(
			 j->arena, "this closes every port of %s that is not allowed by itself", a->rest[0])
		   : NULL);
}

int cli_gateway_enable(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);

	json_add_bool(j->arena, body, "enabled", true);
	return patch(j, a, body, NULL);
}

int cli_gateway_disable(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);

	json_add_bool(j->arena, body, "enabled", false);
	return patch(j, a, body, NULL);
}

int cli_gateway_renew(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena);
	struct mutation m = { .method = "POST",
		.path = cli_url(j, "/gateway/", a->rest[0], "/renew"),
		.body = body,
		.tell = cli_print_gateway };

	json_add_bool(j->arena, body, "force", a->force);
	json_add_bool(j->arena, body, "revoke_old", a->revoke_old);
	return cli_change(j, a, &m);
}

int cli_gateway_delete(struct job *j, struct arguments *a)
{
	struct mutation m = { .method = "DELETE", .path = cli_url(j, "/gateway/", a->rest[0], "") };

	return cli_change(j, a, &m);
}
