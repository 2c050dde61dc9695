/* A data folder of a test's own, with a state repository that has nothing but hooks. */
#ifndef DEPLOY_FIXTURE_H
#define DEPLOY_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

struct place {
	struct job job;
	char data[64];
};

static inline int place_open(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	job_open(&p->job);
	strcpy(p->data, "/tmp/vpnunit-deploy-XXXXXX");
	assert_non_null(mkdtemp(p->data));
	assert_int_equal(
	    fs_mkdirs(&p->job, arena_printf(p->job.arena, "%s/state.git/hooks", p->data), 0755), 0);
	assert_int_equal(fs_mkdirs(&p->job, arena_printf(p->job.arena, "%s/run", p->data), 0755), 0);
	*state = p;
	return 0;
}

static inline int place_close(void **state)
{
	struct place *p = *state;

	job_clear(&p->job);
	assert_int_equal(fs_remove_tree(&p->job, p->data), 0);
	job_close(&p->job);
	free(p);
	return 0;
}

static inline const char *place_path(struct place *p, const char *name)
{
	return arena_printf(p->job.arena, "%s/%s", p->data, name);
}

static inline void place_write(struct place *p, const char *name, mode_t mode, const char *text)
{
	assert_int_equal(fs_write(&p->job, place_path(p, name), text, strlen(text), mode), 0);
}

static inline char *place_read(struct place *p, const char *name)
{
	struct buf b;

	assert_int_equal(fs_read(&p->job, place_path(p, name), 1 << 20, &b), 0);
	return b.data;
}

static inline void place_hook(struct place *p, const char *body)
{
	place_write(p, "state.git/hooks/post-commit", 0755, arena_printf(p->job.arena, "#!/bin/sh\n%s\n", body));
}

#endif
