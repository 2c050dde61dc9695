/*
 * The hook proc-receive of the state repository, by which a push becomes a
 * change.  sshd or git-shell runs it, and neither knows where the program is
 * and how it was started: that is written beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deploy/deploy_int.h"

/* Filled in by hooks.S. */
extern const char hook_proc_receive[];

static int add_word(struct job *j, struct buf *b, const char *word)
{
	if (strchr(word, '\n'))
		return job_fail(j, E_INVALID, "invalid", "\"%s\": a path with a line end in it", word);
	buf_printf(b, "%s\n", word);
	return 0;
}

static int print_arguments(struct job *j, const char *data, const char *const *options, struct buf *b)
{
	buf_open(b, j->arena);
	if (add_word(j, b, hook_binary(j)) || add_word(j, b, "receive") || add_word(j, b, "--data") ||
	    add_word(j, b, data))
		return j->error;
	for (; *options; options++)
		if (add_word(j, b, *options))
			return j->error;
	return 0;
}

int deploy_install_receive(struct job *j, const char *data, const char *const *options)
{
	char *whole = realpath(data, NULL);
	const char *hook = arena_printf(j->arena, "%s/state.git/hooks/proc-receive", data);
	struct buf b;

	if (!whole)
		return job_fail_errno(j, "%s", data);
	if (print_arguments(j, whole, options, &b) == 0 &&
	    fs_write_durable(j, arena_printf(j->arena, "%s.arguments", hook), b.data, b.len, 0644) == 0)
		fs_write_durable(j, hook, hook_proc_receive, strlen(hook_proc_receive), 0755);
	free(whole);
	return j->error;
}
