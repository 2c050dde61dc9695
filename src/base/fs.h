/*
 * Files: whole reads, durable writes (temp, fsync, rename, fsync of the
 * folder), folders, locks.  Every return code is checked, every failure
 * names the path.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/job.h"

/*
 * Read a whole regular file of at most max bytes.  out is opened here, in the
 * job's arena.  E_NOT_FOUND when there is none, E_INVALID when it is larger.
 * The bytes are read into one place only, for an owner who must cleanse them.
 */
int fs_read(struct job *j, const char *path, size_t max, struct buf *out);

/*
 * Write a new file whole and make its bytes durable; the folder is not
 * synced.  An existing file of that name is replaced by rename.  A crash may
 * leave a file ".<16 hex digits>.tmp" behind.
 */
int fs_write(struct job *j, const char *path, const void *data, size_t len, mode_t mode);

/*
 * The same under its own name, in place of a file that was there: for a name that nobody looks at before
 * this has returned.
 */
int fs_write_anew(struct job *j, const char *path, const void *data, size_t len, mode_t mode);

/* Remove what a crash in fs_write left behind in a folder in which nobody writes now. */
int fs_sweep(struct job *j, const char *folder);

/* fs_write and the folder's fsync: durable when it returns. */
int fs_write_durable(struct job *j, const char *path, const void *data, size_t len, mode_t mode);

int fs_rename(struct job *j, const char *from, const char *to);
int fs_remove(struct job *j, const char *path);      /* a missing file is success */
int fs_remove_tree(struct job *j, const char *path); /* likewise; never follows a symbolic link */
/* Durable, with its parents; existing ones are left as they are. */
int fs_mkdirs(struct job *j, const char *path, mode_t mode);
int fs_sync_dir(struct job *j, const char *path);
/* fsync of open files or folders, two at a time: each mostly waits. False and errno: one failed. */
bool fs_sync_all(const int *fds, size_t n);
bool fs_exists(const char *path); /* true also for a symbolic link to nothing */

/*
 * Names in a folder, without "." and "..", sorted; NULL-terminated, in the arena.
 * A missing folder is an empty list.
 */
int fs_list(struct job *j, const char *path, char ***names);

/*
 * Take an exclusive lock (flock) on path, made when missing; *fd holds it until closed.
 * E_BUSY at once when another process has it.
 */
int fs_lock(struct job *j, const char *path, int *fd);

#endif
