/*
 * Included before everything that clang-tidy reads, but job.c: what the analyzer cannot
 * see from another file is that a failure never returns 0.
 */
#include "base/job.h"

#define job_fail(j, error, ...) (job_fail(j, error, __VA_ARGS__), (error))
#define job_fail_field(...) (job_fail_field(__VA_ARGS__), E_INVALID)
#define job_fail_errno(...) (job_fail_errno(__VA_ARGS__), E_IO)
