/* Strict in, and out byte for byte what the real jq prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"

static int setup(void **state)
{
	static struct job j;

	job_open(&j);
	*state = &j;
	return 0;
}

static int teardown(void **state)
{
	job_close(*state);
	return 0;
}

static struct json *parse(struct job *j, const char *text)
{
	struct json *v = NULL;

	if (json_parse(j, text, strlen(text), &v))
		fail_msg("%s was refused: %s", text, j->message);
	return v;
}

static char *compact(struct job *j, const struct json *v)
{
	struct buf b;

	buf_open(&b, j->arena);
	json_print_compact(&b, v);
	return b.data;
}

static void test_values(void **state)
{
	struct job *j = *state;
	const struct json *v = parse(j,
	    " {\"s\": \"x\", \"i\": -7,\r\n\t\"t\": true, \"f\": false, \"n\": null, \"a\": [1, []], \"o\": {}} ");

	assert_int_equal(v->type, JSON_OBJECT);
	assert_null(v->key);
	assert_string_equal(v->child->key, "s");
	assert_string_equal(json_get(v, "s")->string, "x");
	assert_int_equal(json_get(v, "i")->integer, -7);
	assert_true(json_get(v, "t")->boolean);
	assert_false(json_get(v, "f")->boolean);
	assert_int_equal(json_get(v, "f")->type, JSON_BOOL);
	assert_int_equal(json_get(v, "n")->type, JSON_NULL);
	assert_int_equal(json_get(v, "a")->child->integer, 1);
	assert_null(json_get(v, "a")->child->key);
	assert_int_equal(json_get(v, "a")->child->next->type, JSON_ARRAY);
	assert_null(json_get(v, "a")->child->next->next);
	assert_ptr_equal(json_get(v, "o"), v->last);
	assert_null(json_get(v, "none"));
	assert_null(json_get(NULL, "s"));
	assert_null(json_get(json_get(v, "a"), "s"));
}

static void test_good_documents(void **state)
{
	static const char *const cases[][2] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ " \t\r\n1\n ", "1" },
		{ "9007199254740991", "9007199254740991" },
		{ "-9007199254740991", "-9007199254740991" },
		{ "[[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]]]" },
		{ "\"\\u0041\\/\\u00e9\\ud83d\\uDE00\"", "\"A/\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "\"\\\\u0000\"", "\"\\\\u0000\"" }, /* an escaped backslash, no NUL */
		{ "\"\\\\\\\"\"", "\"\\\\\\\"\"" },
		/* the first and last characters of each length, and around the surrogates */
		{ "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\"", "\"\\u007f\xc2\x80\xdf\xbf\xe0\xa0\x80\"" },
		{ "\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"", "\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"" },
		{ "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
		{ "{\"\":{\"\":{}},\"a\":{\"\":1}}", "{\"\":{\"\":{}},\"a\":{\"\":1}}" },
	};
	struct job *j = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(compact(j, parse(j, cases[i][0])), cases[i][1]);
}

