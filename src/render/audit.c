/*
 * Renderer of audit/allowed_signers: who may sign commits, for stock git
 * (gpg.ssh.allowedSignersFile, ssh-keygen(1)).  Public keys only, one a
 * generation of the master key, so that a clone and this file suffice for an audit.
 */
#include "render/render_int.h"

int render_audit(const struct render_job *r)
{
	struct arena *a = r->job->arena;
	struct json *values = json_object(a), *list = json_add(values, "keys", json_array(a));
	struct pki_ssh_key *keys;
	size_t n, i;

	if (pki_audit_keys(r->job, r->pki, &keys, &n))
		return r->job->error;
	for (i = 0; i < n; i++)
		json_add_string(a, list, NULL, keys[i].line);
	return template_output(r, "allowed_signers", values, "audit/allowed_signers", 0);
}
