/*
 * Goal: what a publish writes is a pack as stock git knows it, whatever the lengths of its objects; and one
 * that was written ahead of its publish is not written twice.
 */
#include "state_fixture.h"

static const struct oid none = { { 0 } };

/* Around the bounds of a stored block (65,535 bytes) and of the seven-bit groups of an object's length. */
static const size_t lengths[] = { 0, 1, 15, 16, 2047, 2048, 65534, 65535, 65536, 131070, 131071, 300000 };
enum { LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

/* Bytes of every value, NUL among them, and no two lengths alike. */
static char *make_bytes(struct fixture *f, size_t len)
{
	char *bytes = arena_alloc(f->j.arena, len);
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 + i / 251 + len);
	return bytes;
}

static void test_objects_of_every_length(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "lengths");
	struct oid c;
	struct buf b;
	size_t i;

	for (i = 0; i < LENGTHS; i++)
		plan_write(f->j.arena, p, arena_printf(f->j.arena, "f/%zu", lengths[i]),
		    make_bytes(f, lengths[i]), lengths[i]);
	c = stage(f, &none, p);
	publish(f, &none, &c);
	assert_sound(f);
	for (i = 0; i < LENGTHS; i++) {
		const char *path = arena_printf(f->j.arena, "f/%zu", lengths[i]);

		assert_string_equal(git(f, arena_printf(f->j.arena, "cat-file -s main:%s", path)),
		    arena_printf(f->j.arena, "%zu\n", lengths[i]));
		buf_open(&b, f->j.arena);
		assert_int_equal(state_read(&f->j, f->s, &c, path, &b), 0);
		assert_int_equal(b.len, lengths[i]);
		assert_memory_equal(b.data, make_bytes(f, b.len), b.len);
	}
}

/* Two commits of a batch have folders and files in common, which a pack holds once. */
static void test_each_object_once(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first"), *q = new_plan(f, "second"), *r = new_plan(f, "third");
	struct oid a, b, c;

	put(f, p, "d/x", "same");
	a = stage(f, &none, p);
	put(f, q, "d/x", "other");
	b = stage(f, &a, q);
	put(f, r, "d/x", "same");
	c = stage(f, &b, r);
	publish(f, &none, &c);
	assert_sound(f);
	/* Three commits, and of two states a file, its folder and the root. */
	assert_string_equal(
	    shell(f, 0,
		"git --git-dir=%s verify-pack -v %s/objects/pack/*.idx | grep -c '^[0-9a-f]\\{40\\} '",
		f->path, f->path),
	    "9\n");
}

static int count_packs(struct fixture *f)
{
	return atoi(shell(f, 0, "ls %s/objects/pack | grep -c 'pack$'", f->path));
}

static void test_packed_ahead(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first"), *q = new_plan(f, "second");
	struct oid a, b;

	put(f, p, "x", "1");
	a = stage(f, &none, p);
	assert_int_equal(state_pack(&f->j, f->s), 0);
	assert_int_equal(count_packs(f), 1);
	publish(f, &none, &a);
	assert_int_equal(count_packs(f), 1);
	put(f, q, "x", "2");
	b = stage(f, &a, q);
	publish(f, &a, &b);
	assert_int_equal(count_packs(f), 2);
	assert_sound(f);
}

/* What is staged after that is written, too. */
static void test_staged_behind_a_pack(void **arg)
{
	struct fixture *f = *arg;
	struct plan *p = new_plan(f, "first"), *q = new_plan(f, "second");
	struct oid a, b;

	put(f, p, "x", "1");
	a = stage(f, &none, p);
	assert_int_equal(state_pack(&f->j, f->s), 0);
	put(f, q, "x", "2");
	b = stage(f, &a, q);
	publish(f, &none, &b);
	assert_sound(f);
	assert_string_equal(git(f, "rev-list --count main"), "2\n");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_of_every_length),
		cmocka_unit_test(test_each_object_once),
		cmocka_unit_test(test_packed_ahead),
		cmocka_unit_test(test_staged_behind_a_pack),
	};

	return fixture_run(tests, sizeof(tests) / sizeof(tests[0]));
}