static const struct bad {
	const char *text, *where, *why;
} bad[] = {
	/* syntax */
	{ "", "line 1, column 1", "premature EOF" },
	{ " \n ", "line 2, column 2", "premature EOF" },
	{ "[", "line 1, column 2", "premature EOF" },
	{ "{\n\"a\":\n", "line 3, column 1", "premature EOF" },
	{ "\"abc", "line 1, column 5", "premature EOF" },
	{ "[1,]", "line 1, column 5", "parse error" },
	{ "{\"a\":1,}", "line 1, column 9", "object key" },
	{ "{\"a\" 1}", "line 1, column 7", "colon" },
	{ "{1:2}", "line 1, column 3", "object key" },
	{ "{'a':1}", "line 1, column 3", "lexical error" },
	{ "[1 2]", "line 1, column 5", "array element" },
	{ "{\n  \"\xc3\xa9\": tru\n}", "line 2, column 11", "lexical error" },
	{ "nul", "line 1, column 4", "" },
	{ "NaN", "line 1, column 2", "lexical error" },
	{ "\"\\x\"", "line 1, column 3", "lexical error" },
	{ "\"\\u12g4\"", "line 1", "lexical error" },
	{ "\"\\", "line 1, column 3", "lexical error" },
	{ "/*a*/1", "line 1, column 1", "comment" },
	{ "1//", "line 1", "trailing garbage" },
	/* trailing bytes */
	{ "1 2", "line 1, column 4", "trailing garbage" },
	{ "{}\n{}", "line 2, column 2", "trailing garbage" },
	{ "{}]", "line 1, column 4", "trailing garbage" },
	{ "01", "line 1", "trailing garbage" },
	{ "nullx", "line 1", "trailing garbage" },
	/* numbers */
	{ "-", "line 1, column 2", "malformed number" },
	{ "[1.]", "line 1, column 4", "malformed number" },
	{ "[.5]", "line 1, column 3", "lexical error" },
	{ "[+1]", "line 1, column 3", "lexical error" },
	{ "[-01]", "line 1", "parse error" },
	{ "1.5", "line 1, column 4", "integer" },
	{ "[1.0]", "line 1, column 5", "integer" },
	{ "[1e3]", "line 1, column 5", "integer" },
	{ "[1E3]", "line 1, column 5", "integer" },
	{ "9007199254740992", "line 1, column 17", "2^53" },
	{ "[-9007199254740992]", "line 1, column 19", "2^53" },
	{ "[99999999999999999999999999999999999999999999]", "line 1, column 46", "2^53" },
	/* keys, depth */
	{ "{\"a\":1,\"b\":2,\n\"a\":3}", "line 2, column 4", "second time" },
	{ "[{\"a\":{\"b\":1,\"\\u0062\":2}}]", "line 1, column 22", "second time" },
	{ "[[[[[[[[[]]]]]]]]]", "line 1, column 10", "deep" },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}", "line 1, column 42", "deep" },
	/* control characters, NUL */
	{ "\"a\tb\"", "line 1, column 3", "control character" },
	{ "\"a\nb\"", "line 1, column 3", "control character" },
	{ "1\f", "line 1, column 2", "control character" },
	{ "\v1", "line 1, column 1", "control character" },
	{ "[\"\\u0000\"]", "line 1, column 3", "NUL" },
	{ "{\"a\\u0000\":1}", "line 1, column 4", "NUL" },
	/* encoding */
	{ "\"\\ud800\"", "line 1, column 2", "surrogate" },
	{ "\"\\udc00\"", "line 1, column 2", "surrogate" },
	{ "\"\\ud800\\u0041\"", "line 1, column 2", "surrogate" },
	{ "\"\\ud800\\\\udc00\"", "line 1, column 2", "surrogate" },
	{ "\"\\ud83d\\ude0\"", "line 1, column 2", "surrogate" },
	{ "\"\xc3\xa9\x80\"", "line 1, column 3", "UTF-8" },
	{ "\"\xc3\"", "line 1, column 2", "UTF-8" },
	{ "\"\\\xc3\"", "line 1, column 3", "UTF-8" },
	{ "\"\xe2\x82", "line 1, column 2", "UTF-8" },
	{ "\"\xc0\x80\"", "line 1, column 2", "UTF-8" },
	{ "\"\xe0\x9f\xbf\"", "line 1, column 2", "UTF-8" },
	{ "\"\xf0\x8f\xbf\xbf\"", "line 1, column 2", "UTF-8" },
	{ "\"\xed\xa0\x80\"", "line 1, column 2", "UTF-8" },
	{ "\"\xf4\x90\x80\x80\"", "line 1, column 2", "UTF-8" },
	{ "\"\xf8\x88\x80\x80\x80\"", "line 1, column 2", "UTF-8" },
	{ "\xff\xfe", "line 1, column 1", "UTF-8" },
	{ "\xef\xbb\xbf"
	  "1",
	    "line 1, column 2", "lexical error" },
};

static void test_bad_documents(void **state)
{
	struct job *j = *state;
	struct json *v = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		job_clear(j);
		if (!json_parse(j, bad[i].text, strlen(bad[i].text), &v))
			fail_msg("%s was taken", bad[i].text);
		assert_int_equal(j->error, E_INVALID);
		assert_string_equal(j->code, "malformed_json");
		if (strncmp(j->message, bad[i].where, strlen(bad[i].where)) ||
		    !strstr(j->message, bad[i].why))
			fail_msg("%s: %s, not %s, %s", bad[i].text, j->message, bad[i].where, bad[i].why);
		for (const char *p = j->message; *p; p++)
			assert_in_range(*p, 0x20, 0x7e);
	}
	assert_null(v);
}

