/*
 * Forward: what is rendered or deployed from an older commit is brought to
 * HEAD by the code that renders a change.  Backward is refused.
 */
#include <grp.h>
#include <string.h>

#include "flow/flow_int.h"

gid_t flow_group(struct job *j, const char *name)
{
	struct group *g;

	if (!name) {
		job_warn(j, "no --openvpn-group: files for OpenVPN are readable by their owner alone");
		return (gid_t)-1;
	}
	g = getgrnam(name);
	if (!g)
		job_warn(
		    j, "no group %s on this host: files for OpenVPN are readable by their owner alone", name);
	return g ? g->gr_gid : (gid_t)-1;
}

static bool is_behind(struct job *j, struct flow *f, const char *commit)
{
	struct oid old;
	bool is_ancestor = false;

	if (!commit[0])
		return false;
	strncpy(old.hex, commit, OID_HEX - 1);
	old.hex[OID_HEX - 1] = '\0';
	if (!state_is_commit(f->state, &old) || state_is_ancestor(j, f->state, &old, &f->head, &is_ancestor))
		return false;
	return is_ancestor;
}

static int refuse_age(struct job *j, const struct flow *f, const char *what)
{
	return job_fail(j, E_CORRUPT, "old_state",
	    "%s: this state is older than what was running here, and would let "
	    "revoked devices in. Restore a newer copy of %s/state.git; or, to accept that what is missing is lost, "
	    "run `vpnunit restore --data %s --accept-loss`",
	    what, f->data, f->data);
}

static bool is_withdrawn(const struct model *m, const char *serial)
{
	return model_revocation(m, serial) || model_adoption(m, serial) || model_is_held(m, serial);
}

int flow_check_age(struct job *j, struct flow *f)
{
	const char *commit;
	struct pki_crl crl;
	char **serial;

	if (render_commit(j, f->render, &commit))
		return j->error;
	if (is_behind(j, f, commit)) {
		memcpy(f->rendered, commit, OID_HEX);
		return 0;
	}
	if (j->error)
		return j->error;
	if (commit[0])
		return refuse_age(j, f,
		    arena_printf(j->arena,
			"what is rendered comes from commit %.12s, which is "
			"not in the history of main",
			commit));
	if (render_read_crl(j, f->render, f->model, &crl, &serial)) {
		job_clear(j); /* none, or not ours: it says nothing about the past */
		return 0;
	}
	for (; *serial; serial++)
		if (!is_withdrawn(f->model, *serial))
			return refuse_age(j, f,
			    arena_printf(j->arena,
				"pki/crl.pem revokes the serial %s, which the "
				"ledger does not",
				*serial));
	return 0;
}

/* The model at an older commit, and over it what came since. */
static int open_difference(
    struct job *j, struct flow *f, const char *from, struct model **base, struct model **fork)
{
	struct oid old;

	memcpy(old.hex, from, OID_HEX);
	*base = model_open();
	*fork = NULL;
	if (flow_load_model(j, f->state, &old, *base))
		return j->error;
	*fork = model_fork(*base);
	return flow_put_diff(j, f->state, &old, &f->head, *fork);
}

int flow_bring_forward(struct job *j, struct flow *f, bool full)
{
	struct model *base = NULL, *fork = NULL;
	const struct model *m = f->model;

	if (!full && strcmp(f->rendered, f->head.hex) == 0)
		return 0;
	if (!full && f->rendered[0] && open_difference(j, f, f->rendered, &base, &fork) == 0)
		m = fork;
	job_clear(j); /* a commit that cannot be read any more: everything anew */
	if (render_stage(j, f->render, m, f->head.hex) || flow_index(j, f, &f->head, NULL) ||
	    render_promote(j, f->render))
		goto out;
	memcpy(f->rendered, f->head.hex, OID_HEX);
out:
	if (j->error) {
		render_discard(f->render);
		f->rendered[0] = '\0'; /* behind, or half-way: the next try begins anew */
	}
	model_close(fork);
	model_close(base);
	mem_trim();
	return j->error;
}

int flow_boot_task(struct job *j, struct flow *f, struct deploy_task *task)
{
	struct model *base = NULL, *fork = NULL;
	struct deploy_status status;

	deploy_status(j, f->deploy, &status);
	task->old_commit = status.commit;
	task->new_commit = f->head.hex;
	if (is_behind(j, f, status.commit) && strcmp(status.commit, f->head.hex) != 0 &&
	    open_difference(j, f, status.commit, &base, &fork) == 0)
		flow_collect_cuts(j, fork, task);
	task->restart |= model_server(f->model)->restarts;
	model_close(fork);
	model_close(base);
	return j->error;
}

int flow_catch_up(struct job *j, struct flow *f)
{
	struct deploy_task task = { 0 };

	if (flow_bring_forward(j, f, true)) {
		flow_publish_snapshot(f, j->message);
		return j->error;
	}
	flow_publish_snapshot(f, NULL);
	if (flow_boot_task(j, f, &task) == 0)
		deploy_submit(f->deploy, &task);
	return j->error;
}
