/*
 * Arguments: one table of options, their environment twins, and where in the
 * struct each goes.  Which command takes which is in commands.c.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "cli/cli_int.h"

enum kind { FLAG, TEXT, LIST, DAYS, DURATION, COMMIT };

struct rule {
	const char *name;
	enum kind kind;
	size_t at; /* in struct arguments */
	const char *value; /* what it takes: "FILE", or "these|words" alone */
};

#define AT(member) offsetof(struct arguments, member)

static const struct rule RULES[] = {
	{ "accept-loss", FLAG, AT(accept_loss), NULL },
	{ "all", FLAG, AT(all), NULL },
	{ "allow", LIST, AT(allow), "RULE" },
	{ "allow-cleartext", FLAG, AT(allow_cleartext), NULL },
	{ "at", TEXT, AT(at), "COMMIT" },
	{ "cascade", FLAG, AT(cascade), NULL },
	{ "check", FLAG, AT(check), NULL },
	{ "configs", TEXT, AT(configs), "FOLDER" },
	{ "confirm-within", DURATION, AT(confirm_within), "DURATION" },
	{ "data", TEXT, AT(data), "FOLDER" },
	{ "dry-run", FLAG, AT(dry_run), NULL },
	{ "endpoint", LIST, AT(endpoints), "HOST:PORT" },
	{ "expect", COMMIT, AT(expect), "COMMIT" },
	{ "expires", TEXT, AT(expires), "TIME" },
	{ "expires-within", DURATION, AT(expires_within), "DURATION" },
	{ "force", FLAG, AT(force), NULL },
	{ "from", TEXT, AT(from), "WHO" },
	{ "full", FLAG, AT(full), NULL },
	{ "gateway", TEXT, AT(gateway), "GATEWAY" },
	{ "hooks", TEXT, AT(hooks), "none" },
	{ "id", TEXT, AT(id), "ID" },
	{ "inbound", TEXT, AT(init.inbound), "deny|allow" },
	{ "include", TEXT, AT(include), "network" },
	{ "json", FLAG, AT(json), NULL },
	{ "key", LIST, AT(keys), "FINGERPRINT" },
	{ "listen", LIST, AT(listen), "ADDRESS" },
	{ "log-format", TEXT, AT(log_format), "text|json" },
	{ "master-key", TEXT, AT(master_key), "FILE" },
	{ "name", TEXT, AT(init.name), "TEXT" },
	{ "only", LIST, AT(only), "user:NAME|gateway:NAME" },
	{ "openvpn-group", TEXT, AT(group), "NAME" },
	{ "out", TEXT, AT(out), "FOLDER" },
	{ "prefix", TEXT, AT(init.prefix), "PREFIX" },
	{ "public-url", TEXT, AT(public_url), "URL" },
	{ "reason", TEXT, AT(reason), "TEXT" },
	{ "revoke-old", FLAG, AT(revoke_old), NULL },
	{ "role", TEXT, AT(role), "admin|operator|auditor|gateway" },
	{ "routes", TEXT, AT(init.routes), "prefix|internet" },
	{ "server-name", TEXT, AT(init.server_name), "NAME" },
	{ "status", FLAG, AT(status), NULL },
	{ "to", TEXT, AT(to), "HOST" },
	{ "token-file", TEXT, AT(token_file), "FILE" },
	{ "url", TEXT, AT(url), "URL" },
	{ "user", TEXT, AT(user), "USER" },
	{ "tls-certificate", TEXT, AT(tls_certificate), "FILE" },
	{ "tls-key", TEXT, AT(tls_key), "FILE" },
	{ "tls-name", TEXT, AT(tls_name), "NAME" },
	{ "validity", DAYS, AT(init.validity_days), "DAYS" },
	{ "watch", FLAG, AT(watch), NULL },
	{ "widths", TEXT, AT(init.widths), "U/G/N" },
	{ "yes", FLAG, AT(yes), NULL },
};

enum { RULES_N = sizeof(RULES) / sizeof(RULES[0]), FIRST_RULE = 256 };

int cli_usage(struct job *j, const char *text)
{
	return job_fail(j, E_INVALID, "usage", "%s; see `vpnunit help`", text);
}

bool cli_has_word(const char *list, const char *word, size_t len, char separator)
{
	const char *p = list;

	while (p) {
		size_t n = strcspn(p, (char[]){ separator, '\0' });

		if (n == len && strncmp(p, word, len) == 0)
			return true;
		p = p[n] ? p + n + 1 : NULL;
	}
	return false;
}

bool cli_is_choice(const char *value)
{
	return islower((unsigned char)value[0]) && !strchr(value, ':');
}

const char *cli_option_value(const char *name)
{
	const struct rule *r;

	for (r = RULES; r < RULES + RULES_N; r++)
		if (strcmp(r->name, name) == 0)
			return r->value;
	return NULL;
}

