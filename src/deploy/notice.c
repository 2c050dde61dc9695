/*
 * hooks/expiring: what ends soon, told once.  It may take its time, so it has a
 * thread of its own; up to which moment it has been told is in
 * DATA/expiring.json, which is written only when the hook was content.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/time.h"
#include "deploy/deploy_int.h"

enum { RECORD_MAX = 4096 };

struct notice {
	char *data;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	char *text; /* what the hook is to read; NULL: it has */
	char commit[OID_HEX];
	int64_t until;
	bool is_stopping;
	int stop_fd;
	const int *hidden; /* from the hook; borrowed */
};

static const char *notice_path(struct job *j, const struct notice *n)
{
	return arena_printf(j->arena, "%s/expiring.json", n->data);
}

/* Missing or broken: nothing has been told yet. */
static int64_t notice_read(struct job *j, const struct notice *n)
{
	const char *text = NULL;
	struct json *top;
	struct buf b;
	int64_t told = 0;

	if (fs_read(j, notice_path(j, n), RECORD_MAX, &b) || json_parse(j, b.data, b.len, &top) ||
	    json_want_string(j, top, "told", true, &text) || !time_parse(text, &told))
		told = 0;
	job_clear(j);
	return told;
}

static int notice_write(struct job *j, const struct notice *n, int64_t told)
{
	struct json *o = json_object(j->arena);
	char text[TIME_TEXT];
	struct buf b;

	buf_open(&b, j->arena);
	json_add_string(j->arena, o, "told", time_print(told, text));
	json_print_canonical(&b, o);
	return fs_write_durable(j, notice_path(j, n), b.data, b.len, 0644);
}

static void notice_run(const struct notice *n)
{
	const struct hook_run run = { .data = n->data,
		.old_commit = n->commit,
		.new_commit = n->commit,
		.input = n->text,
		.timeout_ms = HOOK_TIMEOUT_MS,
		.stop_fd = n->stop_fd,
		.hidden = n->hidden };
	const char *detail = "";
	struct job j;

	job_open(&j);
	if (hooks_run(&j, &run, HOOK_EXPIRING, &detail) == HOOK_DONE && notice_write(&j, n, n->until))
		log_line(LOG_LEVEL_WARNING, "%s: what ends soon will be told again", j.message);
	job_close(&j);
}

static void *notice_worker(void *context)
{
	struct notice *n = context;

	pthread_mutex_lock(&n->lock);
	while (!n->is_stopping) {
		if (!n->text) {
			pthread_cond_wait(&n->changed, &n->lock);
			continue;
		}
		pthread_mutex_unlock(&n->lock);
		notice_run(n); /* nobody touches these while text is set */
		pthread_mutex_lock(&n->lock);
		free(n->text);
		n->text = NULL;
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

int notice_open(struct job *j, const char *data, int stop_fd, const int *hidden, struct notice **out)
{
	struct notice *n = mem_zalloc(sizeof(*n));

	n->data = mem_strdup(data);
	n->stop_fd = stop_fd;
	n->hidden = hidden;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->changed, NULL);
	*out = n;
	if (!(errno = pthread_create(&n->thread, NULL, notice_worker, n)))
		return 0;
	n->is_stopping = true;
	return job_fail_errno(j, "cannot start the thread of hooks/expiring");
}

void notice_close(struct notice *n)
{
	bool has_thread;

	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	has_thread = !n->is_stopping;
	n->is_stopping = true;
	pthread_cond_signal(&n->changed);
	pthread_mutex_unlock(&n->lock);
	if (has_thread)
		pthread_join(n->thread, NULL);
	pthread_cond_destroy(&n->changed);
	pthread_mutex_destroy(&n->lock);
	free(n->text);
	free(n->data);
	free(n);
}

bool notice_told(struct job *j, struct notice *n, int64_t *until)
{
	char **paths;
	bool is_busy;

	pthread_mutex_lock(&n->lock);
	is_busy = n->text != NULL;
	pthread_mutex_unlock(&n->lock);
	if (is_busy || hooks_list(j, n->data, HOOK_EXPIRING, &paths) || !*paths) {
		job_clear(j);
		return false;
	}
	*until = notice_read(j, n);
	return true;
}

void notice_tell(struct notice *n, const char *commit, const char *text, int64_t until)
{
	char *copy = mem_strdup(text);

	pthread_mutex_lock(&n->lock);
	if (!n->text) {
		strncpy(n->commit, commit, OID_HEX - 1);
		n->until = until;
		n->text = copy;
		copy = NULL; /* now the worker's */
		pthread_cond_signal(&n->changed);
	}
	pthread_mutex_unlock(&n->lock);
	free(copy);
}
