/* A state to put hostile files on: the golden hackerspace's. */
#ifndef FUZZ_GOLDEN_H
#define FUZZ_GOLDEN_H

#include <ftw.h>

#include "base/fs.h"
#include "fuzz.h"
#include "model/model.h"

#define GOLDEN_STATE "tests/golden/hackerspace/state/"

static struct { /* nftw knows no context */
	struct job *job;
	struct model *model;
	bool is_ledger; /* certificates come before what is about them */
} golden;

static int golden_visit(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
	const char *path = file + strlen(GOLDEN_STATE);
	struct buf b;

	(void)st;
	(void)ftw;
	if (type != FTW_F || (strncmp(path, "ledger/certificates/", 20) == 0) != golden.is_ledger)
		return 0;
	buf_open(&b, golden.job->arena);
	return fs_read(golden.job, file, 1 << 20, &b) ||
	    model_put(golden.job, golden.model, path, b.data, b.len);
}

static inline int golden_put(const char *path)
{
	struct buf b;

	buf_open(&b, golden.job->arena);
	return fs_read(golden.job, arena_printf(golden.job->arena, GOLDEN_STATE "%s", path), 1 << 20, &b) ||
	    model_put(golden.job, golden.model, path, b.data, b.len);
}

/* Lives as long as the process. */
static inline struct model *golden_model(void)
{
	static struct job j;

	if (golden.model)
		return golden.model;
	fuzz_open(&j);
	golden.job = &j;
	golden.model = model_open();
	golden.is_ledger = true;
	fuzz_done(&j, golden_put("network.json") || nftw(GOLDEN_STATE, golden_visit, 16, FTW_PHYS));
	golden.is_ledger = false;
	fuzz_done(&j, nftw(GOLDEN_STATE, golden_visit, 16, FTW_PHYS));
	fuzz_done(&j, model_check(&j, golden.model));
	return golden.model;
}

#endif
