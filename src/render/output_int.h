/* Where renderers put files, and how those reach the disk. */
#ifndef RENDER_OUTPUT_INT_H
#define RENDER_OUTPUT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/beside.h"
#include "base/job.h"

struct output; /* files to write and to remove, by path below DATA */

enum output_flags {
	OUTPUT_SECRET = 1,   /* a private key: never in a diff, cleansed */
	OUTPUT_CLOCK = 2,    /* not a function of the commit: the CRL */
	OUTPUT_NEW = 4,      /* known to differ from the live one: not read to compare */
	OUTPUT_MANY = 8,     /* one of a gateway's: nobody asks for its bytes once it is staged */
	OUTPUT_LENT = 16,    /* output_lend's */
};

struct output_file {
	const char *path;
	char *data;          /* NULL: to be removed */
	size_t len;
	unsigned flags;
	int64_t mtime;       /* seconds; 0: when it is written */
	size_t number;       /* its name in the staging folder, but in a new folder */
	bool is_in_new;      /* its folder is staged as a whole */
	const struct output_file *twin; /* of the same bytes; NULL: none */
	bool is_staged;      /* differs from the live one: its bytes are in the staging folder */
};

/* Bytes are copied. The last call for a path wins; a write wins over a removal. */
void output_write(struct output *o, const char *path, const void *data, size_t len, unsigned flags);
/* The same, but the bytes stay the caller's, who keeps them until nobody asks the output for them. */
void output_lend(struct output *o, const char *path, char *data, size_t len, unsigned flags);
void output_remove(struct output *o, const char *path);
/*
 * path, written already, holds the bytes of another file of the output: both become names of one file (link(2)) where
 * the other one is new too, which spares an inode.
 */
void output_twin(struct output *o, const char *path, const char *other);

struct output *output_open(void);
void output_close(struct output *o); /* cleanses what is secret; NULL is fine */
struct output_file *output_find(const struct output *o, const char *path); /* NULL: none */
struct output_file *output_next(const struct output *o, size_t *it);       /* in order of arrival; NULL at the end */

/* Owner and group of rendered files; shared by all that writes below DATA. */
struct output_place {
	const char *data;
	gid_t group;         /* (gid_t)-1: none */
};

struct output_writing { /* of the staged files, beside all the rest */
	const struct output_place *place;
	struct output *output; /* NULL: none is written */
	struct job job;
	struct beside beside;
};

/* The live path of a file, and where it waits; both fill RENDER_PATH_MAX bytes. */
void output_path(const struct output_place *p, const char *path, char *out);
/* The latter below the staging folder; number is room for it. */
const char *output_staged_name(const struct output_file *f, char number[32]);
void output_staged_path(const struct output_place *p, const struct output_file *f, char *out);
/* Make the folders that files go to; a group that can't be given is a warning. */
int output_folders(struct job *j, const struct output_place *p);
bool output_is_folder(const char *name); /* one of those */
/*
 * Before the first file of an output: folders that are empty are made in the staging folder, to be filled there and
 * to take their names whole.  Where there is nothing yet that spares a look and a rename for each file.
 */
int output_stage_folders(struct job *j, const struct output_place *p, struct output *o);
/* Does it hold no folder of ours? */
bool output_is_leaf(size_t n);
/* Make it in the staging folder where the live one is empty. */
int output_make_staged(struct job *j, const struct output_place *p, size_t n, bool *is_made);
/* The number of the rendered folder that a path lies in; behind the last one stands for DATA itself. */
size_t output_folder_of(const char *path);
bool output_is_new(const struct output *o, size_t n); /* one that output_stage_folders made */
/* The n-th folder that holds nothing but rendered files; NULL: behind the last. */
const char *output_folder(size_t n);
enum { OUTPUT_FOLDERS = 11, /* those and DATA itself */
	OUTPUT_HELD_MAX = 32 };
/* Is the live file what f says: a regular file of these bytes, and of this mode? */
bool output_is_live(const struct output_place *p, const struct output_file *f);
mode_t output_mode(const struct output_place *p);
/* Stage what there are many of once that is much: nobody has to hold the files of a large network at once. */
int output_relieve(struct job *j, const struct output_place *p, struct output *o);
/* What differs from the live files goes to DATA/staging, durable. */
int output_stage(struct job *j, const struct output_place *p, struct output *o);
/* The same beside the caller, who leaves o alone until output_await, which must come; that is nothing without a start. */
void output_start(const struct output_place *p, struct output *o, struct output_writing *w);
int output_await(struct job *j, struct output_writing *w);
struct output_promotion { /* zeroed before the first */
	bool is_due[OUTPUT_FOLDERS]; /* to be synced */
	int held[OUTPUT_HELD_MAX];   /* descriptors of replaced files */
	size_t held_n;
	struct beside letting_go;    /* of those, beside whoever waits for the promotion */
	bool is_letting_go;
};
/*
 * Rename into place: what takes access away, which is durable before anything else moves, then the rest, then
 * state.json.  output_settle makes the rest durable too.
 */
int output_promote(struct job *j, const struct output_place *p, struct output *o, struct output_promotion *r);
int output_settle(struct job *j, const struct output_place *p, struct output_promotion *r);
/* Free what was replaced, beside all the rest; output_rest waits for it. */
void output_let_go(struct output_promotion *r);
void output_rest(struct output_promotion *r);
/* Empty DATA/staging. */
int output_sweep(struct job *j, const struct output_place *p);

#endif
