/*
 * The address plan and the paths of state files: a path is an address.  Ids
 * are split one hex digit a folder, so that folders stay small at any size.
 */
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "model/model.h"

static const char HEX_DIGITS[] = "0123456789abcdef";

static void print_id(uint32_t id, unsigned bits, char out[9])
{
	snprintf(out, 9, "%0*x", (int)(bits / 4), id);
}

static bool parse_id(const char *s, unsigned bits, uint32_t *id)
{
	uint32_t value = 0;

	if (strlen(s) != bits / 4)
		return false;
	for (; *s; s++) {
		const char *digit = strchr(HEX_DIGITS, *s);

		if (!digit)
			return false;
		value = value << 4 | (uint32_t)(digit - HEX_DIGITS);
	}
	*id = value;
	return true;
}

void model_print_user_id(const struct network *n, uint32_t id, char out[9])
{
	print_id(id, n->user_bits, out);
}

void model_print_gateway_id(const struct network *n, uint32_t id, char out[9])
{
	print_id(id, n->gateway_bits, out);
}

bool model_parse_user_id(const struct network *n, const char *s, uint32_t *id)
{
	return parse_id(s, n->user_bits, id);
}

bool model_parse_gateway_id(const struct network *n, const char *s, uint32_t *id)
{
	return parse_id(s, n->gateway_bits, id);
}

static bool is_listed(const uint32_t *list, size_t n, uint32_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

bool model_is_never_given(const struct network *n, uint32_t user)
{
	return is_listed(n->never, n->never_n, user);
}

bool model_is_on_request(const struct network *n, uint32_t user)
{
	return is_listed(n->on_request, n->on_request_n, user);
}

struct ip_prefix model_user_prefix(const struct network *n, uint32_t user)
{
	return ip_extend(&n->prefix, n->user_bits, user);
}

struct ip_prefix model_gateway_prefix(const struct network *n, uint32_t user, uint32_t gateway)
{
	struct ip_prefix p = model_user_prefix(n, user);

	return ip_extend(&p, n->gateway_bits, gateway);
}

struct in6_addr model_gateway_address(const struct network *n, uint32_t user, uint32_t gateway)
{
	struct ip_prefix p = model_gateway_prefix(n, user, gateway);

	return ip_host(&p, 1);
}

struct in6_addr model_server_address(const struct network *n)
{
	return ip_host(&n->prefix, 1);
}

/* "1/f" for 1f. */
static void split_digits(const struct network *n, uint32_t user, char out[24])
{
	char hex[9];
	size_t i, len;

	model_print_user_id(n, user, hex);
	len = strlen(hex);
	for (i = 0; i < len; i++) {
		out[2 * i] = hex[i];
		out[2 * i + 1] = i + 1 < len ? '/' : '\0';
	}
}

void model_user_path(const struct network *n, uint32_t user, char *out)
{
	char digits[24];

	split_digits(n, user, digits);
	snprintf(out, MODEL_PATH_MAX, "users/%s/user.json", digits);
}

void model_gateway_path(const struct network *n, uint32_t user, uint32_t gateway, char *out)
{
	char digits[24], id[9];

	split_digits(n, user, digits);
	model_print_gateway_id(n, gateway, id);
	snprintf(out, MODEL_PATH_MAX, "users/%s/gateways/%s.json", digits, id);
}

static void id_stem(const struct network *n, uint32_t user, int64_t gateway, char *out)
{
	char digits[24], id[9] = "";

	split_digits(n, user, digits);
	if (gateway >= 0)
		model_print_gateway_id(n, (uint32_t)gateway, id);
	snprintf(out, MODEL_PATH_MAX / 2, "ledger/ids/%s%s%s", digits, *id ? "/" : "", id);
}

void model_id_path(const struct network *n, uint32_t user, int64_t gateway, char *out)
{
	char stem[MODEL_PATH_MAX / 2];

	id_stem(n, user, gateway, stem);
	snprintf(out, MODEL_PATH_MAX, "%s.json", stem);
}

void model_release_path(const struct network *n, uint32_t user, int64_t gateway, unsigned number, char *out)
{
	char stem[MODEL_PATH_MAX / 2];

	id_stem(n, user, gateway, stem);
	snprintf(out, MODEL_PATH_MAX, "%s/released/%u.json", stem, number);
}

void model_adoption_path(const char *serial, char *out)
{
	snprintf(out, MODEL_PATH_MAX, "ledger/adopted/%s.json", serial);
}

void model_ledger_path(enum entity_kind kind, const char *serial, int64_t not_before, char *out)
{
	const char *folder = kind == ENTITY_CERTIFICATE ? "certificates"
	    : kind == ENTITY_SUPERSESSION               ? "superseded"
							: "revocations";
	char month[TIME_TEXT];

	time_print(not_before, month);
	/* A serial's first byte has fixed bits: the fan-out begins at its second one. */
	snprintf(out, MODEL_PATH_MAX, "ledger/%s/%.7s/%c/%c/%c/%s.json", folder, month, serial[2], serial[3],
	    serial[4], serial);
}
