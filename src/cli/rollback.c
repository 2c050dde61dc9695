/*
 * `vpnunit rollback`, `revert` and `batch`: changes of many objects at once,
 * made by the running service, told for people.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/cli_int.h"
#include "http/http.h"

enum { BATCH_FILE_MAX = 1024 * 1024 };

static void print_certificates(struct job *j, const char *what, const struct json *list)
{
	const struct json *v;

	for (v = list ? list->child : NULL; v; v = v->next)
		printf("%-13s %s (%s)\n", what, cli_printable(j, cli_string(v, "name")),
		    cli_string(v, "serial"));
}

static void print_names(struct job *j, const char *what, const struct json *list)
{
	const struct json *v;

	for (v = list ? list->child : NULL; v; v = v->next)
		printf("%-13s %s\n", what, cli_printable(j, v->string));
}

static bool is_empty(const struct json *answer, const char *key)
{
	const struct json *list = json_get(answer, key);

	return !list || !list->child;
}

/* The exit status: what is done may not be in force yet. */
static int tell(struct job *j, const struct json *answer)
{
	const struct json *v = json_get(answer, "warnings");

	if (is_empty(answer, "files") && is_empty(answer, "issued") && is_empty(answer, "revoked"))
		printf("nothing to do: all that was asked for is so already, at %.12s\n",
		    cli_string(answer, "commit"));
	else
		printf("%-13s %s\n", "commit", cli_string(answer, "commit"));
	print_names(j, "file", json_get(answer, "files"));
	print_certificates(j, "issued", json_get(answer, "issued"));
	print_certificates(j, "revoked", json_get(answer, "revoked"));
	print_names(j, "loses access", json_get(answer, "loses_access"));
	print_names(j, "needs config", json_get(answer, "needs_config"));
	for (v = v ? v->child : NULL; v; v = v->next)
		job_warn(j, "%s", v->string);
	if (cli_string(answer, "warning"))
		job_warn(j, "done, but not deployed: %s", cli_string(answer, "warning"));
	cli_tell_warnings(j);
	return json_get(answer, "deployed") ? EXIT_NOT_DEPLOYED : 0;
}

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
	return j->error;
}

static int fetch_config(struct job *j, const struct arguments *a, const char *name)
{
	struct http_call call = { .method = "GET" };
	struct buf path, text;
	int error;

	buf_open(&path, j->arena);
	buf_puts(&path, "/gateway/");
	http_encode(&path, name);
	buf_puts(&path, "/config");
	call.path = path.data;
	if (strchr(name, '/') || cli_ask_raw(j, a, &call, &text))
		return j->error;
	error = write_new(j, arena_printf(j->arena, "%s/%s.ovpn", a->configs, name), &text);
	digest_cleanse(text.data, text.len);
	return error;
}

/* All that can be fetched, whatever one of them says. */
static int fetch_configs(struct job *j, const struct arguments *a, const struct json *names)
{
	const struct json *v;
	int status = 0;

	if (fs_mkdirs(j, a->configs, 0700))
		return EXIT_REFUSED;
	for (v = names ? names->child : NULL; v; v = v->next) {
		if (fetch_config(j, a, v->string) == 0)
			continue;
		fprintf(stderr, "vpnunit: done, but its configuration is not fetched: %s\n", j->message);
		job_clear(j);
		status = EXIT_REFUSED;
	}
	return status;
}

static int change(struct job *j, const struct arguments *a, const char *path, const char *body)
{
	struct json *answer;
	int status, fetched = 0;

	if (cli_post(j, a, path, body, &answer))
		return EXIT_REFUSED;
	status = tell(j, answer);
	if (a->configs)
		fetched = fetch_configs(j, a, json_get(answer, "needs_config"));
	return fetched ? fetched : status;
}

static struct json *open_body(struct job *j, const struct arguments *a)
{
	struct json *body = json_object(j->arena);

	if (a->reason)
		json_add_string(j->arena, body, "reason", a->reason);
	return body;
}

static const char *print_body(struct job *j, const struct json *body)
{
	struct buf b;

	buf_open(&b, j->arena);
	json_print_compact(&b, body);
	return b.data;
}

int cli_rollback(struct job *j, struct arguments *a)
{
	struct json *body, *list;
	size_t i;

	body = open_body(j, a);
	json_add_string(j->arena, body, "to", a->rest[0]);
	if (a->include)
		json_add_string(j->arena, json_add(body, "include", json_array(j->arena)), NULL, a->include);
	if (a->only.n) {
		list = json_add(body, "only", json_array(j->arena));
		for (i = 0; i < a->only.n; i++)
			json_add_string(j->arena, list, NULL, a->only.word[i]);
	}
	return change(j, a, "/rollback", print_body(j, body));
}

int cli_revert(struct job *j, struct arguments *a)
{
	struct buf path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/commit/");
	http_encode(&path, a->rest[0]);
	buf_puts(&path, "/revert");
	return change(j, a, path.data, print_body(j, open_body(j, a)));
}

int cli_batch(struct job *j, struct arguments *a)
{
	struct json *parsed;
	struct buf file, path;

	buf_open(&path, j->arena);
	buf_puts(&path, "/batch");
	if (a->reason) {
		buf_puts(&path, "?reason=");
		http_encode(&path, a->reason);
	}
	/* Parsed here for its line and column; what goes out holds no byte that the file had beside them. */
	if (fs_read(j, a->rest[0], BATCH_FILE_MAX, &file) || json_parse(j, file.data, file.len, &parsed))
		return EXIT_REFUSED;
	return change(j, a, path.data, print_body(j, parsed));
}
