/*
 * `vpnunit gateway config`: configurations, private keys included, to standard
 * output or into files that nobody else can read, never over what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/cli_int.h"
#include "cli/output.h"

/* A key that is lost under another one cannot be fetched back by mistake: never over what is there. */
static int write_new(struct job *j, const char *path, const struct buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	const char *at = b->data;
	size_t left = b->len;
	ssize_t n = 0;

	if (fd < 0)
		return job_fail_errno(j, "cannot make %s", path);
	for (; left > 0 && n >= 0; at += n, left -= (size_t)n)
		if ((n = write(fd, at, left)) < 0 && errno == EINTR)
			n = 0;
	if (n < 0 || fsync(fd) < 0)
		job_fail_errno(j, "cannot write %s", path);
	close(fd);
	if (j->error)
		unlink(path); /* half a file is no configuration */
	return j->error;
}

static int ask_config(struct job *j, const struct arguments *a, const char *name, struct http_answer *out)
{
	struct http_call call = { .method = "GET", .path = cli_url(j, "/gateway/", name, "/config") };

	return cli_ask(j, a, &call, out);
}

static int fetch_config(struct job *j, const struct arguments *a, const char *folder, const char *name)
{
	struct http_answer answer;
	int error;

	if (strchr(name, '/') || ask_config(j, a, name, &answer))
		return j->error;
	error = write_new(j, arena_printf(j->arena, "%s/%s.ovpn", folder, name), &answer.body);
	digest_cleanse(answer.body.data, answer.body.len);
	return error;
}

/* A folder, and the names in it, that survive a power failure. */
int cli_fetch_configs(struct job *j, const struct arguments *a, const char *folder, const struct json *names)
{
	const struct json *v;
	size_t done = 0, all = 0;
	int status = 0;

	if (fs_mkdirs(j, folder, 0700))
		return EXIT_REFUSED;
	for (v = names ? names->child : NULL; v; v = v->next)
		all++;
	for (v = names ? names->child : NULL; v; v = v->next) {
		progress_tell("configurations", ++done, all);
		if (fetch_config(j, a, folder, v->string) == 0)
			continue;
		progress_end();
		fprintf(stderr, "vpnunit: the configuration of %s is not fetched: %s\n",
		    output_printable(j, v->string), j->message);
		job_clear(j);
		status = EXIT_REFUSED;
	}
	progress_end();
	return fs_sync_dir(j, folder) ? EXIT_REFUSED : status;
}

static int fetch_many(struct job *j, struct arguments *a)
{
	struct json *list, *names = json_array(j->arena);
	const struct json *o;
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/gateways?limit=1000");
	cli_add_query(&path, "user", a->user);
	if (cli_get_list(j, a, path.data, "gateways", &list))
		return EXIT_REFUSED;
	for (o = list->child; o; o = o->next)
		json_add_string(j->arena, names, NULL, cli_string(o, "name"));
	return cli_fetch_configs(j, a, a->out, names);
}

int cli_gateway_config(struct job *j, struct arguments *a)
{
	struct http_answer answer;
	struct json *one;

	if (a->rest_n + a->all + (a->user != NULL) != 1)
		return cli_usage(j, "`gateway config` takes one GATEWAY, or --user, or --all"), EXIT_USAGE;
	if (!a->out && !a->rest_n)
		return cli_usage(j, "many configurations need a folder: --out FOLDER"), EXIT_USAGE;
	if (!a->rest_n)
		return fetch_many(j, a);
	if (a->out) {
		one = json_array(j->arena);
		json_add_string(j->arena, one, NULL, a->rest[0]);
		return cli_fetch_configs(j, a, a->out, one);
	}
	if (ask_config(j, a, a->rest[0], &answer))
		return EXIT_REFUSED;
	if (fwrite(answer.body.data, 1, answer.body.len, stdout) != answer.body.len || fflush(stdout) != 0)
		job_fail_errno(j, "cannot write to standard output");
	digest_cleanse(answer.body.data, answer.body.len);
	return j->error ? EXIT_REFUSED : 0;
}
