/*
 * What is told about OpenVPN's connections: the table as others may see it,
 * and news of it, to the log and to who listens.  Addresses of people's homes
 * are for who asks the API, not for the log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "deploy/deploy_int.h"

static int compare_clients(const void *a, const void *b)
{
	const struct deploy_client *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name ? by_name : (x->since > y->since) - (x->since < y->since);
}

/* A gateway's name; whatever else a certificate may say goes into no label and no JSON. */
static bool is_name(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")] == '\0';
}

/* Of one name the connection before may not be gone yet: the newest counts. */
static void drop_older(struct deploy_clients *out)
{
	size_t i, n = 0;

	for (i = 0; i < out->n; i++) {
		if (n && !strcmp(out->list[n - 1].name, out->list[i].name))
			n--;
		out->list[n++] = out->list[i];
	}
	out->n = n;
}

void live_copy(struct job *j, const struct clients *c, const char *name, struct deploy_clients *out)
{
	const struct map_slot *slot;
	size_t it = 0, cap = 0;

	while ((slot = map_next(&c->by_id, &it))) {
		const struct client *v = slot->value;

		if (!v->has_address || !is_name(v->name) || (name && strcmp(v->name, name)))
			continue;
		if (!cap)
			out->list = arena_alloc(j->arena, (cap = c->by_id.len) * sizeof(*out->list));
		out->list[out->n++] = (struct deploy_client){
			.name = arena_strdup(j->arena, v->name),
			.remote = arena_strdup(j->arena, v->remote),
			.since = v->since,
			.received = v->received,
			.sent = v->sent,
		};
	}
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), compare_clients);
	drop_older(out);
}

void live_tell_running(struct feed *feed, bool is_running)
{
	log_line(
	    LOG_LEVEL_INFO, is_running ? "openvpn: it runs" : "openvpn: its management socket is closed");
	feed_put(feed, "openvpn", is_running ? "{\"running\":true}" : "{\"running\":false}");
}

void live_tell_client(struct feed *feed, const struct client *v, bool has_come)
{
	struct json *o;
	struct buf text;
	struct job j;

	if (!is_name(v->name))
		return;
	job_open(&j);
	o = json_object(j.arena);
	json_add_string(j.arena, o, "gateway", v->name);
	json_add_string(j.arena, o, "remote", *v->remote ? v->remote : NULL);
	if (!has_come) {
		json_add_int(j.arena, o, "received", (int64_t)v->received);
		json_add_int(j.arena, o, "sent", (int64_t)v->sent);
	}
	buf_open(&text, j.arena);
	json_print_compact(&text, o);
	feed_put(feed, has_come ? "connect" : "disconnect", text.data);
	log_line(LOG_LEVEL_INFO, "openvpn: %s has %s", v->name, has_come ? "connected" : "disconnected");
	job_close(&j);
}

/* Who came again by another way, as a phone does all day, has not gone; nor who was never let in. */
void live_tell_gone(struct feed *feed, struct clients *c)
{
	const struct map_slot *slot;
	struct map there = { .len = 0 };
	struct client gone;
	size_t it = 0;

	while (c->gone && (slot = map_next(&c->by_id, &it))) {
		struct client *v = slot->value;

		if (v->has_address)
			map_put(&there, v->name, v);
	}
	while (clients_take_gone(c, &gone))
		if (gone.has_address && !map_get(&there, gone.name))
			live_tell_client(feed, &gone, false);
	map_clear(&there);
}
