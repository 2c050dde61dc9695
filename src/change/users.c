/* Changes of users: create, rename, switch on and off, delete. */
#include <string.h>

#include "change/change_int.h"

static int check_name_free(struct work *w, const char *name)
{
	if (model_user_by_name(w->model, name))
		return job_fail(w->job, E_CONFLICT, "name_taken", "there is a user %s already", name);
	return 0;
}

int change_user_create(struct work *w)
{
	struct user u = { .name = w->change->name, .created = w->change->now, .enabled = true };

	if (check_name_free(w, u.name) || change_give_user_id(w, &u.id))
		return w->job->error;
	if (w->change->has_enabled)
		u.enabled = w->change->enabled;
	change_write_user(w, &u);
	w->plan->subject = arena_printf(
	    w->job->arena, "user %s: create, %s", u.name, change_prefix_text(w, u.id, -1));
	return 0;
}

static const char *switched(bool enabled)
{
	return enabled ? "enable" : "disable";
}

int change_user_patch(struct work *w)
{
	const struct user *old = change_find_user(w, w->change->name);
	bool is_renamed, is_switched;
	struct user u;

	if (!old || change_match(w, &old->entity))
		return w->job->error;
	u = *old;
	is_renamed = w->change->new_name && strcmp(w->change->new_name, old->name) != 0;
	is_switched = w->change->has_enabled && w->change->enabled != old->enabled;
	if (is_renamed) {
		if (check_name_free(w, w->change->new_name))
			return w->job->error;
		u.name = w->change->new_name;
		change_rename_references(w, old->name, u.name);
	}
	if (is_switched)
		u.enabled = w->change->enabled;
	if (is_renamed || is_switched)
		change_write_user(w, &u);
	w->plan->subject = arena_printf(w->job->arena, "user %s: %s%s%s", old->name,
	    is_renamed ? arena_printf(w->job->arena, "rename to %s", u.name) : "",
	    is_renamed && is_switched ? ", " : "", is_switched ? switched(u.enabled) : "");
	return 0;
}

int change_user_delete(struct work *w)
{
	const struct user *u = change_find_user(w, w->change->name);
	char path[MODEL_PATH_MAX];
	unsigned n = 0;
	uint32_t g;

	if (!u || change_match(w, &u->entity))
		return w->job->error;
	change_rename_references(w, u->name, NULL);
	for (g = 0; g < 1u << w->network->gateway_bits; g++) {
		const struct gateway *gateway = model_gateway(w->model, u->id, g);

		if (!gateway)
			continue;
		n++;
		if (w->change->cascade)
			change_remove_gateway(w, gateway, u->name);
	}
	if (n && !w->change->cascade)
		return job_fail(w->job, E_CONFLICT, "has_gateways",
		    "%s has %u gateway%s: delete them first, or "
		    "all at once with ?cascade=1",
		    u->name, n, n == 1 ? "" : "s");
	model_user_path(w->network, u->id, path);
	plan_delete(w->job->arena, w->plan, path);
	change_release_user(w, u);
	w->plan->subject = arena_printf(w->job->arena, "user %s: delete%s, %s", u->name,
	    n ? arena_printf(w->job->arena, " with %u gateway%s", n, n == 1 ? "" : "s") : "",
	    change_prefix_text(w, u->id, -1));
	return 0;
}
