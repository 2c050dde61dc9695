/*
 * Runs the two programs that deploy needs, ip and nft: found in the system's
 * folders whatever PATH says, without a shell, in the C locale.
 */
#include <string.h>

#include "deploy/deploy_int.h"

enum { TOOL_TIMEOUT_MS = 60000, TOOL_WORDS = 400 };

/* The first lines of what a program wrote, on one line and without anything odd: part of a message. */
static const char *tool_words(struct job *j, const struct buf *output)
{
	char *words = arena_strndup(
	    j->arena, output->data, output->len < TOOL_WORDS ? output->len : TOOL_WORDS);

	for (char *p = words; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = ' ';
	for (size_t n = strlen(words); n && words[n - 1] == ' '; n--)
		words[n - 1] = '\0';
	return words;
}

static int tool_find(struct job *j, struct child *c, int *status, struct buf *output)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		c->path = arena_printf(j->arena, "%s/%s", folders[i], c->argv[0]);
		if (child_run(j, c, status, output) != E_NOT_FOUND)
			return j->error;
		job_clear(j);
	}
	return job_fail(j, E_NOT_FOUND, "not_installed", "the program %s is not installed", c->argv[0]);
}

int tool_run(struct job *j, const char *const *argv, const struct buf *input, struct buf *output)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	struct child c = { .argv = argv,
		.env = env,
		.output_max = ROUTES_MAX,
		.timeout_ms = TOOL_TIMEOUT_MS,
		.stop_fd = -1 };
	int status;

	if (input) {
		c.input = input->data;
		c.input_len = input->len;
	}
	if (tool_find(j, &c, &status, output))
		return j->error;
	if (status == CHILD_TIMED_OUT)
		return job_fail(j, E_IO, "io", "%s took longer than %d s", argv[0], TOOL_TIMEOUT_MS / 1000);
	if (status)
		return job_fail(j, E_IO, "io", "%s: %s", argv[0], tool_words(j, output));
	return 0;
}
