/*
 * `vpnunit gateway link`: a URL that gives a configuration once.  On a terminal also as a QR code: a
 * profile itself is too big for one, and the apps of OpenVPN know how to fetch it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_int.h"
#include "cli/output.h"
#include "qr/qr.h"

static const char import_scheme[] = "openvpn://import-profile/";

/*
 * Two modules a character, one above the other.  Dark on light with colours; without, the terminal's
 * own ground is taken for dark, and so the blocks are what is light.
 */
static void print_code(const struct qr *q)
{
	static const char *const blocks[] = { " ", "\u2584", "\u2580", "\u2588" };
	const bool is_coloured = output_is_coloured();
	int x, y;

	for (y = -QR_QUIET; y < q->side + QR_QUIET; y += 2) {
		fputs(is_coloured ? "\033[38;5;16;48;5;231m" : "", stdout);
		for (x = -QR_QUIET; x < q->side + QR_QUIET; x++) {
			unsigned both = (unsigned)qr_is_dark(q, x, y) << 1 | qr_is_dark(q, x, y + 1);

			fputs(blocks[is_coloured ? both : both ^ 3], stdout);
		}
		puts(is_coloured ? "\033[0m" : "");
	}
}

int cli_gateway_link(struct job *j, struct arguments *a)
{
	struct http_call call = { .method = "POST", .path = cli_url(j, "/gateway/", a->rest[0], "/link") };
	struct http_answer answer;
	const char *url, *import;
	struct json *o;
	struct qr code;

	if (cli_ask(j, a, &call, &answer) || json_parse(j, answer.body.data, answer.body.len, &o) ||
	    json_want_string(j, o, "url", true, &url))
		return EXIT_REFUSED;
	if (a->json) {
		output_json(j, o);
		return 0;
	}
	printf("%s\n", url);
	if (!isatty(STDOUT_FILENO))
		return 0;
	printf("works once, until %s\n", output_printable(j, cli_string(o, "expires")));
	import = arena_printf(j->arena, "%s%s", import_scheme, url);
	if (qr_encode(import, strlen(import), &code))
		print_code(&code);
	return 0;
}
