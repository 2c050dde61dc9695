/* The table of commands: what each takes behind its name, which options, and who runs it. */
#include <string.h>

#include "cli/cli_int.h"

static const struct command COMMANDS[] = {
	{ "init", "", "data prefix endpoint server-name name widths validity inbound routes master-key",
	    cli_init },
	{ "serve", "", "data listen hooks openvpn-group master-key", cli_serve },
	{ "render", "", "data full check out openvpn-group master-key", cli_render },
	{ "deploy", "", "data watch", cli_deploy },
	{ "git", "[ARGUMENT...]", "data", cli_git },
	{ "key", "show|check", "data master-key", cli_key },
	{ "status", "", "data", cli_status },
	{ "log", "[FILTER...]", "data", cli_log },
	{ "show", "COMMIT", "data", cli_show },
	{ "whois", "ADDRESS", "data at", cli_whois },
	{ "rollback", "COMMIT", "data only include reason configs", cli_rollback },
	{ "revert", "COMMIT", "data reason configs", cli_revert },
	{ "batch", "FILE", "data reason configs", cli_batch },
	{ "receive", "", "data openvpn-group master-key hooks", cli_receive },
	{ "check", "OLD NEW", "data", cli_check },
	{ "fmt", "FILE...", "", cli_fmt },
	{ "restore", "", "data openvpn-group master-key accept-loss", cli_restore },
	{ "verify", "", "data master-key openvpn-group expect key", cli_verify },
};

const struct command *cli_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		if (strcmp(name, COMMANDS[i].name) == 0)
			return &COMMANDS[i];
	return NULL;
}
