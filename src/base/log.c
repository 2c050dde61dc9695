/*
 * The log: a line is built on the stack and leaves in one write(2), so that
 * lines of several threads never mix.  Nothing here allocates or locks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "base/utf8.h"

/* The worst a byte may become is \u001b. */
enum { LOG_TEXT = 2048, LOG_ABOUT = 512, LOG_LINE = 6 * LOG_TEXT + LOG_ABOUT, COMMIT_SHOWN = 12 };

struct event {
	enum log_level level;
	const char *request, *commit;
	const char *text;
};

/* C0, DEL, and the C1 controls as UTF-8 has them: some terminals act on those too. */
static int log_controls(const unsigned char *p)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	return p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f ? 2 : 0;
}

static size_t log_escape(char *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char *start = out;

	while (*p) {
		int bad = log_controls(p);

		if (!bad)
			*out++ = (char)*p++;
		for (; bad; bad--)
			out += snprintf(out, sizeof("\\x00"), "\\x%02x", *p++);
	}
	return (size_t)(out - start);
}

static size_t log_print_text(char *out, const struct event *e)
{
	size_t n = log_escape(out, e->text);

	if (*e->request)
		n += (size_t)snprintf(out + n, LOG_ABOUT / 2, " (request %s)", e->request);
	if (*e->commit)
		n += (size_t)snprintf(out + n, LOG_ABOUT / 2, " (commit %.*s)", COMMIT_SHOWN, e->commit);
	return n;
}

/* A string's inside (RFC 8259, 7); bytes that are no UTF-8, as a hook may write them, become U+FFFD. */
static size_t log_escape_json(char *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	char *start = out;

	while (p < end) {
		uint32_t c;
		size_t n = utf8_sequence(p, (size_t)(end - p), &c);

		if (!n || c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0)) {
			out += snprintf(out, sizeof("\\u0000"), "\\u%04x", n ? (unsigned)c : 0xfffd);
		} else {
			memcpy(out, p, n);
			out += n;
		}
		p += n ? n : 1;
	}
	return (size_t)(out - start);
}

static size_t log_print_json(char *out, const struct event *e)
{
	const char *level = e->level == LOG_LEVEL_ERROR ? "error"
	    : e->level == LOG_LEVEL_WARNING             ? "warning"
							: "info";
	char now[TIME_TEXT];
	size_t n = (size_t)snprintf(out, LOG_ABOUT / 2, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"",
	    time_print(time_now(), now), level);

	n += log_escape_json(out + n, e->text);
	out[n++] = '"';
	if (*e->request)
		n += (size_t)snprintf(out + n, LOG_ABOUT / 4, ",\"request\":\"%s\"", e->request);
	if (*e->commit)
		n += (size_t)snprintf(out + n, LOG_ABOUT / 4, ",\"commit\":\"%s\"", e->commit);
	out[n++] = '}';
	return n;
}

/* Is stderr the stream of that name? A child whose output goes elsewhere inherits the variable (systemd.exec(5)). */
static bool log_is_journal(void)
{
	const char *name = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!name || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(name, own) == 0;
}

static void log_write(const struct event *e)
{
	const char *format = getenv("VPNUNIT_LOG_FORMAT");
	bool is_json = format && strcmp(format, "json") == 0;
	char line[LOG_LINE];
	size_t n = 0;

	if (log_is_journal())
		n = (size_t)snprintf(line, sizeof(line), "<%d>", e->level);
	else if (!is_json)
		n = (size_t)snprintf(line, sizeof(line), "vpnunit: ");
	n += is_json ? log_print_json(line + n, e) : log_print_text(line + n, e);
	line[n++] = '\n';
	/* A closed or full stderr must not stop the service, and there is no one to tell. */
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
}

static void log_format(const struct event *about, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void log_format(const struct event *about, const char *fmt, va_list ap)
{
	char text[LOG_TEXT];
	struct event e = *about;
	int saved = errno;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	e.text = text;
	log_write(&e);
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	struct event e = { .level = level, .request = "", .commit = "" };
	va_list ap;

	va_start(ap, fmt);
	log_format(&e, fmt, ap);
	va_end(ap);
}

void log_event(enum log_level level, const char *request, const char *commit, const char *fmt, ...)
{
	struct event e = { .level = level, .request = request, .commit = commit };
	va_list ap;

	va_start(ap, fmt);
	log_format(&e, fmt, ap);
	va_end(ap);
}