static void test_raw_nul(void **state)
{
	static const char *const texts[] = { "\0", "1\0", "\"a\0b\"", "{}\0\0\0", "\"\\\0\"" };
	static const size_t lens[] = { 1, 2, 5, 5, 4 };
	struct job *j = *state;
	struct json *v;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		job_clear(j);
		assert_int_equal(json_parse(j, texts[i], lens[i], &v), E_INVALID);
	}
}

/* Every prefix of a document is none, and reads not a byte too many: each lies at the end of its memory. */
static void test_cut_off(void **state)
{
	static const char
	    text[] = "{\"a\": [\"\\ud83d\\ude00\xf0\x9f\x98\x80\\n\", -12, true, null], \"b\": {}}";
	struct job *j = *state;
	struct json *v;

	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, text, len);
		job_clear(j);
		assert_int_equal(json_parse(j, copy, len, &v), E_INVALID);
		free(copy);
	}
	job_clear(j);
	assert_int_equal(json_parse(j, text, sizeof(text) - 1, &v), 0);
}

/* A mebibyte of different keys, and one that comes twice at the very end. */
static void test_many_keys(void **state)
{
	struct job *j = *state;
	clock_t start = clock();
	struct json *v;
	struct buf b;

	buf_open(&b, j->arena);
	for (int i = 0; i < 95000; i++)
		buf_printf(&b, "%c\"%x\":%d", i ? ',' : '{', i, i % 10);
	buf_puts(&b, "}");
	assert_int_equal(json_parse(j, b.data, b.len, &v), 0);
	assert_int_equal(json_get(v, "17317")->integer, 9);
	b.len--;
	buf_puts(&b, ",\"0\":1}");
	assert_int_equal(json_parse(j, b.data, b.len, &v), E_INVALID);
	assert_non_null(strstr(j->message, "second time"));
	assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
}

static void test_want(void **state)
{
	struct job *j = *state;
	const struct json *v = parse(j, "{\"s\":\"x\",\"i\":1,\"b\":true,\"a\":[],\"o\":{},\"n\":null}"),
			  *array = NULL;
	const char *s = "old";
	int64_t i = 42;
	bool b = false;

	assert_int_equal(json_want_object(j, v), 0);
	assert_int_equal(json_want_string(j, v, "s", true, &s), 0);
	assert_int_equal(json_want_int(j, v, "i", true, &i), 0);
	assert_int_equal(json_want_bool(j, v, "b", true, &b), 0);
	assert_int_equal(json_want_array(j, v, "a", true, &array), 0);
	assert_string_equal(s, "x");
	assert_int_equal(i, 1);
	assert_true(b);
	assert_ptr_equal(array, json_get(v, "a"));
	assert_int_equal(json_want_string(j, v, "none", false, &s), 0);
	assert_int_equal(json_want_int(j, v, "none", false, &i), 0);
	assert_int_equal(json_want_bool(j, v, "none", false, &b), 0);
	assert_int_equal(json_want_array(j, v, "none", false, &array), 0);
	assert_string_equal(s, "x");
	assert_int_equal(j->error, 0);
}

static void assert_field(struct job *j, int error, const char *field, const char *message)
{
	assert_int_equal(error, E_INVALID);
	assert_string_equal(j->fields->field, field);
	assert_string_equal(j->message, message);
	job_clear(j);
}

static void test_want_refuses(void **state)
{
	struct job *j = *state;
	const struct json *v = parse(j, "{\"s\":\"x\",\"i\":1,\"a\":[],\"n\":null}"), *array;
	const char *s;
	int64_t i;
	bool b;

	assert_field(j, json_want_string(j, v, "none", true, &s), "none", "none is missing");
	assert_field(j, json_want_string(j, v, "i", false, &s), "i", "i must be a string");
	assert_field(j, json_want_string(j, v, "n", false, &s), "n", "n must be a string");
	assert_field(j, json_want_int(j, v, "s", true, &i), "s", "s must be an integer");
	assert_field(j, json_want_bool(j, v, "i", true, &b), "i", "i must be true or false");
	assert_field(j, json_want_array(j, v, "s", true, &array), "s", "s must be an array");
	assert_field(j, json_want_object(j, json_get(v, "a")), "a", "a must be an object");
	assert_field(j, json_want_object(j, parse(j, "[]")), "", "a JSON object is expected");
	assert_field(j, json_want_object(j, NULL), "", "a JSON object is expected");
	assert_field(j, json_want_string(j, NULL, "s", true, &s), "s", "s is missing");
}

