/*
 * Memory: an arena per job (and per entity of the model), and the only place
 * where running out of memory ends the process.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/*
 * An arena hands out zeroed memory that is freed all at once.  chunk is the
 * size of its blocks in bytes: about what it will hold (a larger request gets
 * a block of its own).  arena_close(NULL) is fine.  Not for secrets, unless
 * their owner cleanses them before the close.
 */
struct arena *arena_open(size_t chunk);
void arena_close(struct arena *a);

/* Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* malloc, calloc, realloc and strdup that end the process instead of failing. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
char *mem_strdup(const char *s);
/* What they do then; also for a size that nothing could be of. */
_Noreturn void mem_die(void);
/*
 * Before the first thread: all share few pools, since each pool keeps what one long answer took; and what is
 * large, as the routes of a whole network are, goes back to the kernel whenever it is freed.
 */
void mem_start(void);
/* Give back to the kernel what a large piece of work has freed. */
void mem_trim(void);

#endif
