/*
 * The dry check: a server.conf that OpenVPN refuses must be found before HEAD
 * moves, not when the server is restarted.  A folder of links, shaped like DATA,
 * shows a real openvpn the files as they would be; it is ended as soon as it
 * has come so far as to ask for its device.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "render/render_int.h"

#define DRY "staging/dry"

/* Directives about the outside, which a trial must not touch. */
static const char *const left_out[] = { "dev", "user", "group", "management", "status", "port" };

static bool is_left_out(const char *line)
{
	size_t i, len = strcspn(line, " \t\n");

	for (i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (strlen(left_out[i]) == len && !strncmp(line, left_out[i], len))
			return true;
	return false;
}

static int write_config(const struct render_job *r, const struct output_file *conf)
{
	const char *line = conf->data, *end;
	char path[RENDER_PATH_MAX];
	struct buf text;

	buf_open(&text, r->job->arena);
	for (; *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (!is_left_out(line))
			buf_add(&text, line, (size_t)(end - line));
	}
	output_path(&r->render->place, DRY "/server.conf", path);
	return fs_write(r->job, path, text.data, text.len, 0600);
}

/* A link to what would be at this path: the staged file, else the live one. */
static int link_file(const struct render_job *r, const char *name)
{
	const struct output_file *f = output_find(r->output, name);
	char path[RENDER_PATH_MAX], number[32];
	struct buf target;
	const char *p;

	buf_open(&target, r->job->arena);
	buf_puts(&target, "../");
	for (p = name; *p; p++)
		if (*p == '/')
			buf_puts(&target, "../");
	if (f && f->is_staged)
		buf_puts(&target, output_staged_name(f, number));
	else
		buf_printf(&target, "../%s", name);
	output_path(&r->render->place, arena_printf(r->job->arena, DRY "/%s", name), path);
	return symlink(target.data, path) ? job_fail_errno(r->job, "cannot make the link %s", path) : 0;
}

static int make_folder(const struct render_job *r)
{
	const char *server = model_server(r->model)->name;
	const char *const folders[] = { DRY "/pki/issued", DRY "/pki/private", DRY "/ovpn/clients" };
	const char *const files[] = { "pki/ca.crt", "pki/crl.pem", "ovpn/tls-crypt-v2.key",
		arena_printf(r->job->arena, "pki/issued/%s.crt", server),
		arena_printf(r->job->arena, "pki/private/%s.key", server) };
	char path[RENDER_PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		output_path(&r->render->place, folders[i], path);
		if (fs_mkdirs(r->job, path, 0700))
			return r->job->error;
	}
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (link_file(r, files[i]))
			return r->job->error;
	return 0;
}

/* The line that says why: OpenVPN marks what is wrong with options; else its last word before giving up. */
static const char *find_reason(struct arena *a, char *output)
{
	const char *reason = "it said nothing";
	char *line, *rest = NULL;

	for (line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "Options error:", 14))
			return arena_strdup(a, line);
		if (!strstr(line, "Exiting due to fatal error") && !strstr(line, "for more information"))
			reason = line;
	}
	return arena_strdup(a, reason);
}

static int judge(const struct render_job *r, enum trial_end end, struct buf *output)
{
	switch (end) {
	case TRIAL_UP:
		return 0;
	case TRIAL_EXITED:
		return job_fail(r->job, E_INVALID, "openvpn_refuses",
		    "OpenVPN refuses the server's configuration: %s",
		    find_reason(r->job->arena, output->data));
	case TRIAL_LATE:
		job_warn(r->job, "openvpn took too long to try ovpn/server.conf: it was not checked");
		return 0;
	case TRIAL_NONE:
		job_warn(r->job, "openvpn is not installed here: ovpn/server.conf was not checked");
		return 0;
	}
	return 0;
}

bool dry_is_due(const struct render_job *r)
{
	const struct output_file *conf = output_find(r->output, "ovpn/server.conf");

	return conf && conf->data;
}

int dry_check(const struct render_job *r)
{
	const struct output_file *conf = output_find(r->output, "ovpn/server.conf");
	char path[RENDER_PATH_MAX];
	enum trial_end end;
	struct buf output;

	if (!conf->is_staged)
		return 0;
	buf_open(&output, r->job->arena);
	output_path(&r->render->place, DRY, path);
	if (make_folder(r) || write_config(r, conf) || trial_run(r->job, path, &output, &end) ||
	    judge(r, end, &output))
		return r->job->error; /* the staging folder is swept */
	return fs_remove_tree(r->job, path);
}
