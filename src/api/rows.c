/*
 * What query reads from the database, out of a model: a past commit's, or the
 * one in memory.  Nothing of a row is the model's own.
 */
#include "api/api_int.h"

void rows_user(struct job *j, const struct model *m, const struct user *u, struct query_user *row)
{
	const struct network *n = model_network(m);
	struct ip_prefix prefix = model_user_prefix(n, u->id);
	uint32_t id;
	char hex[9];

	model_print_user_id(n, u->id, hex);
	*row = (struct query_user){ .name = arena_strdup(j->arena, u->name),
		.id = arena_strdup(j->arena, hex),
		.blob = arena_strdup(j->arena, u->entity.blob),
		.prefix = ip_print_prefix(&prefix, arena_alloc(j->arena, IP_TEXT)),
		.enabled = u->enabled,
		.created = u->created };
	for (id = 0; id < 1u << n->gateway_bits; id++)
		row->gateways += model_gateway(m, u->id, id) != NULL;
}

/* What it could use at that time: neither revoked nor over. */
static void fill_certificates(
    struct job *j, const struct model *m, int64_t at, const char *device, struct query_gateway *row)
{
	const struct certificate **c = model_certificates(j->arena, m, device);
	size_t n = 0;

	while (c[n])
		n++;
	row->certificates = arena_alloc(j->arena, (n + 1) * sizeof(*row->certificates));
	for (; *c; c++) {
		const struct supersession *end = model_supersession(m, (*c)->serial.hex);

		if ((*c)->not_after > at && !model_withdrawal(j->arena, m, (*c)->serial.hex))
			row->certificates[row->certificates_n++] = (struct query_certificate){
				.serial = arena_strdup(j->arena, (*c)->serial.hex),
				.not_before = (*c)->not_before,
				.not_after = (*c)->not_after,
				.until = end ? end->until : 0
			};
	}
}

/* NOLINTNEXTLINE(readability-function-size): a row has many columns */
void rows_gateway(
    struct job *j, const struct model *m, int64_t at, const struct gateway *g, struct query_gateway *row)
{
	const struct network *n = model_network(m);
	const struct user *u = model_user(m, g->user);
	struct ip_prefix prefix = model_gateway_prefix(n, g->user, g->id);
	struct in6_addr own = model_gateway_address(n, g->user, g->id);
	struct buf allow;
	char hex[9];

	model_print_gateway_id(n, g->id, hex);
	buf_open(&allow, j->arena);
	json_print_compact(&allow, model_allow_json(j->arena, g->allow, g->allow_n));
	*row = (struct query_gateway){ .name = arena_strdup(j->arena, g->name),
		.user = u ? arena_strdup(j->arena, u->name) : NULL,
		.blob = arena_strdup(j->arena, g->entity.blob),
		.id = arena_strdup(j->arena, hex),
		.prefix = ip_print_prefix(&prefix, arena_alloc(j->arena, IP_TEXT)),
		.address = ip_print_addr(&own, arena_alloc(j->arena, IP_TEXT)),
		.enabled = g->enabled,
		.inbound = model_inbound_word(g->inbound),
		.routes = model_routes_word(g->routes),
		.allow = allow.data,
		.created = g->created };
	fill_certificates(j, m, at, g->device.hex, row);
}
