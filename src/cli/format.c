/* `vpnunit fmt FILE...`: JSON as state files have it, what `jq -S .` prints; "-" is standard input. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "cli/cli_int.h"

enum { FILE_MAX = 16 * 1024 * 1024 };

static int format(struct job *j, const char *name, const struct buf *in, struct buf *out)
{
	const char *why;
	struct json *tree;

	buf_open(out, j->arena);
	if (json_parse(j, in->data, in->len, &tree)) {
		why = j->message;
		job_clear(j);
		return job_fail(j, E_INVALID, "malformed_json", "%s: %s", name, why);
	}
	json_print_canonical(out, tree);
	return 0;
}

static int format_stdin(struct job *j)
{
	struct buf in, out;
	char chunk[4096];
	size_t n;

	buf_open(&in, j->arena);
	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0) {
		buf_add(&in, chunk, n);
		if (in.len > FILE_MAX)
			return job_fail(j, E_INVALID, "too_large", "standard input: more than 16 MiB");
	}
	if (format(j, "standard input", &in, &out))
		return j->error;
	fwrite(out.data, 1, out.len, stdout);
	return 0;
}

static int format_file(struct job *j, const char *path)
{
	struct buf in, out;
	struct stat st;

	if (fs_read(j, path, FILE_MAX, &in) || format(j, path, &in, &out))
		return j->error;
	if (in.len == out.len && memcmp(in.data, out.data, in.len) == 0)
		return 0;
	if (stat(path, &st) != 0)
		return job_fail_errno(j, "%s", path);
	printf("%s\n", path);
	return fs_write_durable(j, path, out.data, out.len, st.st_mode & 0777);
}

int cli_fmt(struct job *j, struct arguments *a)
{
	size_t i;

	for (i = 0; i < a->rest_n; i++)
		if (strcmp(a->rest[i], "-") == 0 ? format_stdin(j) : format_file(j, a->rest[i]))
			return EXIT_REFUSED;
	return 0;
}