static int set_text(struct job *j, const struct rule *r, const char *value, const char **out)
{
	if (cli_is_choice(r->value) && !cli_has_word(r->value, value, strlen(value), '|'))
		return cli_usage(j, arena_printf(j->arena, "--%s %s: it takes %s", r->name, value, r->value));
	*out = value;
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

static int set_duration(struct job *j, const struct rule *r, const char *value, int64_t *seconds)
{
	if (!time_parse_duration(value, seconds))
		return cli_usage(
		    j, arena_printf(j->arena, "--%s %s: a duration such as 30d, 12h or 10m", r->name, value));
	return 0;
}

/* Lists come once a flag, or separated by commas in the environment. */
static int add_to_list(struct job *j, struct words *list, const char *value)
{
	char *copy = arena_strdup(j->arena, value), *save, *part;

	for (part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		if (list->n == LIST_MAX)
			return cli_usage(j, "at most 16 of one flag");
		list->word[list->n++] = part;
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

static int set_option(struct job *j, struct arguments *a, const struct rule *r, const char *value)
{
	void *at = (char *)a + r->at;

	switch (r->kind) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case LIST:
		return add_to_list(j, at, value);
	case DAYS:
		return set_days(j, value, at);
	case DURATION:
		return set_duration(j, r, value, at);
	case COMMIT:
		return set_expect(j, value, at);
	case TEXT:
		break;
	}
	return set_text(j, r, value, at);
}

static bool is_taken(const struct command *c, const char *option)
{
	return cli_has_word(c->options, option, strlen(option), ' ');
}

/* VPNUNIT_DATA for --data, and so on: first, so that flags win. */
static int read_environment(struct job *j, struct arguments *a, const struct command *c)
{
	const struct rule *r;

	for (r = RULES; r < RULES + RULES_N; r++) {
		char *name = arena_printf(j->arena, "VPNUNIT_%s", r->name), *p;
		const char *value;

		for (p = name; *p; p++)
			*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
		value = getenv(name);
		if (!value || !*value || !is_taken(c, r->name))
			continue;
		if (set_option(j, a, r, value))
			return j->error;
		if (r->kind == LIST)
			((struct words *)((char *)a + r->at))->is_default = true;
	}
	return 0;
}

static void describe(struct option *out)
{
	size_t i;

	for (i = 0; i < RULES_N; i++)
		out[i] = (struct option){ RULES[i].name,
			RULES[i].kind == FLAG ? no_argument : required_argument, NULL, FIRST_RULE + (int)i };
	out[i] = (struct option){ NULL, 0, NULL, 0 };
}

static int read_flag(
    struct job *j, struct arguments *a, const struct command *c, const struct rule *r, const char *value)
{
	struct words *list = r->kind == LIST ? (struct words *)((char *)a + r->at) : NULL;

	if (!is_taken(c, r->name))
		return cli_usage(j, arena_printf(j->arena, "`%s` does not take --%s", c->name, r->name));
	if (list && list->is_default)
		*list = (struct words){ .n = 0 };
	return set_option(j, a, r, value);
}

/* "FILE" wants one, "[FILTER...]" takes any, "FILE..." wants at least one. */
static int check_rest(struct job *j, const struct arguments *a, const struct command *c)
{
	const char *p = c->takes;
	size_t least = 0, most = 0;
	bool has_more = false;

	for (; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		least += *p != '[';
		most++;
		has_more = has_more || memmem(p, len, "...", 3);
	}
	if (a->rest_n >= least && (has_more || a->rest_n <= most))
		return 0;
	if (a->rest_n > most)
		return cli_usage(
		    j, arena_printf(j->arena, "`%s` does not take \"%s\"", c->name, a->rest[most]));
	return cli_usage(j, arena_printf(j->arena, "`%s` takes %s", c->name, c->takes));
}

int cli_read(struct job *j, struct arguments *a, const struct command *c, int argc, char **argv)
{
	/* What is behind `git` is git's, options included; elsewhere they may come last. */
	const char *letters = strcmp(c->name, "git") == 0 ? "+" : "o:";
	struct option options[RULES_N + 1];
	int found;

	describe(options);
	a->data = "/var/lib/vpnunit";
	if (read_environment(j, a, c))
		return j->error;
	while ((found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (found == '?')
			return cli_usage(j, "that is no option, or its value is missing");
		if (found == 'o')
			for (found = FIRST_RULE; strcmp(RULES[found - FIRST_RULE].name, "out");)
				found++;
		if (read_flag(j, a, c, &RULES[found - FIRST_RULE], optarg))
			return j->error;
	}
	a->rest = argv + optind;
	a->rest_n = (size_t)(argc - optind);
	return check_rest(j, a, c);
}
