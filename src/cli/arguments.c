/*
 * Arguments: one table of options, their environment twins, and which command
 * takes which.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_int.h"

static const struct option OPTIONS[] = {
	{ "data", required_argument, NULL, 'd' },
	{ "prefix", required_argument, NULL, 'p' },
	{ "endpoint", required_argument, NULL, 'e' },
	{ "server-name", required_argument, NULL, 's' },
	{ "name", required_argument, NULL, 'n' },
	{ "widths", required_argument, NULL, 'w' },
	{ "validity", required_argument, NULL, 'v' },
	{ "inbound", required_argument, NULL, 'i' },
	{ "routes", required_argument, NULL, 'r' },
	{ "listen", required_argument, NULL, 'l' },
	{ "hooks", required_argument, NULL, 'k' },
	{ "openvpn-group", required_argument, NULL, 'g' },
	{ "master-key", required_argument, NULL, 'm' },
	{ "out", required_argument, NULL, 'o' },
	{ "full", no_argument, NULL, 'f' },
	{ "check", no_argument, NULL, 'c' },
	{ "watch", no_argument, NULL, 'W' },
	{ "accept-loss", no_argument, NULL, 'A' },
	{ "expect", required_argument, NULL, 'x' },
	{ "key", required_argument, NULL, 'y' },
	{ "at", required_argument, NULL, 'a' },
	{ "only", required_argument, NULL, 'O' },
	{ "include", required_argument, NULL, 'I' },
	{ "reason", required_argument, NULL, 'R' },
	{ "configs", required_argument, NULL, 'C' },
	{ NULL, 0, NULL, 0 },
};

int cli_usage(struct job *j, const char *text)
{
	return job_fail(j, E_INVALID, "usage", "%s; see `vpnunit help`", text);
}

static int set_word(struct job *j, const char *flag, const char *value, const char *x, const char *y)
{
	if (strcmp(value, x) && (!y || strcmp(value, y)))
		return cli_usage(j,
		    arena_printf(
			j->arena, "--%s %s: it takes %s%s%s", flag, value, x, y ? " or " : "", y ? y : ""));
	return 0;
}

static int set_days(struct job *j, const char *value, int64_t *days)
{
	char *end;

	*days = strtoll(value, &end, 10);
	if (*end || *days < 1 || *days > 3650)
		return cli_usage(
		    j, arena_printf(j->arena, "--validity %s: a number of days from 1 to 3650", value));
	return 0;
}

/* Lists come once a flag, or separated by commas in the environment. */
static int add_to_list(struct job *j, const char **list, size_t *n, const char *value)
{
	char *copy = arena_strdup(j->arena, value), *save, *part;

	for (part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		if (*n == LIST_MAX)
			return cli_usage(j, "at most 16 of one flag");
		list[(*n)++] = part;
	}
	return 0;
}

/* In full: a commit that shares a few digits with the remembered one is easily made. */
static int set_expect(struct job *j, const char *value, const char **expect)
{
	uint8_t bytes[(OID_HEX - 1) / 2];

	if (!digest_unhex(value, bytes, sizeof(bytes)))
		return cli_usage(j, arena_printf(j->arena, "--expect %s: a commit's 40 digits", value));
	*expect = value;
	return 0;
}

static int set_init_option(struct job *j, struct flow_init *in, int letter, const char *value)
{
	switch (letter) {
	case 'p':
		in->prefix = value;
		return 0;
	case 's':
		in->server_name = value;
		return 0;
	case 'n':
		in->name = value;
		return 0;
	case 'w':
		in->widths = value;
		return 0;
	case 'v':
		return set_days(j, value, &in->validity_days);
	case 'i':
		in->inbound = value;
		return set_word(j, "inbound", value, "deny", "allow");
	default:
		in->routes = value;
		return set_word(j, "routes", value, "prefix", "internet");
	}
}

static int set_history_option(struct job *j, struct arguments *a, int letter, const char *value)
{
	switch (letter) {
	case 'a':
		a->at = value;
		return 0;
	case 'O':
		return add_to_list(j, a->only, &a->only_n, value);
	case 'I':
		a->include = value;
		return set_word(j, "include", value, "network", NULL);
	case 'R':
		a->reason = value;
		return 0;
	case 'C':
		a->configs = value;
		return 0;
	default:
		return set_init_option(j, &a->init, letter, value);
	}
}

static int set_option(struct job *j, struct arguments *a, int letter, const char *value)
{
	switch (letter) {
	case 'd':
		a->data = value;
		return 0;
	case 'e':
		return add_to_list(j, a->endpoints, &a->init.endpoints_n, value);
	case 'l':
		return add_to_list(j, a->listen, &a->listen_n, value);
	case 'k':
		a->hooks = value;
		return set_word(j, "hooks", value, "none", NULL);
	case 'g':
		a->group = value;
		return 0;
	case 'm':
		a->master_key = value;
		return 0;
	case 'o':
		a->out = value;
		return 0;
	case 'f':
		a->full = true;
		return 0;
	case 'c':
		a->check = true;
		return 0;
	case 'W':
		a->watch = true;
		return 0;
	case 'A':
		a->accept_loss = true;
		return 0;
	case 'x':
		return set_expect(j, value, &a->expect);
	case 'y':
		return add_to_list(j, a->keys, &a->keys_n, value);
	default:
		return set_history_option(j, a, letter, value);
	}
}

/* VPNUNIT_DATA for --data, and so on: first, so that flags win. */
static int read_environment(struct job *j, struct arguments *a, const char *flags)
{
	const struct option *o;

	for (o = OPTIONS; o->name; o++) {
		char *name = arena_printf(j->arena, "VPNUNIT_%s", o->name), *p;
		const char *value;

		for (p = name; *p; p++)
			*p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
		value = getenv(name);
		if (value && *value && strchr(flags, o->val) && set_option(j, a, o->val, value))
			return j->error;
	}
	return 0;
}

static bool takes_rest(const char *command)
{
	static const char *const names[] = { "git", "key", "check", "fmt", "log", "show", "whois", "rollback",
		"revert", "batch" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command, names[i]) == 0)
			return true;
	return false;
}

int cli_read(struct job *j, struct arguments *a, const struct command *c, int argc, char **argv)
{
	/* What is behind `git` is git's, options included; elsewhere they may come last. */
	const char *order = strcmp(c->name, "git") == 0 ? "+" : "";
	size_t from_environment;
	int letter;

	a->data = "/var/lib/vpnunit";
	a->init.endpoints = a->endpoints;
	if (read_environment(j, a, c->flags))
		return j->error;
	from_environment = a->listen_n;
	while ((letter = getopt_long(argc, argv, order, OPTIONS, NULL)) != -1) {
		if (letter == '?')
			return cli_usage(j, "that is no option, or its value is missing");
		if (!strchr(c->flags, letter))
			return cli_usage(
			    j, arena_printf(j->arena, "`%s` does not take %s", c->name, argv[optind - 1]));
		if (letter == 'l' && from_environment)
			a->listen_n = from_environment = 0;
		if (set_option(j, a, letter, optarg))
			return j->error;
	}
	a->rest = argv + optind;
	a->rest_n = (size_t)(argc - optind);
	if (a->rest_n && !takes_rest(c->name))
		return cli_usage(j, arena_printf(j->arena, "`%s` does not take \"%s\"", c->name, a->rest[0]));
	return 0;
}
