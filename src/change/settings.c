/*
 * Changes of settings: network.json and servers/main.json, member by member.
 * What addresses and clients depend on is frozen, and says why; a file that
 * OpenVPN would refuse is found by render's trial of it.
 */
#include <string.h>

#include "change/change_int.h"

enum { DAY = 86400 };

static const struct model_frozen of_network[] = {
	{ "master_key", "the fingerprint follows the master key, never the other way" },
	{ "prefix",
	    "frozen once an id has been given, since addresses are made of it: another prefix is another "
	    "state (vpnunit init)" },
	{ "widths",
	    "frozen once an id has been given, since addresses are made of them: another plan is another "
	    "state (vpnunit init)" },
	{ NULL, NULL },
};

/* While no id has been given the plan may still be another one. */
static const struct model_frozen of_new_network[] = {
	{ "master_key", "the fingerprint follows the master key, never the other way" },
	{ NULL, NULL },
};

static const struct model_frozen of_server[] = {
	{ "name",
	    "fixed at init, since clients verify it in the server's certificate: where they connect to is "
	    "in `endpoints`" },
	{ "device", "fixed at init: the server's certificates belong to it" },
	{ "created", "when the server was made is a fact" },
	{ NULL, NULL },
};

/* Lives that are shorter than an outage would shut everybody out at its end. */
static int check_policy(struct work *w, const struct network *n)
{
	if (n->policy.crl < DAY)
		return job_fail_field(w->job, "policy.crl",
		    "a day at least: with a revocation list that has ended OpenVPN lets nobody in");
	if (n->policy.server_validity < 7 * DAY)
		return job_fail_field(w->job, "policy.server",
		    "seven days at least: with a server's certificate that has ended nobody connects");
	return 0;
}

/* An id cannot be reserved while somebody has it. */
static int check_reserved(struct work *w, const struct network *n)
{
	const struct user *u;
	size_t i;

	for (i = 0; i < n->never_n; i++) {
		u = model_user(w->model, n->never[i]);
		if (u)
			return job_fail_at(w->job, E_CONFLICT, "id_in_use", "reserved.never",
			    arena_printf(w->job->arena,
				"%s has the id of %s: it can be reserved once it is free", u->name,
				change_prefix_text(w, u->id, -1)));
	}
	return 0;
}

int change_network_patch(struct work *w)
{
	struct model_merge merge = { .members = w->change->settings,
		.frozen = model_count(w->model, ENTITY_ID) ? of_network : of_new_network };
	struct network n;
	struct buf b;

	if (change_match(w, &w->network->entity) || model_merge_network(w->job, w->network, &merge, &n) ||
	    check_policy(w, &n) || check_reserved(w, &n))
		return w->job->error;
	if (!merge.what)
		return 0;
	buf_open(&b, w->job->arena);
	model_encode_network(&b, &n);
	change_write_file(w, "network.json", &b);
	w->plan->subject = arena_printf(w->job->arena, "network %s: %s", w->network->name, merge.what);
	return 0;
}

int change_server_patch(struct work *w)
{
	struct model_merge merge = { .members = w->change->settings, .frozen = of_server };
	const struct server *old = model_server(w->model);
	struct server s;
	struct buf b;

	if (change_match(w, &old->entity) || model_merge_server(w->job, old, &merge, &s))
		return w->job->error;
	if (!merge.what)
		return 0;
	buf_open(&b, w->job->arena);
	model_encode_server(&b, &s);
	change_write_file(w, "servers/main.json", &b);
	w->plan->subject = arena_printf(w->job->arena, "server %s: %s", old->name, merge.what);
	return 0;
}
