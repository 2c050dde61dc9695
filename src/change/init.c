/* The first commit: layout version, settings, the CA and the server's certificate. */
#include <string.h>

#include "change/change_int.h"

static const int64_t CA_VALIDITY = 3653 * (int64_t)86400; /* ten years */

static void write_buf(struct job *j, struct plan *p, const char *path, const struct buf *b)
{
	plan_write(j->arena, p, path, b->data, b->len);
}

static void issue_first(struct job *j, struct plan *p, const struct change_init *in)
{
	struct plan_issue *i = plan_issue(j->arena, p, CERTIFICATE_CA);

	memset(i->device.hex, '0', ID128_HEX - 1);
	i->name = arena_printf(j->arena, "%s CA G1", in->network.name);
	i->not_before = in->now - BACKDATED;
	i->not_after = in->now + CA_VALIDITY;
	i = plan_issue(j->arena, p, CERTIFICATE_SERVER);
	i->device = in->server.device;
	i->name = in->server.name;
	i->not_before = in->now - BACKDATED;
	i->not_after = in->now + in->network.policy.server_validity;
}

int change_plan_init(struct job *j, const struct change_init *in, struct plan **plan)
{
	struct plan *p = arena_alloc(j->arena, sizeof(*p));
	const char *format = arena_printf(j->arena, "%d\n", MODEL_FORMAT);
	char prefix[IP_TEXT];
	struct buf network, server;

	buf_open(&network, j->arena);
	buf_open(&server, j->arena);
	model_encode_network(&network, &in->network);
	model_encode_server(&server, &in->server);
	plan_write(j->arena, p, "format", format, strlen(format));
	write_buf(j, p, "network.json", &network);
	write_buf(j, p, "servers/main.json", &server);
	issue_first(j, p, in);
	p->change = "init";
	p->subject = arena_printf(j->arena, "network %s: begin, %s", in->network.name,
	    ip_print_prefix(&in->network.prefix, prefix));
	p->actor = in->actor;
	p->request_id = p->reason = "";
	p->time = in->now;
	*plan = p;
	return 0;
}
