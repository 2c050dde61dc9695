/* Changes of gateways: create, settings, delete. */
#include <string.h>

#include "base/json.h"
#include "change/change_int.h"

static int check_allow(struct work *w, const struct gateway *g)
{
	size_t i;

	for (i = 0; i < g->allow_n; i++)
		if (g->allow[i].from == FROM_USER && !model_user_by_name(w->model, g->allow[i].from_user))
			return job_fail_field(
			    w->job, "allow", "from user:%s, who does not exist", g->allow[i].from_user);
	if (g->inbound == INBOUND_ALLOW && g->allow_n && (w->change->has_allow || w->change->has_inbound))
		job_warn(w->job,
		    "%s has inbound \"allow\": everything is let in, and `allow` changes nothing until "
		    "inbound is \"deny\"",
		    g->name);
	return 0;
}

static void apply_settings(const struct change *ch, struct gateway *g)
{
	if (ch->has_enabled)
		g->enabled = ch->enabled;
	if (ch->has_inbound)
		g->inbound = ch->inbound;
	if (ch->has_routes)
		g->routes = ch->routes;
	if (ch->has_allow) {
		g->allow = ch->allow;
		g->allow_n = ch->allow_n;
	}
}

int change_gateway_create(struct work *w)
{
	const struct server *s = model_server(w->model);
	const struct user *u = change_find_user(w, w->change->user);
	struct gateway g = { .name = w->change->name,
		.device = w->change->device,
		.created = w->change->now,
		.enabled = true,
		.inbound = w->network->inbound,
		.routes = w->network->routes };

	if (!u)
		return w->job->error;
	if (model_gateway_by_name(w->model, g.name))
		return job_fail(w->job, E_CONFLICT, "name_taken", "there is a gateway %s already", g.name);
	if (strcmp(g.name, s->name) == 0)
		return job_fail(w->job, E_CONFLICT, "name_taken", "%s is the server's own name", g.name);
	g.user = u->id;
	apply_settings(w->change, &g);
	if (check_allow(w, &g) || change_give_gateway_id(w, u, &g.id))
		return w->job->error;
	change_write_gateway(w, &g);
	w->plan->subject = arena_printf(w->job->arena, "gateway %s: create for %s, %s", g.name, u->name,
	    change_prefix_text(w, g.user, g.id));
	return change_issue(w, CERTIFICATE_GATEWAY, g.device.hex, g.name);
}

static bool is_same_allow(struct work *w, const struct gateway *a, const struct gateway *b)
{
	struct buf x, y;

	buf_open(&x, w->job->arena);
	buf_open(&y, w->job->arena);
	json_print_compact(&x, model_allow_json(w->job->arena, a->allow, a->allow_n));
	json_print_compact(&y, model_allow_json(w->job->arena, b->allow, b->allow_n));
	return strcmp(x.data, y.data) == 0;
}

/* "disable, inbound allow" */
static const char *describe(struct work *w, const struct gateway *old, const struct gateway *g)
{
	struct buf b;

	buf_open(&b, w->job->arena);
	if (g->enabled != old->enabled)
		buf_printf(&b, ", %s", g->enabled ? "enable" : "disable");
	if (g->inbound != old->inbound)
		buf_printf(&b, ", inbound %s", model_inbound_word(g->inbound));
	if (g->routes != old->routes)
		buf_printf(&b, ", routes %s", model_routes_word(g->routes));
	if (!is_same_allow(w, old, g))
		buf_printf(&b, ", allow %zu opening%s", g->allow_n, g->allow_n == 1 ? "" : "s");
	return b.len ? b.data + 2 : NULL;
}

int change_gateway_patch(struct work *w)
{
	const struct gateway *old = change_find_gateway(w, w->change->name);
	const char *what;
	struct gateway g;

	if (!old || change_match(w, &old->entity))
		return w->job->error;
	g = *old;
	apply_settings(w->change, &g);
	if (check_allow(w, &g))
		return w->job->error;
	what = describe(w, old, &g);
	if (!what)
		return 0;
	change_write_gateway(w, &g);
	w->plan->subject = arena_printf(w->job->arena, "gateway %s: %s", g.name, what);
	return 0;
}

void change_remove_gateway(struct work *w, const struct gateway *g, const char *user_name)
{
	char path[MODEL_PATH_MAX];

	model_gateway_path(w->network, g->user, g->id, path);
	plan_delete(w->job->arena, w->plan, path);
	change_revoke_device(w, g->device.hex, REASON_CESSATION_OF_OPERATION);
	change_release_gateway(w, g, user_name);
}

int change_gateway_delete(struct work *w)
{
	const struct gateway *g = change_find_gateway(w, w->change->name);

	if (!g || change_match(w, &g->entity))
		return w->job->error;
	change_remove_gateway(w, g, model_user(w->model, g->user)->name);
	w->plan->subject = arena_printf(
	    w->job->arena, "gateway %s: delete, %s", g->name, change_prefix_text(w, g->user, g->id));
	return 0;
}
