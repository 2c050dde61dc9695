/*
 * Which configuration OpenVPN runs with: the rendered server.conf has a digest
 * of all that is read at start in a line of `echo`, which OpenVPN keeps and
 * tells on its management socket.  So it is known across restarts of either.
 */
#include <ctype.h>
#include <string.h>

#include "base/fs.h"
#include "deploy/deploy_int.h"

enum { CONFIGURATION_MAX = 1024 * 1024 };

static const char WORD[] = "vpnunit-config ";

/* "vpnunit-config DIGEST", up to the line's end. */
static bool configuration_parse(const char *text, char out[CONFIGURATION_DIGEST])
{
	const char *digest = text + sizeof(WORD) - 1;

	if (strncmp(text, WORD, sizeof(WORD) - 1) != 0 ||
	    strspn(digest, "0123456789abcdef") != CONFIGURATION_DIGEST - 1)
		return false;
	memcpy(out, digest, CONFIGURATION_DIGEST - 1);
	out[CONFIGURATION_DIGEST - 1] = '\0';
	return true;
}

bool configuration_heard(const char *line, char out[CONFIGURATION_DIGEST])
{
	static const char event[] = ">ECHO:";

	if (strncmp(line, event, sizeof(event) - 1) == 0)
		line += sizeof(event) - 1;
	while (isdigit((unsigned char)*line))
		line++;
	return *line == ',' && configuration_parse(line + 1, out);
}

void configuration_wanted(const char *data, char out[CONFIGURATION_DIGEST])
{
	static const char directive[] = "\necho ";
	const char *line;
	struct buf text;
	struct job j;

	*out = '\0';
	job_open(&j);
	if (fs_read(&j, arena_printf(j.arena, "%s/ovpn/server.conf", data), CONFIGURATION_MAX, &text) == 0 &&
	    (line = strstr(text.data, directive)))
		configuration_parse(line + sizeof(directive) - 1, out);
	job_close(&j);
}
