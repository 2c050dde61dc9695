/*
 * The log: a line is built on the stack and leaves in one write(2), so that
 * lines of several threads never mix.  Nothing here allocates or locks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

enum { LOG_TEXT = 2048, LOG_LINE = 4 * LOG_TEXT + 32 };

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

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[LOG_TEXT], line[LOG_LINE];
	int saved = errno;
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);

	if (getenv("JOURNAL_STREAM"))
		n = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else
		n = (size_t)snprintf(line, sizeof(line), "vpnunit: ");
	n += log_escape(line + n, text);
	line[n++] = '\n';
	/* A closed or full stderr must not stop the service, and there is no one to tell. */
	while (write(STDERR_FILENO, line, n) < 0 && errno == EINTR)
		;
	errno = saved;
}
