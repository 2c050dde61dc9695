/*
 * Which state file a path names: the inverse of path.c.  Every meaning is
 * confirmed by printing it again, so that one file has exactly one path.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model_int.h"

/* "1/f/" -> 1f; the rest of the path behind it, or NULL. */
static const char *scan_user(const struct network *n, const char *s, uint32_t *user)
{
	char hex[9];
	unsigned i, digits = n->user_bits / 4;

	for (i = 0; i < digits; i++) {
		if (!s[0] || (s[1] != '/' && i + 1 < digits))
			return NULL;
		hex[i] = s[0];
		s += i + 1 < digits ? 2 : 1;
	}
	hex[i] = '\0';
	return model_parse_user_id(n, hex, user) ? s : NULL;
}

/* "3" before ".json" or "/". */
static const char *scan_gateway(const struct network *n, const char *s, uint32_t *gateway)
{
	char hex[9];
	size_t len = strcspn(s, "./");

	if (len >= sizeof(hex))
		return NULL;
	memcpy(hex, s, len);
	hex[len] = '\0';
	return model_parse_gateway_id(n, hex, gateway) ? s + len : NULL;
}

static bool scan_number(const char *s, uint32_t *number)
{
	char *end;
	unsigned long v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtoul(s, &end, 10);
	*number = (uint32_t)v;
	return strcmp(end, ".json") == 0 && v < 1000000000;
}

static void read_user_path(const struct network *n, const char *s, struct path_meaning *out)
{
	s = scan_user(n, s, &out->user);
	if (!s)
		return;
	if (strcmp(s, "/user.json") == 0) {
		out->kind = ENTITY_USER;
		out->is_known = true;
	} else if (strncmp(s, "/gateways/", 10) == 0) {
		s = scan_gateway(n, s + 10, &out->gateway);
		out->kind = ENTITY_GATEWAY;
		out->has_gateway = true;
		out->is_known = s && strcmp(s, ".json") == 0;
	}
}

static void read_id_path(const struct network *n, const char *s, struct path_meaning *out)
{
	s = scan_user(n, s, &out->user);
	if (s && s[0] == '/' && strncmp(s, "/released/", 10) != 0) {
		s = scan_gateway(n, s + 1, &out->gateway);
		out->has_gateway = true;
	}
	if (!s)
		return;
	if (strcmp(s, ".json") == 0) {
		out->kind = ENTITY_ID;
		out->is_known = true;
	} else if (strncmp(s, "/released/", 10) == 0) {
		out->kind = ENTITY_RELEASE;
		out->is_known = scan_number(s + 10, &out->number);
	}
}

/* "2026-11/4/f/a/<serial>.json": the month and the digits are checked against the content. */
static void read_serial_path(enum entity_kind kind, const char *s, struct path_meaning *out)
{
	const char *name = strrchr(s, '/');

	out->kind = kind;
	if (!name || strlen(name + 1) != ID128_HEX - 1 + strlen(".json") ||
	    strcmp(name + ID128_HEX, ".json") != 0)
		return;
	memcpy(out->serial.hex, name + 1, ID128_HEX - 1);
	out->is_known = model_is_id128(out->serial.hex);
}

/* "<serial>.json": few, and in one folder. */
static void read_adopted_path(const char *s, struct path_meaning *out)
{
	out->kind = ENTITY_ADOPTION;
	if (strlen(s) != ID128_HEX - 1 + strlen(".json") || strcmp(s + ID128_HEX - 1, ".json") != 0)
		return;
	memcpy(out->serial.hex, s, ID128_HEX - 1);
	out->is_known = model_is_id128(out->serial.hex);
}

/* A file of a folder whose names are people's, or digests: "access/tokens/alice.json". */
static void read_named_path(const char *path, struct path_meaning *out)
{
	static const struct {
		const char *prefix;
		enum entity_kind kind;
	} folders[] = {
		{ "access/tokens/", ENTITY_TOKEN },
		{ "access/signers/", ENTITY_SIGNER },
		{ "ledger/tokens/", ENTITY_TOKEN_REMOVAL },
	};
	size_t i, len = strlen(path);

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strncmp(path, folders[i].prefix, strlen(folders[i].prefix)) != 0)
			continue;
		out->kind = folders[i].kind;
		out->name = path + strlen(folders[i].prefix);
		out->is_known = len > strlen(folders[i].prefix) + 5 && strcmp(path + len - 5, ".json") == 0 &&
		    !strchr(out->name, '/');
		return;
	}
	if (strncmp(path, "access/", 7) == 0)
		*out = (struct path_meaning){ .kind = ENTITY_ACCESS, .is_known = true };
}

struct path_meaning model_read_path(const struct network *n, const char *path)
{
	static const struct {
		const char *prefix;
		enum entity_kind kind;
	} folders[] = {
		{ "ledger/certificates/", ENTITY_CERTIFICATE },
		{ "ledger/superseded/", ENTITY_SUPERSESSION },
		{ "ledger/revocations/", ENTITY_REVOCATION },
	};
	struct path_meaning out = { 0 };
	size_t i;

	if (strcmp(path, "format") == 0)
		return (struct path_meaning){ .kind = ENTITY_FORMAT, .is_known = true };
	if (strcmp(path, "network.json") == 0)
		return (struct path_meaning){ .kind = ENTITY_NETWORK, .is_known = true };
	if (strcmp(path, "servers/main.json") == 0)
		return (struct path_meaning){ .kind = ENTITY_SERVER, .is_known = true };
	if (strcmp(path, "pending.json") == 0)
		return (struct path_meaning){ .kind = ENTITY_PENDING, .is_known = true };
	read_named_path(path, &out);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(path, folders[i].prefix, strlen(folders[i].prefix)) == 0)
			read_serial_path(folders[i].kind, path + strlen(folders[i].prefix), &out);
	if (strncmp(path, "ledger/adopted/", 15) == 0)
		read_adopted_path(path + 15, &out);
	if (n && strncmp(path, "users/", 6) == 0)
		read_user_path(n, path + 6, &out);
	if (n && strncmp(path, "ledger/ids/", 11) == 0)
		read_id_path(n, path + 11, &out);
	return out;
}
