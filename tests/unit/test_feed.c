/* News reaches whoever listens; who tells never waits, and who is too slow is told so. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/feed.h"
#include "base/time.h"

enum { MANY = 50000 };

static void test_in_order_from_where_one_listens(void **state)
{
	struct feed *f = feed_open();
	struct feed_news news;
	struct job j;
	uint64_t at;

	(void)state;
	job_open(&j);
	feed_put(f, "a", "before");
	at = feed_end(f);
	feed_put(f, "a", "one");
	feed_put(f, "b", "two");
	assert_int_equal(feed_next(&j, f, &at, 1000, &news), FEED_NEWS);
	assert_string_equal(news.text, "one");
	assert_int_equal(feed_next(&j, f, &at, 1000, &news), FEED_NEWS);
	assert_string_equal(news.kind, "b");
	assert_int_equal(feed_next(&j, f, &at, 10, &news), FEED_SILENCE);
	job_close(&j);
	feed_close(f);
}

static void test_who_is_too_slow_has_lost_the_thread(void **state)
{
	struct feed *f = feed_open();
	uint64_t at = feed_end(f);
	struct feed_news news;
	struct job j;

	(void)state;
	job_open(&j);
	for (int i = 0; i < FEED_KEPT; i++)
		feed_put(f, "a", "x");
	assert_int_equal(feed_next(&j, f, &at, 10, &news), FEED_NEWS);
	feed_put(f, "a", "x");
	assert_int_equal(feed_next(&j, f, &at, 10, &news), FEED_NEWS);
	feed_put(f, "a", "x");
	feed_put(f, "a", "x");
	assert_int_equal(feed_next(&j, f, &at, 10, &news), FEED_LOST);
	job_close(&j);
	feed_close(f);
}

static void *listen_to_the_end(void *context)
{
	struct feed *f = context;
	enum feed_result result;
	uintptr_t heard = 0;
	struct feed_news news;
	uint64_t at = 0;
	struct job j;

	job_open(&j);
	while ((result = feed_next(&j, f, &at, 10000, &news)) == FEED_NEWS)
		heard++;
	job_close(&j);
	assert_true(result == FEED_OVER || result == FEED_LOST);
	return (void *)heard; /* NOLINT(performance-no-int-to-ptr) */
}

static void test_who_tells_does_not_wait(void **state)
{
	struct feed *f = feed_open();
	int64_t began_at = time_monotonic_ms();
	pthread_t t[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, listen_to_the_end, f), 0);
	for (int i = 0; i < MANY; i++)
		feed_put(f, "a", "x");
	assert_true(time_monotonic_ms() - began_at < 5000);
	feed_stop(f);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	feed_close(f);
}

static void test_its_end_wakes_listeners(void **state)
{
	struct feed *f = feed_open();
	int64_t began_at;
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, listen_to_the_end, f), 0);
	usleep(50000);
	began_at = time_monotonic_ms();
	feed_stop(f);
	pthread_join(t, NULL);
	assert_true(time_monotonic_ms() - began_at < 1000);
	feed_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_from_where_one_listens),
		cmocka_unit_test(test_who_is_too_slow_has_lost_the_thread),
		cmocka_unit_test(test_who_tells_does_not_wait),
		cmocka_unit_test(test_its_end_wakes_listeners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
