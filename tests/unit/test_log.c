/* One event is one line, whatever is in it, and whoever else writes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

enum { THREADS = 4, LINES = 200 };

static char out[1 << 20];
static int saved, file;

/* Catch stderr in a file without a name. */
static void catch_begin(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	file = dup(fileno(f));
	fclose(f);
	saved = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
}

static const char *catch_end(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(file, out, sizeof(out) - 1, 0);
	close(file);
	assert_true(n >= 0);
	out[n] = '\0';
	return out;
}

static void test_plain(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	catch_begin();
	errno = ENOSPC;
	log_line(LOG_LEVEL_INFO, "listening on %s", "[::1]:8080");
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(catch_end(), "vpnunit: listening on [::1]:8080\n");
}

/* As systemd names it to the processes that it starts. */
static void name_stream(int fd)
{
	char name[64];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", name, 1);
}

static void test_journal(void **state)
{
	(void)state;
	catch_begin();
	name_stream(file);
	log_line(LOG_LEVEL_ERROR, "a");
	log_line(LOG_LEVEL_WARNING, "b");
	log_line(LOG_LEVEL_INFO, "c");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(catch_end(), "<3>a\n<4>b\n<6>c\n");
}

static void test_another_stream_is_not_the_journal(void **state)
{
	(void)state;
	catch_begin();
	name_stream(STDIN_FILENO);
	log_line(LOG_LEVEL_ERROR, "a");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(catch_end(), "vpnunit: a\n");
}

static void test_what_it_is_about(void **state)
{
	(void)state;
	catch_begin();
	log_event(LOG_LEVEL_INFO, "r1", "0123456789abcdef0123456789abcdef01234567", "joe: did %s", "it");
	log_event(LOG_LEVEL_INFO, "r1", "", "a");
	log_event(LOG_LEVEL_INFO, "", "", "b");
	assert_string_equal(catch_end(),
	    "vpnunit: joe: did it (request r1) (commit 0123456789ab)\nvpnunit: a (request r1)\nvpnunit: b\n");
}

/* The line behind its time. */
static const char *json_rest(const char *line)
{
	assert_memory_equal(line, "{\"time\":\"", 9);
	assert_memory_equal(line + 28, "Z\",", 3);
	return line + 31;
}

static void test_json(void **state)
{
	const char *line;

	(void)state;
	setenv("VPNUNIT_LOG_FORMAT", "json", 1);
	catch_begin();
	log_event(LOG_LEVEL_WARNING, "r1", "0123456789abcdef0123456789abcdef01234567", "a");
	line = catch_end();
	assert_string_equal(json_rest(line),
	    "\"level\":\"warning\",\"message\":\"a\",\"request\":\"r1\","
	    "\"commit\":\"0123456789abcdef0123456789abcdef01234567\"}\n");
	catch_begin();
	name_stream(file);
	log_line(LOG_LEVEL_ERROR, "%s", "\" \\ \n\x1b \xc3\xa9 \xff\xc3 \xc2\x9b \xed\xa0\x80");
	unsetenv("JOURNAL_STREAM");
	unsetenv("VPNUNIT_LOG_FORMAT");
	line = catch_end();
	assert_memory_equal(line, "<3>", 3);
	assert_string_equal(json_rest(line + 3),
	    "\"level\":\"error\",\"message\":\"\\u0022 \\u005c \\u000a\\u001b \xc3\xa9 "
	    "\\ufffd\\ufffd \\u009b \\ufffd\\ufffd\\ufffd\"}\n");
}

static void test_long_json_is_cut(void **state)
{
	static char text[100001];
	const char *line;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	setenv("VPNUNIT_LOG_FORMAT", "json", 1);
	catch_begin();
	log_line(LOG_LEVEL_INFO, "%s", text);
	unsetenv("VPNUNIT_LOG_FORMAT");
	line = catch_end();
	assert_in_range(strlen(line), 6 * 2000, 6 * 2100);
	assert_string_equal(line + strlen(line) - 3, "\"}\n");
}

static void test_control_characters(void **state)
{
	(void)state;
	catch_begin();
	log_line(LOG_LEVEL_INFO, "%s",
	    "a\nvpnunit: b\r\x1b[2J\x7f\t\xc2\x9b"
	    "1m \xc3\xa9 \xc2\xa0.");
	assert_string_equal(
	    catch_end(), "vpnunit: a\\x0avpnunit: b\\x0d\\x1b[2J\\x7f\\x09\\xc2\\x9b1m \xc3\xa9 \xc2\xa0.\n");
}

static void test_long_text_is_cut(void **state)
{
	static char text[100001];
	const char *line;

	(void)state;
	memset(text, '\n', sizeof(text) - 1); /* the worst: each byte becomes four */
	catch_begin();
	log_line(LOG_LEVEL_INFO, "%s", text);
	line = catch_end();
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_in_range(strlen(line), 4 * 2000, 4 * 2100);
}

static void *chatter(void *name)
{
	for (int i = 0; i < LINES; i++)
		log_line(LOG_LEVEL_INFO, "%s%s%s", (char *)name, (char *)name, (char *)name);
	return NULL;
}

static void test_threads_do_not_mix(void **state)
{
	static char names[THREADS][64];
	pthread_t t[THREADS];
	size_t lines = 0;

	(void)state;
	catch_begin();
	for (int i = 0; i < THREADS; i++) {
		memset(names[i], 'a' + i, sizeof(names[i]) - 1);
		assert_int_equal(pthread_create(&t[i], NULL, chatter, names[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (const char *p = catch_end(), *end; *p; p = end + 1, lines++) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_int_equal(end - p, 9 + 3 * 63);
		assert_int_equal(strspn(p + 9, (char[]){ p[9], '\0' }), 3 * 63);
	}
	assert_int_equal(lines, THREADS * LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_another_stream_is_not_the_journal),
		cmocka_unit_test(test_what_it_is_about),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long_json_is_cut),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_threads_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
