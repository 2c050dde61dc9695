/*
 * `vpnunit restore --accept-loss`: an older state takes over.  What the world
 * has been told since, above all which devices are out, is kept as far as the
 * rendered files still tell; only then anything is rendered from it.
 */
#include <string.h>

#include "flow/flow_int.h"

static int check_is_older(struct job *j, struct flow *f, const char **why)
{
	if (flow_check_age(j, f) == 0)
		return job_fail(j, E_CONFLICT, "nothing_to_restore",
		    "this state is not older than what was running here: "
		    "nothing is lost and nothing was changed");
	if (strcmp(j->code, "old_state") != 0)
		return j->error;
	*why = j->message;
	job_clear(j);
	return 0;
}

/* Serials of the live CRL, and of `also` what the ledger does not know. */
static int gather(struct job *j, struct flow *f, const char *const *also, const char ***out)
{
	size_t n = 0, max = 1;
	char **listed, **s;
	struct pki_crl crl;
	const char *const *a;

	if (render_read_crl(j, f->render, f->model, &crl, &listed)) {
		job_warn(j, "pki/crl.pem says nothing about what was revoked: %s", j->message);
		job_clear(j);
		listed = arena_alloc(j->arena, sizeof(*listed));
	}
	for (s = listed; *s; s++)
		max++;
	for (a = also; *a; a++)
		max++;
	*out = arena_alloc(j->arena, max * sizeof(**out));
	for (s = listed; *s; s++)
		(*out)[n++] = *s;
	for (a = also; *a; a++)
		if (!model_certificate(f->model, *a))
			(*out)[n++] = *a;
	return 0;
}

/* Published before anything is rendered: no file may say less than the CRL that is in force. */
static int adopt(struct job *j, struct flow *f, const char *const *serials, struct flow_restored *out)
{
	struct change ch = { .kind = CHANGE_ADOPT,
		.actor = "restore",
		.request_id = "",
		.reason = "",
		.now = j->now,
		.serials = serials };
	struct model *fork = model_fork(f->model);
	struct plan *plan;
	struct oid next;

	out->commit = f->head;
	if (change_plan(j, f->model, &ch, &plan) || !plan->files)
		goto out;
	if (flow_put_plan(j, fork, plan) || state_stage(j, f->state, &f->head, plan, &next) ||
	    state_publish(j, f->state, &f->head, &next))
		goto out;
	f->head = out->commit = next;
	model_absorb(f->model, fork);
	fork = NULL;
out:
	model_close(fork);
	return j->error;
}

/* Those of the list that were not revoked before. */
static void list_new(
    struct job *j, const struct model *before, const char **serials, struct flow_restored *out)
{
	size_t n = 0, i;

	while (serials[n])
		n++;
	out->revoked = arena_alloc(j->arena, (n + 1) * sizeof(*out->revoked));
	for (n = i = 0; serials[i]; i++)
		if (!model_revocation(before, serials[i]) && !model_adoption(before, serials[i]))
			out->revoked[n++] = serials[i];
}

int flow_restore(
    struct job *j, const struct flow_options *o, const char *const *also, struct flow_restored *out)
{
	struct flow f = { .lock = -1 };
	const char **serials;

	*out = (struct flow_restored){ .why = "" };
	if (flow_load(j, o, true, &f) ||
	    render_open(j, o->data, flow_group(j, o->openvpn_group), f.pki, &f.render) ||
	    check_is_older(j, &f, &out->why) || gather(j, &f, also, &serials))
		goto out;
	list_new(j, f.model, serials, out);
	if (adopt(j, &f, serials, out) == 0)
		flow_bring_forward(j, &f, true);
out:
	render_close(f.render);
	flow_unload(&f);
	return j->error;
}
