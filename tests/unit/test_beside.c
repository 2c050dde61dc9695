/* Work beside the caller's: all of it is done once, by how many threads ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/beside.h"

enum { PIECES = 20, ROUNDS = 500, CALLERS = 4 };

static void count(void *counter)
{
	atomic_fetch_add((atomic_int *)counter, 1);
}

/* More than there are threads for, begun before any of it ends. */
static void *rounds(void *counter)
{
	struct beside pieces[PIECES];

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < PIECES; k++)
			beside_start(&pieces[k], count, counter);
		for (int k = 0; k < PIECES; k++)
			beside_end(&pieces[k]);
	}
	return NULL;
}

static void test_each_piece_is_done_once(void **state)
{
	atomic_int counter = 0;

	(void)state;
	rounds(&counter);
	assert_int_equal(counter, ROUNDS * PIECES);
}

static void test_many_callers(void **state)
{
	pthread_t callers[CALLERS];
	atomic_int counter = 0;

	(void)state;
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, rounds, &counter), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	assert_int_equal(counter, CALLERS * ROUNDS * PIECES);
}

static void wait_for(void *barrier)
{
	pthread_barrier_wait(barrier);
}

/* The caller goes on meanwhile: neither of the two can end without the other. */
static void test_it_runs_beside_its_caller(void **state)
{
	pthread_barrier_t both;
	struct beside b;

	(void)state;
	pthread_barrier_init(&both, NULL, 2);
	beside_start(&b, wait_for, &both);
	pthread_barrier_wait(&both);
	beside_end(&b);
	pthread_barrier_destroy(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_piece_is_done_once),
		cmocka_unit_test(test_many_callers),
		cmocka_unit_test(test_it_runs_beside_its_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
