/* The table of commands: what each takes behind its name, which options, and who runs it. */
#include <string.h>

#include "cli/cli_int.h"

/* Of every command that asks the service, and of every one that changes something there. */
#define ASK "data url token-file json"
#define CHANGE ASK " dry-run yes reason confirm-within"

static const struct command COMMANDS[] = {
	{ "init", "", "data prefix endpoint server-name name widths validity inbound routes master-key",
	    cli_init },
	{ "serve", "",
	    "data listen allow-cleartext tls-name tls-certificate tls-key hooks openvpn-group master-key "
	    "public-url log-format",
	    cli_serve },
	{ "render", "", "data full check out openvpn-group master-key", cli_render },
	{ "deploy", "", "data watch log-format", cli_deploy },
	{ "git", "[ARGUMENT...]", "data", cli_git },
	{ "key", "show|check", "data master-key", cli_key },
	{ "status", "", ASK, cli_status },
	{ "user add", "NAME", CHANGE " id", cli_user_add },
	{ "user list", "", ASK " at", cli_user_list },
	{ "user show", "USER", ASK " at", cli_user_show },
	{ "user rename", "USER NAME", CHANGE, cli_user_rename },
	{ "user enable", "USER", CHANGE, cli_user_enable },
	{ "user disable", "USER", CHANGE, cli_user_disable },
	{ "user delete", "USER", CHANGE " cascade", cli_user_delete },
	{ "gateway add", "NAME", CHANGE " user id inbound routes allow from to", cli_gateway_add },
	{ "gateway list", "", ASK " user at expires-within status", cli_gateway_list },
	{ "gateway show", "GATEWAY", ASK " at status", cli_gateway_show },
	{ "gateway set", "GATEWAY", CHANGE " inbound routes", cli_gateway_set },
	{ "gateway enable", "GATEWAY", CHANGE, cli_gateway_enable },
	{ "gateway disable", "GATEWAY", CHANGE, cli_gateway_disable },
	{ "gateway allow", "GATEWAY RULE...", CHANGE " from to", cli_gateway_allow },
	{ "gateway close", "GATEWAY RULE...", CHANGE " from to", cli_gateway_close },
	{ "gateway renew", "GATEWAY", CHANGE " force revoke-old", cli_gateway_renew },
	{ "gateway delete", "GATEWAY", CHANGE, cli_gateway_delete },
	{ "gateway config", "[GATEWAY]", "data url token-file user all out", cli_gateway_config },
	{ "gateway link", "GATEWAY", ASK, cli_gateway_link },
	{ "token add", "NAME", CHANGE " role user gateway expires", cli_token_add },
	{ "token list", "", ASK, cli_token_list },
	{ "token show", "TOKEN", ASK, cli_token_show },
	{ "token delete", "TOKEN", CHANGE, cli_token_delete },
	{ "signer add", "NAME KEY", CHANGE, cli_signer_add },
	{ "signer list", "", ASK, cli_signer_list },
	{ "signer delete", "SIGNER", CHANGE, cli_signer_delete },
	{ "log", "[FILTER...]", ASK, cli_log },
	{ "show", "COMMIT", ASK, cli_show },
	{ "diff", "FROM [TO]", ASK, cli_diff },
	{ "whois", "ADDRESS", ASK " at", cli_whois },
	{ "rollback", "COMMIT", CHANGE " only include configs", cli_rollback },
	{ "revert", "COMMIT", CHANGE " configs", cli_revert },
	{ "batch", "FILE", CHANGE " configs", cli_batch },
	{ "confirm", "COMMIT", CHANGE, cli_confirm },
	{ "undo", "COMMIT", CHANGE, cli_undo },
	{ "receive", "", "data openvpn-group master-key hooks", cli_receive },
	{ "check", "OLD NEW", "data", cli_check },
	{ "fmt", "FILE...", "", cli_fmt },
	{ "restore", "", "data openvpn-group master-key accept-loss", cli_restore },
	{ "complete", "WORD...", "data url token-file", cli_complete },
	{ "verify", "", "data master-key openvpn-group expect key", cli_verify },
};

const struct command *cli_command_at(size_t i)
{
	return i < sizeof(COMMANDS) / sizeof(COMMANDS[0]) ? &COMMANDS[i] : NULL;
}

static const struct command *find(const char *name)
{
	const struct command *c;
	size_t i;

	for (i = 0; (c = cli_command_at(i)) != NULL; i++)
		if (strcmp(name, c->name) == 0)
			return c;
	return NULL;
}

/* "user": its verbs, or NULL where it has none. */
static const char *list_verbs(struct job *j, const char *noun)
{
	const size_t len = strlen(noun);
	const struct command *c;
	struct buf b;
	size_t i;

	buf_open(&b, j->arena);
	for (i = 0; (c = cli_command_at(i)) != NULL; i++)
		if (strncmp(c->name, noun, len) == 0 && c->name[len] == ' ')
			buf_printf(&b, "%s%s", b.len ? ", " : "", c->name + len + 1);
	return b.len ? b.data : NULL;
}

const struct command *cli_find(struct job *j, char *const *words, size_t n, size_t *used)
{
	const struct command *c = find(words[0]);
	const char *verbs;

	*used = 1;
	if (!c && n > 1) {
		c = find(arena_printf(j->arena, "%s %s", words[0], words[1]));
		*used = 2;
	}
	if (c)
		return c;
	verbs = list_verbs(j, words[0]);
	cli_usage(j,
	    verbs ? arena_printf(j->arena, "`%s` takes one of: %s", words[0], verbs)
		  : arena_printf(j->arena, "there is no command %s", words[0]));
	return NULL;
}
