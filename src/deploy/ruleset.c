/*
 * Loads DATA/firewall/nftables.conf.  Who wrote that file may have fewer
 * rights than we: it is read once, checked to concern the table inet vpnunit
 * and one forward chain, and these very bytes are what nft gets.
 */
#include <string.h>

#include "base/fs.h"
#include "deploy/deploy_int.h"

enum { RULESET_MAX = 256 * 1024 * 1024 };

struct scan {
	const char *line; /* without indentation and comment */
	size_t len;
	unsigned number, depth;
};

static bool scan_is(const struct scan *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->line, text, s->len);
}

static bool scan_has(const struct scan *s, const char *word)
{
	return memmem(s->line, s->len, word, strlen(word));
}

static bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut a line down to what nft acts on: comments have lines of their own. */
static void scan_trim(struct scan *s)
{
	while (s->len && scan_is_blank(*s->line)) {
		s->line++;
		s->len--;
	}
	while (s->len && scan_is_blank(s->line[s->len - 1]))
		s->len--;
	if (s->len && *s->line == '#')
		s->len = 0;
}

/* What would make nft see other words, braces or line ends than we do. */
static bool scan_is_plain(const struct scan *s)
{
	size_t quotes = 0, braces = 0;

	for (size_t i = 0; i < s->len; i++) {
		char c = s->line[i];

		if ((c != '\t' && (c < ' ' || c > '~')) || c == '\\' || c == '#')
			return false;
		quotes += c == '"';
		braces += c == '{' || c == '}';
	}
	return quotes % 2 == 0 && !(quotes && braces);
}

/* Outside of all braces stand three statements only, and nothing follows the brace that ends one. */
static bool scan_braces(struct scan *s)
{
	if (!s->depth && !scan_is(s, "table inet vpnunit {}") && !scan_is(s, "delete table inet vpnunit") &&
	    !scan_is(s, "table inet vpnunit {"))
		return false;
	for (size_t i = 0; i < s->len; i++) {
		if (s->line[i] == '{')
			s->depth++;
		if (s->line[i] != '}')
			continue;
		if (!s->depth || (!--s->depth && i + 1 < s->len))
			return false;
	}
	return true;
}

static bool scan_line(struct scan *s)
{
	scan_trim(s);
	if (!s->len)
		return true;
	if (!scan_is_plain(s) || scan_has(s, "include") ||
	    (scan_has(s, "hook") && !scan_is(s, "type filter hook forward priority filter; policy accept;")))
		return false;
	return scan_braces(s);
}

int ruleset_check(struct job *j, const char *text, size_t len)
{
	struct scan s = { .number = 0 };
	const char *end = text + len;

	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		s.line = text;
		s.len = (size_t)((line_end ? line_end : end) - text);
		s.number++;
		if (!scan_line(&s))
			return job_fail(j, E_CORRUPT, "corrupt",
			    "line %u of the firewall is none that VPNUnit writes: not loaded", s.number);
		text = line_end ? line_end + 1 : end;
	}
	return s.depth ? job_fail(j, E_CORRUPT, "corrupt", "the firewall's file is cut off: not loaded") : 0;
}

/* A flushed chain or an element that came or went shows in the listing only. */
static const char *ruleset_list(struct job *j)
{
	static const char *const nft[] = { "nft", "-s", "list", "table", "inet", "vpnunit", NULL };
	char *hex = arena_alloc(j->arena, DIGEST_HEX);
	struct buf output;

	if (tool_run(j, nft, NULL, &output))
		job_clear(j); /* there is no such table: the digest stays empty */
	else
		digest_sha256_hex(output.data, output.len, hex);
	return hex;
}

int ruleset_load(
    struct job *j, const char *data, const struct record *old, struct record *now, bool *has_drift)
{
	static const char *const nft[] = { "nft", "-f", "-", NULL };
	char *hex = arena_alloc(j->arena, DIGEST_HEX);
	struct buf text, output;
	bool is_same;

	now->firewall = now->rules = "";
	if (fs_read(j, arena_printf(j->arena, "%s/firewall/nftables.conf", data), RULESET_MAX, &text) ||
	    ruleset_check(j, text.data, text.len))
		return j->error;
	digest_sha256_hex(text.data, text.len, hex);
	is_same = *old->rules && strcmp(old->firewall, hex) == 0;
	*has_drift = is_same && strcmp(ruleset_list(j), old->rules) != 0;
	if ((!is_same || *has_drift) && tool_run(j, nft, &text, &output))
		return j->error;
	now->firewall = hex;
	now->rules = is_same && !*has_drift ? old->rules : ruleset_list(j);
	return 0;
}
