/*
 * What the tests of state share: a fresh repository each, plans in one line,
 * and stock git beside it as the judge.
 */
#ifndef TESTS_STATE_FIXTURE_H
#define TESTS_STATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "state/state.h"

struct fixture {
	char dir[64], path[80];
	struct job j;
	struct state *s;
};

static inline int fixture_setup(void **arg)
{
	struct fixture *f = mem_zalloc(sizeof(*f));

	/* Who runs the tests may have settings of his own: the judge shall not. */
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	snprintf(f->dir, sizeof(f->dir), "/tmp/vpnunit-state-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/state.git", f->dir);
	job_open(&f->j);
	state_start();
	assert_int_equal(state_init(&f->j, f->path), 0);
	assert_int_equal(state_open(&f->j, f->path, &f->s), 0);
	*arg = f;
	return 0;
}

static inline int fixture_teardown(void **arg)
{
	struct fixture *f = *arg;

	state_close(f->s);
	state_stop();
	job_clear(&f->j);
	assert_int_equal(fs_remove_tree(&f->j, f->dir), 0);
	job_close(&f->j);
	free(f);
	return 0;
}

/* Everything that a command prints; the test fails where its status is not the expected one. */
static inline const char *shell(struct fixture *f, int want, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static inline const char *shell(struct fixture *f, int want, const char *fmt, ...)
{
	char bytes[4096];
	struct buf out;
	va_list ap;
	FILE *p;
	size_t n;
	int status;

	va_start(ap, fmt);
	p = popen(arena_vprintf(f->j.arena, fmt, ap), "r");
	va_end(ap);
	assert_non_null(p);
	buf_open(&out, f->j.arena);
	while ((n = fread(bytes, 1, sizeof(bytes), p)) > 0)
		buf_add(&out, bytes, n);
	status = pclose(p);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("status %d: %s", status, out.data);
	return out.data;
}

/* git with these words; it must succeed. */
static inline const char *git(struct fixture *f, const char *words)
{
	return shell(f, 0, "git --git-dir=%s %s 2>&1", f->path, words);
}

static inline struct plan *new_plan(struct fixture *f, const char *subject)
{
	struct plan *p = arena_alloc(f->j.arena, sizeof(*p));

	*p = (struct plan){.change = "test.change", .subject = subject, .actor = "admin", .request_id = "",
	    .reason = "", .time = 1700000000};
	return p;
}

static inline void put(struct fixture *f, struct plan *p, const char *path, const char *text)
{
	if (text)
		plan_write(f->j.arena, p, path, text, strlen(text));
	else
		plan_delete(f->j.arena, p, path);
}

static inline struct oid stage(struct fixture *f, const struct oid *parent, const struct plan *p)
{
	struct oid out = {{0}};

	if (state_stage(&f->j, f->s, parent, p, &out))
		fail_msg("stage: %s", f->j.message);
	return out;
}

static inline void publish(struct fixture *f, const struct oid *old, const struct oid *new)
{
	if (state_publish(&f->j, f->s, old, new))
		fail_msg("publish: %s", f->j.message);
}

/* One commit, published, that writes one file (text NULL: deletes it). */
static inline struct oid commit_file(struct fixture *f, const struct oid *parent, const char *path,
    const char *text)
{
	struct plan *p = new_plan(f, arena_printf(f->j.arena, "write %s", path));
	struct oid c;

	put(f, p, path, text);
	c = stage(f, parent, p);
	publish(f, parent, &c);
	return c;
}

static inline struct oid head(struct fixture *f)
{
	struct oid out = {{0}};

	if (state_head(&f->j, f->s, &out)) {
		assert_int_equal(f->j.error, E_NOT_FOUND);
		job_clear(&f->j);
	}
	return out;
}

static inline void assert_sound(struct fixture *f)
{
	git(f, "fsck --strict --full --no-dangling --no-progress");
}

/* Each test in a fixture of its own. */
static inline int fixture_run(struct CMUnitTest *tests, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		tests[i].setup_func = fixture_setup;
		tests[i].teardown_func = fixture_teardown;
	}
	return _cmocka_run_group_tests("state", tests, n, NULL, NULL);
}

#endif
