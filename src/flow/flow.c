/*
 * The service's life: boot, the queue's two ends, what others may read of the
 * writer's work, the end.
 */
#include "flow/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { DEPLOY_WAIT_MS = 5000 };

static char **copy_list(char **list)
{
	size_t n = 0, i;
	char **copy;

	while (list[n])
		n++;
	copy = mem_zalloc((n + 1) * sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = mem_strdup(list[i]);
	return copy;
}

void flow_set_drift(struct flow *f, char **drift)
{
	char **old, **d;

	pthread_mutex_lock(&f->mutex);
	for (d = drift; *d; d++)
		f->measures.drift++;
	old = f->snapshot.drift;
	f->snapshot.drift = copy_list(drift);
	pthread_mutex_unlock(&f->mutex);
	for (d = old; d && *d; d++)
		free(*d);
	free(old);
}

void flow_publish_snapshot(struct flow *f, const char *trouble)
{
	const struct certificate *ca = model_ca(f->model);
	const struct certificate *server = model_current_certificate(
	    f->model, model_server(f->model)->device.hex);
	const struct pending *p = model_pending(f->model);
	struct oid pending = { "" };
	struct pki_crl crl = { 0 };
	struct job j;
	bool is_news;

	job_open(&j);
	if (p)
		flow_find_pending(&j, f->state, &f->head, &pending);
	job_clear(&j);
	render_look_at_crl(&j, f->render, f->model, &crl); /* a bad one counts as ended */
	pthread_mutex_lock(&f->mutex);
	is_news = strcmp(f->snapshot.head.hex, f->head.hex) || strcmp(f->snapshot.rendered, f->rendered);
	f->snapshot.head = f->head;
	memcpy(f->snapshot.rendered, f->rendered, OID_HEX);
	free(f->snapshot.trouble);
	f->snapshot.trouble = trouble ? mem_strdup(trouble) : NULL;
	f->snapshot.pending = pending;
	f->snapshot.pending_until = p ? p->deadline : 0;
	f->snapshot.crl_next_update = crl.next_update;
	f->snapshot.crl_life = model_network(f->model)->policy.crl;
	f->snapshot.ca_not_after = ca ? ca->not_after : 0;
	f->snapshot.server_not_after = server ? server->not_after : 0;
	pthread_mutex_unlock(&f->mutex);
	atomic_store(&f->is_in_place, !trouble && strcmp(f->rendered, f->head.hex) == 0);
	if (is_news)
		feed_put(f->feed, "commit", "");
	job_close(&j);
}

int flow_make_token(struct job *j, const char *data)
{
	const char *path = arena_printf(j->arena, "%s/secrets/admin.token", data);
	uint8_t bytes[32];
	char hex[2 * sizeof(bytes) + 2];
	int error;

	if (fs_exists(path))
		return 0;
	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), hex);
	hex[2 * sizeof(bytes)] = '\n';
	hex[2 * sizeof(bytes) + 1] = '\0';
	error = fs_mkdirs(j, arena_printf(j->arena, "%s/secrets", data), 0700) ||
	    fs_write_durable(j, path, hex, strlen(hex), 0600);
	digest_cleanse(hex, sizeof(hex));
	digest_cleanse(bytes, sizeof(bytes));
	if (!error)
		log_line(LOG_LEVEL_INFO, "made a token for the API: %s", path);
	return error ? j->error : 0;
}

static int start_deploy(struct job *j, const struct flow_options *o, struct flow *f)
{
	struct deploy_options options = {
		.data = o->data, .master_key = o->master_key, .feed = f->feed, .hooks = o->hooks
	};
	struct deploy_task task = { 0 };

	if (deploy_install(j, o->data) || flow_install_receive(j, o) ||
	    deploy_open(j, &options, &f->deploy) || flow_boot_task(j, f, &task))
		return j->error;
	deploy_submit(f->deploy, &task);
	return 0;
}

static int boot(struct job *j, const struct flow_options *o, struct flow *f)
{
	if (flow_open_folder(j, o, true, f) || flow_make_token(j, o->data) ||
	    render_open(j, o->data, flow_group(j, o->openvpn_group), f->pki, &f->render) ||
	    flow_load_head(j, f) || flow_check_age(j, f) || flow_bring_forward(j, f, false) ||
	    start_deploy(j, o, f))
		return j->error;
	if (flow_load_keys(j, f))
		return j->error;
	if (*render_indexed(f->render)) /* a new index is made behind serving */
		flow_index_more(f);
	flow_note_end(f, j, f->model, true);
	f->next_check = time_now() + 1;
	mem_trim();
	flow_publish_snapshot(f, NULL);
	if (pthread_create(&f->writer, NULL, flow_writer, f))
		return job_fail_errno(j, "cannot start the writer's thread");
	f->has_writer = true;
	return 0;
}

int flow_open(struct job *j, const struct flow_options *o, struct flow **out)
{
	struct flow *f = mem_zalloc(sizeof(*f));
	pthread_condattr_t clock;

	f->last = &f->first;
	f->feed = feed_open();
	pthread_mutex_init(&f->mutex, NULL);
	pthread_rwlock_init(&f->model_lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC); /* the host's clock may be set back by hours */
	pthread_cond_init(&f->wake, &clock);
	pthread_condattr_destroy(&clock);
	pthread_cond_init(&f->done, NULL);
	if (boot(j, o, f)) {
		flow_close(f);
		return j->error;
	}
	*out = f;
	return 0;
}

