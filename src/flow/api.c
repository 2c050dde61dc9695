/*
 * The API's own certificate: issued by our CA under a name that is not the VPN
 * server's, for whom its key could otherwise speak, and anew at two thirds of its life.
 */
#include <string.h>

#include "flow/flow_int.h"

/* Is there a certificate that will do for a while? Under the model's lock, so copied. */
static int copy_current(struct job *j, struct flow *f, const char *name, struct flow_api *out, bool *is_due)
{
	const struct certificate *c, *ca;
	char device[ID128_HEX];

	change_api_device(name, device);
	buf_open(&out->chain, j->arena);
	buf_open(&out->key, j->arena);
	pthread_rwlock_rdlock(&f->model_lock);
	*is_due = flow_is_due(f, device, j->now);
	c = model_current_certificate(f->model, device);
	ca = model_ca(f->model);
	if (!*is_due && pki_private_key(j, f->pki, c, &out->key) == 0) {
		out->serial = arena_strdup(j->arena, c->serial.hex);
		buf_puts(&out->chain, model_certificate_pem(j->arena, c));
		out->ca = model_certificate_pem(j->arena, ca);
		buf_puts(&out->chain, out->ca);
	}
	pthread_rwlock_unlock(&f->model_lock);
	return j->error;
}

static int issue(struct job *j, struct flow *f, const char *name)
{
	const struct change ch = { .kind = CHANGE_API_RENEW,
		.actor = "vpnunit",
		.request_id = "",
		.reason = "",
		.now = j->now,
		.name = name };
	struct flow_result done;

	return flow_submit(j, f, &ch, &done);
}

/* What the service is called, unless somebody says. */
static const char *default_name(struct job *j, struct flow *f)
{
	const char *name;

	pthread_rwlock_rdlock(&f->model_lock);
	name = arena_printf(j->arena, "api.%s", model_server(f->model)->name);
	pthread_rwlock_unlock(&f->model_lock);
	return name;
}

int flow_api(struct job *j, struct flow *f, const char *name, struct flow_api *out)
{
	bool is_due;

	memset(out, 0, sizeof(*out));
	out->name = name ? name : default_name(j, f);
	if (copy_current(j, f, out->name, out, &is_due) || !is_due)
		return j->error;
	if (issue(j, f, out->name) || copy_current(j, f, out->name, out, &is_due))
		return j->error;
	if (is_due)
		return job_fail(
		    j, E_CONFLICT, "ca_expired", "the CA ends too soon for a certificate of the API");
	return 0;
}

int flow_read_ca(struct job *j, const struct flow_options *o, const char **pem)
{
	struct model *m = model_open();
	struct flow f = { .lock = -1 };

	if (flow_open_repository(j, o, &f) == 0 && flow_load_model(j, f.state, &f.head, m) == 0)
		*pem = model_certificate_pem(j->arena, model_ca(m));
	state_close(f.state);
	model_close(m);
	return j->error;
}