static void test_known(void **state)
{
	static const char *const keys[] = { "name", "id", NULL }, *const none[] = { NULL };
	struct job *j = *state;

	assert_int_equal(json_known(j, parse(j, "{\"id\":1,\"name\":2}"), keys), 0);
	assert_int_equal(json_known(j, parse(j, "{}"), none), 0);
	assert_field(
	    j, json_known(j, parse(j, "{\"id\":1,\"nam\":2,\"x\":3}"), keys), "nam", "unknown field nam");
}

static void test_build(void **state)
{
	struct job *j = *state;
	struct arena *a = j->arena;
	struct json *o = json_object(a), *list = json_add(o, "list", json_array(a));
	struct buf b;

	json_add_string(a, o, "z", "x\ty");
	json_add_string(a, o, "none", NULL);
	json_add_int(a, list, NULL, 2);
	json_add_int(a, list, NULL, 1);
	json_add_bool(a, list, NULL, true);
	json_add(o, "empty", json_object(a));
	assert_string_equal(
	    compact(j, o), "{\"empty\":{},\"list\":[2,1,true],\"none\":null,\"z\":\"x\\ty\"}");
	buf_open(&b, a);
	json_print_canonical(&b, o);
	assert_string_equal(b.data,
	    "{\n  \"empty\": {},\n  \"list\": [\n    2,\n    1,\n    true\n  ],\n"
	    "  \"none\": null,\n  \"z\": \"x\\ty\"\n}\n");
}

/* What the real jq makes of the text, read from a file, as nothing of it shall pass a shell. */
static char *jq(struct job *j, const char *text)
{
	char path[] = "/tmp/test_json.XXXXXX", piece[4096];
	int fd = mkstemp(path);
	struct buf b;
	size_t n;
	FILE *f;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	f = popen(arena_printf(j->arena, "jq -S . %s", path), "r");
	assert_non_null(f);
	buf_open(&b, j->arena);
	while ((n = fread(piece, 1, sizeof(piece), f)))
		buf_add(&b, piece, n);
	assert_int_equal(pclose(f), 0);
	unlink(path);
	return b.data;
}

/* A string of every character from U+0001 to U+FFFF but the surrogates, and some beyond. */
static const char *every_character(struct job *j)
{
	struct buf b;

	buf_open(&b, j->arena);
	buf_puts(&b, "[\"");
	for (unsigned c = 1; c < 0x10000; c++) {
		if (c % 64 == 0)
			buf_puts(&b, "\",\"");
		if (c < 0xd800 || c > 0xdfff)
			buf_printf(&b, "\\u%04X", c);
	}
	buf_puts(&b, "\\ud800\\udc00\\udbff\\udfff\"]");
	return b.data;
}

static void test_prints_what_jq_prints(void **state)
{
	struct job *j = *state;
	const char *const texts[] = {
		"null",
		"\"\"",
		"[]",
		"{}",
		"[[],{},[{}],[[[]]]]",
		"{\"b\":{\"z\":[],\"a\":{}},\"a\":[1,[2,{\"y\":3,\"x\":4}]]}",
		"[0,-1,10,100,1000000,1000000000000000,9000000000000000,9007199254740991,-9007199254740991,123456789012]",
		"{\"a\":1,\"A\":2,\"_\":3,\"0\":4,\"10\":5,\"9\":6,\"\":7,\"aa\":8,\"a a\":9,\"a\\u0001\":10,\"~\":11}",
		"{\"\xc3\xa9\":1,\"z\":2,\"\xef\xbf\xbd\":3,\"\xf0\x9f\x98\x80\":4,\"\xe2\x82\xac\":5,\"\\u007f\":6}",
		"{\"k\\n\\\"\\\\\\/\\b\\f\\r\\t\\u001f\\u007f\":\"v\\n\\\"\\\\\\/\\b\\f\\r\\t\\u001f\\u007f\xc2\x80\"}",
		"{\"name\":\"johndoe\",\"enabled\":true,\"gone\":false,\"created\":\"2026-11-23T01:04:30Z\",\"x\":null}",
		every_character(j),
	};
	struct buf b;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		buf_open(&b, j->arena);
		json_print_canonical(&b, parse(j, texts[i]));
		assert_string_equal(b.data, jq(j, texts[i]));
		assert_string_equal(compact(j, parse(j, b.data)), compact(j, parse(j, texts[i])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_good_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raw_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_want, setup, teardown),
		cmocka_unit_test_setup_teardown(test_want_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_build, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prints_what_jq_prints, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
