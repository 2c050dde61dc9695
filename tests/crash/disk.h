/*
 * Shared by the preloaded shims: which calls of a process reach the data
 * folder, and the page of memory by which the test steers them all, children
 * included.  Environment: DISK_ROOT, the folder; DISK_CONTROL, the page's file.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DISK_PATH = 4096 };

enum disk_call { /* as bits; disk.py knows them too */
	CALL_WRITE = 1,
	CALL_PWRITE = 2,
	CALL_FSYNC = 4,
	CALL_RENAME = 8,
	CALL_LINK = 16,
	CALL_OPEN = 32,
	CALL_UNLINK = 64,
	CALL_MKDIR = 128,
	CALL_TRUNCATE = 256,
};

enum disk_how { HOW_ERROR, HOW_EXIT, HOW_SHORT };

struct disk_control { /* laid out as disk.py packs it */
	_Atomic uint32_t calls;    /* which are counted; 0: the shim sleeps */
	uint32_t how;
	int32_t error;             /* errno of HOW_ERROR */
	_Atomic uint32_t lock;     /* of the recorder */
	uint64_t first, last;      /* the calls that fail, counted from 1 */
	_Atomic uint64_t count;    /* seen since it was armed */
	_Atomic uint64_t hits;     /* of these failed */
	_Atomic uint64_t records;  /* the recorder's */
};

/* NULL where the process is not to be disturbed. */
struct disk_control *disk_control(void);

/* The next definition of a libc function; found once. */
void *disk_real(const char *name);

/* Is it in the folder? The path that it means is written to out, DISK_PATH bytes. */
bool disk_has_path(int dir, const char *path, char *out);
bool disk_has_fd(int fd, char *out);

/* What a shim does instead of openat; disk.c defines all the names by which it is called. */
int disk_open(int dir, const char *path, int flags, mode_t mode);

#endif
