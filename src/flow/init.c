/*
 * `vpnunit init`: a master key, an empty repository, the first commit.  What
 * the commit says begins with the files of state/init, compiled in.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "flow/flow_int.h"

extern const char flow_init_network[], flow_init_server[];

static int parse_widths(struct job *j, const char *s, struct network *n)
{
	char *end;

	n->user_bits = (unsigned)strtoul(s, &end, 10);
	n->gateway_bits = *end == '/' ? (unsigned)strtoul(end + 1, &end, 10) : 0;
	n->network_bits = *end == '/' ? (unsigned)strtoul(end + 1, &end, 10) : 0;
	if (*end || n->user_bits > 24 || n->user_bits % 4)
		return job_fail(j, E_INVALID, "invalid",
		    "widths %s: not like 8/4/4, bits of user, gateway and network", s);
	return 0;
}

static int fill_network(struct job *j, const struct flow_init *in, struct network *n)
{
	if (!ip_parse_prefix(in->prefix, &n->prefix))
		return job_fail(j, E_INVALID, "invalid",
		    "prefix %s: not an IPv6 prefix like 2001:db8::/48, with no bit "
		    "set behind its length",
		    in->prefix);
	if (in->widths && parse_widths(j, in->widths, n))
		return j->error;
	if (in->name)
		n->name = in->name;
	if (in->validity_days)
		n->policy.validity = in->validity_days * 86400;
	if (in->inbound)
		n->inbound = strcmp(in->inbound, "allow") == 0 ? INBOUND_ALLOW : INBOUND_DENY;
	if (in->routes)
		n->routes = strcmp(in->routes, "internet") == 0 ? ROUTES_INTERNET : ROUTES_PREFIX;
	/* Room for every gateway of the plan twice: old and new connection of a reconnect. */
	n->policy.max_clients = n->user_bits + n->gateway_bits < 15 ? 2 << (n->user_bits + n->gateway_bits)
								    : 65536;
	return 0;
}

/* The host of an endpoint, when it is a name. */
static const char *endpoint_name(struct job *j, const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');
	const char *host = colon ? arena_strndup(j->arena, endpoint, (size_t)(colon - endpoint)) : endpoint;

	return model_is_gateway_name(host) && strspn(host, "0123456789.") < strlen(host) ? host : NULL;
}

/* Endpoints are parsed where state files are: encoded here, read back by model_put. */
static int fill_server(struct job *j, const struct flow_init *in, struct server *s)
{
	uint8_t device[16];
	size_t i;

	s->name = in->server_name ? in->server_name : endpoint_name(j, in->endpoints[0]);
	if (!s->name)
		return job_fail(j, E_INVALID, "invalid",
		    "endpoint %s: an address gives no name for the server's certificate: "
		    "add --server-name vpn.example.org",
		    in->endpoints[0]);
	s->endpoints = arena_alloc(j->arena, in->endpoints_n * sizeof(*s->endpoints));
	s->endpoints_n = in->endpoints_n;
	for (i = 0; i < in->endpoints_n; i++) {
		const char *e = in->endpoints[i], *colon = strrchr(e, ':');
		size_t len = colon ? (size_t)(colon - e) : strlen(e);
		bool is_address = len > 1 && e[0] == '[' && e[len - 1] == ']';

		s->endpoints[i].host = arena_strndup(j->arena, e + is_address, len - 2 * is_address);
		s->endpoints[i].port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	}
	s->port = s->endpoints[0].port;
	s->created = j->now;
	digest_random(device, sizeof(device));
	digest_hex(device, sizeof(device), s->device.hex);
	return 0;
}

static int read_defaults(struct job *j, struct model *m)
{
	if (model_put(j, m, "network.json", flow_init_network, strlen(flow_init_network)))
		return j->error;
	return model_put(j, m, "servers/main.json", flow_init_server, strlen(flow_init_server));
}

static int open_master(struct job *j, const struct flow_options *o, struct pki **pki)
{
	const char *path = o->master_key ? o->master_key
					 : arena_printf(j->arena, "%s/secrets/master.key", o->data);

	if (fs_mkdirs(j, arena_printf(j->arena, "%s/secrets", o->data), 0700))
		return j->error;
	if (!fs_exists(path) && pki_create_master(j, path))
		return j->error;
	return pki_open(j, path, pki);
}

/* An init that was cut off before its first commit may be run again. */
static int open_empty_repository(struct job *j, const char *data, struct state **s)
{
	const char *path = arena_printf(j->arena, "%s/state.git", data);
	struct oid head;

	if ((!fs_exists(path) && state_init(j, path)) || state_open(j, path, s))
		return j->error;
	if (state_head(j, *s, &head) == 0)
		return job_fail(
		    j, E_CONFLICT, "initialised", "%s holds a state already: nothing was changed", data);
	if (j->error != E_NOT_FOUND)
		return j->error;
	job_clear(j);
	return state_heal(j, *s);
}

static int lock_folder(struct job *j, const char *data, int *lock)
{
	if (fs_mkdirs(j, data, 0750))
		return j->error;
	return fs_lock(j, arena_printf(j->arena, "%s/lock", data), lock);
}

static int commit_first(struct job *j, struct state *s, const struct pki *pki, struct plan *plan)
{
	struct oid none = { "" }, first;
	struct model *m = model_open();

	if (flow_put_plan(j, m, plan) == 0 && pki_issue(j, pki, m, plan, NULL) == 0 &&
	    flow_put_plan(j, m, plan) == 0 && state_stage(j, s, &none, plan, &first) == 0)
		state_publish(j, s, &none, &first);
	model_close(m);
	return j->error;
}

/* Before anything is made: the words that a wrong state file would get, as a refusal of the arguments. */
static int check_arguments(struct job *j, const struct change_init *init)
{
	struct model *m = model_open();
	const char *message;
	struct plan *plan;

	if (change_plan_init(j, init, &plan) || flow_put_plan(j, m, plan)) {
		message = j->message;
		job_clear(j);
		job_fail(j, E_INVALID, "invalid", "%s", message);
	}
	model_close(m);
	return j->error;
}

int flow_initialise(struct job *j, const struct flow_options *o, const struct flow_init *in)
{
	struct change_init init = { .actor = "init", .now = j->now };
	struct model *defaults = model_open();
	char fingerprint[PKI_FINGERPRINT];
	struct state *s = NULL;
	struct pki_signer *signer = NULL;
	struct pki *pki = NULL;
	struct plan *plan;
	int lock = -1;

	if (read_defaults(j, defaults))
		goto out;
	init.network = *model_network(defaults);
	init.server = *model_server(defaults);
	if (fill_network(j, in, &init.network) || fill_server(j, in, &init.server) ||
	    check_arguments(j, &init) || lock_folder(j, o->data, &lock) ||
	    open_empty_repository(j, o->data, &s) || open_master(j, o, &pki))
		goto out;
	signer = pki_signer_open(pki);
	flow_set_signer(s, signer);
	pki_fingerprint(pki, fingerprint);
	init.network.master_key = fingerprint;
	if (change_plan_init(j, &init, &plan) == 0 && commit_first(j, s, pki, plan) == 0 &&
	    flow_make_token(j, o->data) == 0)
		flow_install_receive(j, o);
out:
	pki_signer_close(signer);
	pki_close(pki);
	state_close(s);
	if (lock >= 0)
		close(lock);
	model_close(defaults);
	return j->error;
}
