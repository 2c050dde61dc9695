/*
 * Renderer of state.json: which commit the files are of, and what
 * `vpnunit deploy` must know of the tunnel where it has neither git nor keys.
 */
#include <grp.h>
#include <string.h>

#include "render/render_int.h"

/* OpenVPN's user on Debian is named as its group; NULL where there is none. */
static const char *group_name(struct arena *a, gid_t group)
{
	struct group entry, *found = NULL;
	char *strings;

	if (group == (gid_t)-1)
		return NULL;
	strings = arena_alloc(a, 16 * 1024);
	if (getgrgid_r(group, &entry, strings, 16 * 1024, &found) || !found)
		return NULL;
	return found->gr_name;
}

static void add_tunnel(const struct render_job *r, struct json *summary)
{
	const struct network *n = model_network(r->model);
	struct in6_addr address = model_server_address(n);
	struct arena *a = r->job->arena;
	char text[IP_TEXT];
	struct json *tun = json_add(summary, "tun", json_object(a));

	json_add_string(a, tun, "device", RENDER_DEVICE);
	json_add_int(a, tun, "mtu", RENDER_MTU);
	json_add_string(a, tun, "address", arena_printf(a, "%s/64", ip_print_addr(&address, text)));
	json_add_string(a, tun, "prefix", ip_print_prefix(&n->prefix, arena_alloc(a, IP_TEXT)));
	json_add_string(a, tun, "user", group_name(a, r->render->place.group));
}

static void add_counts(const struct render_job *r, struct json *summary)
{
	struct arena *a = r->job->arena;
	struct json *counts = json_add(summary, "counts", json_object(a));

	json_add_int(a, counts, "users", (int64_t)model_count(r->model, ENTITY_USER));
	json_add_int(a, counts, "gateways", (int64_t)model_count(r->model, ENTITY_GATEWAY));
	json_add_int(a, counts, "certificates", (int64_t)model_count(r->model, ENTITY_CERTIFICATE));
	json_add_int(a, counts, "revocations", (int64_t)model_count(r->model, ENTITY_REVOCATION));
}

int render_summary(const struct render_job *r)
{
	struct arena *a = r->job->arena;
	struct json *summary = json_object(a), *versions;
	struct buf text;

	json_add_string(a, summary, "commit", r->commit);
	versions = json_add(summary, "versions", json_object(a));
	json_add_string(a, versions, "vpnunit", VPNUNIT_VERSION);
	json_add_int(a, versions, "format", MODEL_FORMAT);
	add_counts(r, summary);
	add_tunnel(r, summary);
	buf_open(&text, a);
	json_print_canonical(&text, summary);
	output_write(r->output, "state.json", text.data, text.len, 0);
	return 0;
}
