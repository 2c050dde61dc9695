/* The map against a plain array that knows what must be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/map.h"

enum { NAMES = 2000 };

static char names[NAMES][16];

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[i]), "n%d", i);
	return 0;
}

static void test_empty(void **state)
{
	struct map m = { 0 };
	size_t it = 0;

	(void)state;
	assert_null(map_get(&m, "x"));
	map_del(&m, "x");
	assert_null(map_next(&m, &it));
	map_clear(&m);
}

static void test_put_get_replace(void **state)
{
	struct map m = { 0 };
	char key[] = "key", same[] = "key";
	int one, two;

	(void)state;
	map_put(&m, key, &one);
	assert_ptr_equal(map_get(&m, "key"), &one);
	assert_null(map_get(&m, "ke"));
	assert_null(map_get(&m, ""));
	map_put(&m, same, &two);
	memset(key, 'x', 3); /* the first key may die with its value */
	assert_ptr_equal(map_get(&m, "key"), &two);
	assert_int_equal(m.len, 1);
	map_put(&m, "", &one);
	assert_ptr_equal(map_get(&m, ""), &one);
	map_del(&m, "");
	assert_null(map_get(&m, ""));
	assert_int_equal(m.len, 1);
	map_clear(&m);
	assert_null(map_get(&m, "key"));
}

static void check_all(const struct map *m, void **want)
{
	const struct map_slot *s;
	size_t count = 0, seen = 0, it = 0;

	for (int i = 0; i < NAMES; i++) {
		assert_ptr_equal(map_get(m, names[i]), want[i]);
		count += want[i] != NULL;
	}
	while ((s = map_next(m, &it))) {
		assert_ptr_equal(map_get(m, s->key), s->value);
		seen++;
	}
	assert_int_equal(seen, count);
	assert_int_equal(m->len, count);
	assert_in_range(m->used, m->len, m->cap / 4 * 3);
}

static void test_random_walk(void **state)
{
	static void *want[NAMES];
	struct map m = { 0 };
	uint32_t r = 1;

	(void)state;
	for (int step = 0; step < 40000; step++) {
		uint32_t i;

		r = r * 1664525u + 1013904223u;
		i = (r >> 16) % NAMES;
		if (r >> 8 & 1) {
			want[i] = &names[(r >> 10) % NAMES];
			map_put(&m, names[i], want[i]);
		} else {
			want[i] = NULL;
			map_del(&m, names[i]);
		}
		if (step % 4000 == 0)
			check_all(&m, want);
	}
	check_all(&m, want);
	map_clear(&m);
}

/* Graves must neither fill the table nor make it grow for ever. */
static void test_graves_are_cleared(void **state)
{
	struct map m = { 0 };
	char key[16];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		map_put(&m, key, &m);
		map_del(&m, key);
	}
	assert_int_equal(m.len, 0);
	assert_true(m.cap <= 64);
	assert_null(map_get(&m, "k1"));
	map_clear(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_put_get_replace),
		cmocka_unit_test(test_random_walk),
		cmocka_unit_test(test_graves_are_cleared),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
