/*
 * From a folder to a model: lock, master key, repository, HEAD.  What cannot
 * be trusted is refused here, naming commit, file and what to do.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "flow/flow_int.h"

static int visit(struct job *j, void *context, const char *path, const char *bytes, size_t len)
{
	return bytes ? model_put(j, context, path, bytes, len) : model_remove(j, context, path);
}

int flow_put_diff(
    struct job *j, struct state *s, const struct oid *from, const struct oid *to, struct model *m)
{
	return state_diff(j, s, from, to, visit, m);
}

int flow_put_plan(struct job *j, struct model *m, const struct plan *plan)
{
	const struct plan_file *f;

	for (f = plan->files; f; f = f->next)
		if (visit(j, m, f->path, f->data, f->len))
			return j->error;
	return model_check(j, m);
}

/* Say which commit is broken: the history tells who made it so. */
static int fail_in_commit(struct job *j, const struct oid *commit)
{
	const char *message = j->message, *code = j->code;
	int error = j->error;

	job_clear(j);
	return job_fail(j, error, code, "commit %.12s: %s", commit->hex, message);
}

static int put_file(
    struct job *j, struct state *s, const struct oid *commit, const char *path, struct model *m)
{
	struct buf bytes;

	buf_open(&bytes, j->arena);
	if (state_read(j, s, commit, path, &bytes))
		return j->error;
	return model_put(j, m, path, bytes.data, bytes.len);
}

int flow_load_model(struct job *j, struct state *s, const struct oid *commit, struct model *m)
{
	struct oid none = { "" };

	/* The layout and the plan's widths first: the paths of all other files follow from them. */
	if (put_file(j, s, commit, "format", m) || put_file(j, s, commit, "network.json", m) ||
	    flow_put_diff(j, s, &none, commit, m) || model_check(j, m))
		return fail_in_commit(j, commit);
	return 0;
}

static int visit_new(struct job *j, void *m, const struct state_change *c)
{
	return model_put(j, m, c->path, c->after.bytes, c->after.len);
}

/* All but users and the ledger, which are nearly all files of a large network. */
static int load_settings(struct job *j, struct flow *f)
{
	const struct oid *head = &f->head;

	if (put_file(j, f->state, head, "format", f->model) ||
	    put_file(j, f->state, head, "network.json", f->model) ||
	    state_files(j, f->state, head, "servers", visit_new, f->model) ||
	    state_files(j, f->state, head, "access", visit_new, f->model))
		return j->error;
	if (put_file(j, f->state, head, "pending.json", f->model) == E_NOT_FOUND)
		job_clear(j);
	return j->error;
}

int flow_load_head(struct job *j, struct flow *f)
{
	const char *rendered;

	if (render_commit(j, f->render, &rendered))
		return j->error;
	f->model = model_open();
	f->origin.is_due = strcmp(rendered, f->head.hex) == 0 && !load_settings(j, f) &&
	    !render_load_model(j, f->render, f->model) && !flow_compare_ids(j, f);
	if (f->origin.is_due)
		return pki_check(j, f->pki, f->model);
	if (j->error)
		job_warn(j, "reading the state from git, since the rows of the last start can't be used: %s",
		    j->message);
	job_clear(j); /* git has it all, and says what is broken there */
	model_close(f->model);
	f->model = model_open();
	if (flow_load_model(j, f->state, &f->head, f->model))
		return j->error;
	return pki_check(j, f->pki, f->model);
}

int flow_open_repository(struct job *j, const struct flow_options *o, struct flow *f)
{
	const char *path = arena_printf(j->arena, "%s/state.git", o->data);

	if (!fs_exists(path))
		return job_fail(j, E_NOT_FOUND, "not_initialised",
		    "%s holds no state: begin with `vpnunit init --data %s "
		    "--prefix 2001:db8::/48 --endpoint vpn.example.org:1194`, or restore a state there by `git clone "
		    "--bare`",
		    o->data, o->data);
	if (state_open(j, path, &f->state))
		return j->error;
	if (state_head(j, f->state, &f->head)) {
		if (j->error != E_NOT_FOUND)
			return j->error;
		job_clear(j);
		return job_fail(j, E_NOT_FOUND, "not_initialised",
		    "%s has no commit yet: run `vpnunit init` again", path);
	}
	return 0;
}

static int sign(struct job *j, void *signer, const char *bytes, size_t len, struct buf *signature)
{
	return pki_sign_commit(j, signer, bytes, len, signature);
}

void flow_set_signer(struct state *s, struct pki_signer *signer)
{
	state_set_signer(s, sign, signer);
}

int flow_open_key(struct job *j, const struct flow_options *o, struct flow *f)
{
	const char *path = o->master_key ? o->master_key
					 : arena_printf(j->arena, "%s/secrets/master.key", o->data);

	if (pki_open(j, path, &f->pki) == 0)
		return 0;
	if (j->error == E_NOT_FOUND) {
		job_clear(j);
		return job_fail(j, E_NOT_FOUND, "no_master_key",
		    "there is no master key at %s: put it back from its "
		    "paper or backup, or name its file by --master-key",
		    path);
	}
	return j->error;
}

/* What a crash left: a half-written key is a secret too. */
static int heal(struct job *j, const struct flow *f)
{
	static const char *const folders[] = { "secrets", "state.git/hooks",
		"state.git/hooks/post-commit.d" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (fs_sweep(j, arena_printf(j->arena, "%s/%s", f->data, folders[i])))
			return j->error;
	return state_heal(j, f->state);
}

static int find_signer(struct job *j, struct flow *f)
{
	struct pki_ssh_key *keys;
	size_t n;

	if (pki_audit_keys(j, f->pki, &keys, &n) == 0)
		memcpy(f->signer, keys[0].fingerprint, sizeof(f->signer));
	return j->error;
}

int flow_open_folder(struct job *j, const struct flow_options *o, bool exclusive, struct flow *f)
{
	f->lock = -1;
	f->data = mem_strdup(o->data);
	f->next_end = INT64_MAX;
	if (flow_open_repository(j, o, f))
		return j->error;
	if (exclusive && fs_lock(j, arena_printf(j->arena, "%s/lock", o->data), &f->lock)) {
		if (j->error != E_BUSY)
			return j->error;
		job_clear(j);
		return job_fail(j, E_BUSY, "locked", "another vpnunit works on %s: stop it first", o->data);
	}
	if (flow_open_key(j, o, f) || (exclusive && heal(j, f)))
		return j->error;
	f->commit_signer = pki_signer_open(f->pki);
	flow_set_signer(f->state, f->commit_signer);
	return find_signer(j, f);
}

int flow_load(struct job *j, const struct flow_options *o, bool exclusive, struct flow *f)
{
	if (flow_open_folder(j, o, exclusive, f))
		return j->error;
	f->model = model_open();
	if (flow_load_model(j, f->state, &f->head, f->model))
		return j->error;
	return pki_check(j, f->pki, f->model);
}

void flow_unload(struct flow *f)
{
	size_t i;

	model_close(f->model);
	state_close(f->state);
	pki_issuer_close(f->issuer);
	pki_signer_close(f->commit_signer);
	pki_close(f->pki);
	if (f->lock >= 0)
		close(f->lock);
	for (i = 0; f->snapshot.drift && f->snapshot.drift[i]; i++)
		free(f->snapshot.drift[i]);
	free(f->snapshot.drift);
	free(f->snapshot.trouble);
	free(f->data);
}