void flow_close(struct flow *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->mutex);
	f->is_stopping = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->mutex);
	if (f->has_writer)
		pthread_join(f->writer, NULL);
	flow_stop_indexing(f);
	render_checking_close(f->checking);
	flow_close_keys(&f->keys);
	deploy_close(f->deploy);
	render_close(f->render);
	flow_unload(f);
	feed_close(f->feed);
	pthread_cond_destroy(&f->done);
	pthread_cond_destroy(&f->wake);
	pthread_rwlock_destroy(&f->model_lock);
	pthread_mutex_destroy(&f->mutex);
	free(f);
}

/* Queue a ticket and wait until the writer has answered it. */
static int queue(struct job *j, struct flow *f, struct ticket *t, const char **trouble)
{
	pthread_mutex_lock(&f->mutex);
	if (f->is_stopping) {
		pthread_mutex_unlock(&f->mutex);
		return job_fail(j, E_BUSY, "stopping", "the service is stopping: try again when it is back");
	}
	*f->last = t;
	f->last = &t->next;
	pthread_cond_signal(&f->wake);
	while (!t->is_done)
		pthread_cond_wait(&f->done, &f->mutex);
	*trouble = f->snapshot.trouble ? arena_strdup(j->arena, f->snapshot.trouble) : NULL;
	pthread_mutex_unlock(&f->mutex);
	return j->error;
}

int flow_submit(struct job *j, struct flow *f, const struct change *ch, struct flow_result *out)
{
	struct ticket t = { .kind = TICKET_CHANGE, .job = j, .change = ch };

	out->preview = NULL;
	out->is_deployed = false;
	out->warning = NULL;
	if (queue(j, f, &t, &out->warning))
		return j->error;
	out->commit = t.commit;
	out->summary = t.summary;
	out->is_replay = t.is_replay;
	flow_log(&t);
	if (!out->warning)
		out->is_deployed = deploy_wait(j, f->deploy, t.commit.hex, DEPLOY_WAIT_MS, &out->warning);
	return 0;
}

int flow_restart(struct job *j, struct flow *f)
{
	if (deploy_restart(f->deploy))
		return 0;
	return job_fail(j, E_CONFLICT, "not_running",
	    "OpenVPN does not run, or its management socket does not answer: its next start reads the "
	    "configuration that is rendered");
}

int flow_render(struct job *j, struct flow *f)
{
	struct ticket t = { .kind = TICKET_RENDER, .job = j };
	const char *trouble;

	return queue(j, f, &t, &trouble);
}

int flow_check(struct job *j, struct flow *f, char ***differences)
{
	struct ticket t = { .kind = TICKET_CHECK, .job = j };
	const char *trouble;

	if (queue(j, f, &t, &trouble))
		return j->error;
	*differences = t.differences;
	return 0;
}

static char **copy_drift(struct job *j, char **drift)
{
	size_t n = 0, i;
	char **copy;

	while (drift && drift[n])
		n++;
	copy = arena_alloc(j->arena, (n + 1) * sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = arena_strdup(j->arena, drift[i]);
	return copy;
}

static void add_check(struct flow_state *s, const char *name, bool ok, const char *detail)
{
	s->checks[s->checks_n++] = (struct flow_check){ .name = name, .ok = ok, .detail = detail };
}

static const char *until(struct job *j, int64_t t)
{
	char text[TIME_TEXT];

	return t ? arena_printf(j->arena, "valid until %s", time_print(t, text)) : "missing or bad";
}

/* Red while there is still time to act: the last 14 days, or the last half of a shorter life. */
static int64_t notice(int64_t life)
{
	return life < 28 * 86400 ? life / 2 : 14 * 86400;
}

int flow_state(struct job *j, struct flow *f, struct flow_state *out)
{
	struct snapshot s;

	memset(out, 0, sizeof(*out));
	deploy_status(j, f->deploy, &out->deploy);
	pthread_mutex_lock(&f->mutex);
	s = f->snapshot;
	out->head = s.head;
	out->pending = s.pending;
	out->pending_until = s.pending_until;
	out->rendered = arena_strdup(j->arena, s.rendered);
	s.trouble = s.trouble ? arena_strdup(j->arena, s.trouble) : NULL;
	out->drift = copy_drift(j, s.drift);
	out->crl_until = s.crl_next_update;
	out->ca_until = s.ca_not_after;
	out->server_until = s.server_not_after;
	pthread_mutex_unlock(&f->mutex);
	add_check(out, "crl", s.crl_next_update > j->now + notice(s.crl_life), until(j, s.crl_next_update));
	add_check(out, "ca", s.ca_not_after > j->now + notice(28 * 86400), until(j, s.ca_not_after));
	add_check(out, "server", s.server_not_after > j->now, until(j, s.server_not_after));
	add_check(
	    out, "render", strcmp(s.rendered, s.head.hex) == 0, s.trouble ? s.trouble : "rendered is HEAD");
	add_check(out, "deploy", !out->deploy.hooks || strcmp(out->deploy.commit, s.head.hex) == 0,
	    !out->deploy.hooks        ? "hooks are off: deployed by other means"
		: *out->deploy.detail ? out->deploy.detail
				      : "deployed is HEAD");
	return 0;
}

int flow_last_change(struct job *j, struct flow *f, const char *path, struct state_entry *out)
{
	struct state *s = NULL;
	struct oid head;

	if (state_open(j, arena_printf(j->arena, "%s/state.git", f->data), &s) == 0 &&
	    state_head(j, s, &head) == 0)
		state_last_change(j, s, &head, path, out);
	state_close(s);
	return j->error;
}

struct feed *flow_feed(const struct flow *f)
{
	return f->feed;
}

void flow_clients(struct job *j, struct flow *f, const char *name, struct deploy_clients *out)
{
	deploy_clients(j, f->deploy, name, out);
}

const struct pki *flow_pki(const struct flow *f)
{
	return f->pki;
}
