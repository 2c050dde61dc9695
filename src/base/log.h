/*
 * The log: one line an event on stderr.  Text, or with VPNUNIT_LOG_FORMAT=json in the environment one
 * object with time, level, message and what it is about.  Where journald listens (JOURNAL_STREAM names
 * stderr) its priority stands in front, as in "<6>text".
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6 };

/* Control characters in the text are escaped: a request cannot forge a line. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same about a request (its id) and a commit (in hex); "": none. Neither has control characters. */
void log_event(enum log_level level, const char *request, const char *commit, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
