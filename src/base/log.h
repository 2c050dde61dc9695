/* The log: one line an event on stderr, "<6>text" priorities where journald listens (JOURNAL_STREAM). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/* Control characters in the text are escaped: a request cannot forge a line. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
