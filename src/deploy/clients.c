/*
 * The table of OpenVPN's connections, as its management socket tells it: the
 * events >CLIENT:ESTABLISHED and >CLIENT:DISCONNECT with their ENV lines, and
 * the answer to `status 3` (as OpenVPN 2.6.14 prints them).  Events name the
 * serial that a connection uses, the status doesn't.  No input or output here;
 * whatever a line says, it only changes this table.
 */
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy_int.h"

enum { CLIENTS_MAX = 1 << 20, STATUS_FIELDS = 13 };

/* Columns of a CLIENT_LIST line. */
enum {
	STATUS_NAME = 1,
	STATUS_REMOTE = 2,
	STATUS_ADDRESS6 = 4,
	STATUS_RECEIVED = 5,
	STATUS_SENT = 6,
	STATUS_SINCE = 8,
	STATUS_ID = 10,
};

bool clients_parse_serial(const char *text, char out[CLIENT_SERIAL])
{
	char digits[CLIENT_SERIAL];
	size_t n = 0;

	for (; *text; text++) {
		if (*text == ':')
			continue;
		if (!strchr("0123456789abcdefABCDEF", *text) || n == CLIENT_SERIAL - 1)
			return false;
		digits[n++] = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
	}
	if (!n)
		return false;
	memset(out, '0', CLIENT_SERIAL - 1);
	memcpy(out + CLIENT_SERIAL - 1 - n, digits, n);
	out[CLIENT_SERIAL - 1] = '\0';
	return true;
}

/* The client with that CID, which is a number of at most ten digits; made when it is new. NULL: not one. */
static struct client *clients_put(struct clients *c, const char *id)
{
	size_t len = strspn(id, "0123456789");
	struct client *v;

	if (!len || len >= CLIENT_ID || id[len])
		return NULL;
	v = map_get(&c->by_id, id);
	if (v || c->by_id.len >= CLIENTS_MAX)
		return v;
	v = mem_zalloc(sizeof(*v));
	memcpy(v->id, id, len);
	v->seen = c->status;
	map_put(&c->by_id, v->id, v);
	return v;
}

static void clients_remove(struct clients *c, struct client *v)
{
	if (c->event == v)
		c->event = NULL;
	map_del(&c->by_id, v->id);
	v->next = c->gone;
	c->gone = v;
}

/* "UNDEF" says that the name isn't known any more; then the one that was learnt before stays. */
static void client_set_name(struct client *v, const char *name)
{
	size_t len = strlen(name);

	if (strcmp(name, "UNDEF") && len < sizeof(v->name))
		memcpy(v->name, name, len + 1);
}

/* Without the port, which is there of IPv4 alone. */
static void client_set_remote(struct client *v, const char *text)
{
	const char *colon = strchr(text, ':');
	size_t len = colon && !strchr(colon + 1, ':') ? (size_t)(colon - text) : strlen(text);

	if (len >= sizeof(v->remote) || strspn(text, "0123456789abcdefABCDEF.:") < len)
		return;
	memcpy(v->remote, text, len);
	v->remote[len] = '\0';
}

/* 0 where it is no number. */
static uint64_t number(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) ? strtoull(text, NULL, 10) : 0;
}

static const char *after(const char *line, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(line, prefix, n) ? NULL : line + n;
}

static void client_env(struct client *v, const char *text)
{
	const char *value;

	if ((value = after(text, "common_name=")))
		client_set_name(v, value);
	else if ((value = after(text, "tls_serial_hex_0=")))
		clients_parse_serial(value, v->serial);
	else if (after(text, "ifconfig_pool_remote_ip6="))
		v->has_address = true;
	else if ((value = after(text, "trusted_ip=")) || (value = after(text, "trusted_ip6=")))
		client_set_remote(v, value);
	else if ((value = after(text, "time_unix=")))
		v->since = (int64_t)number(value);
}

/* The lines behind an event; with the last one it is known who has connected. */
static enum clients_news clients_env(struct clients *c, const char *text)
{
	if (!c->event)
		return CLIENTS_NOTHING;
	if (strcmp(text, "END") != 0) {
		client_env(c->event, text);
		return CLIENTS_NOTHING;
	}
	c->told = *c->event;
	c->event = NULL;
	return CLIENTS_CONNECTED;
}

static void clients_list(struct clients *c, const char *line)
{
	char copy[CLIENT_LINE], *rest = copy, *field[STATUS_FIELDS];
	size_t len = strlen(line);
	struct client *v;

	if (len >= sizeof(copy))
		return;
	memcpy(copy, line, len + 1);
	for (int i = 0; i < STATUS_FIELDS; i++) {
		field[i] = strsep(&rest, "\t");
		if (!field[i])
			return;
	}
	v = clients_put(c, field[STATUS_ID]);
	if (!v)
		return;
	v->seen = c->status;
	v->has_address = *field[STATUS_ADDRESS6];
	v->since = (int64_t)number(field[STATUS_SINCE]);
	v->received = number(field[STATUS_RECEIVED]);
	v->sent = number(field[STATUS_SENT]);
	client_set_remote(v, field[STATUS_REMOTE]);
	client_set_name(v, field[STATUS_NAME]);
}

/* What the last status did not list has gone while we did not listen. */
static void clients_sweep(struct clients *c)
{
	struct client **gone = mem_alloc(c->by_id.len * sizeof(struct client *));
	const struct map_slot *slot;
	size_t it = 0, n = 0;

	while ((slot = map_next(&c->by_id, &it))) {
		struct client *v = slot->value;

		if (v->seen != c->status)
			gone[n++] = v;
	}
	while (n)
		clients_remove(c, gone[--n]);
	free(gone);
}

enum clients_news clients_line(struct clients *c, const char *line)
{
	struct client *v;
	const char *rest;

	if ((rest = after(line, ">CLIENT:ENV,")))
		return clients_env(c, rest);
	if ((rest = after(line, ">CLIENT:ESTABLISHED,"))) {
		c->event = clients_put(c, rest);
	} else if ((rest = after(line, ">CLIENT:DISCONNECT,"))) {
		c->event = NULL;
		if ((v = map_get(&c->by_id, rest)))
			clients_remove(c, v);
	} else if (after(line, ">INFO:")) {
		return CLIENTS_GREETING;
	} else if (after(line, "CLIENT_LIST\t")) {
		clients_list(c, line);
	} else if (!strcmp(line, "END")) {
		clients_sweep(c);
		return CLIENTS_STATUS_END;
	}
	return CLIENTS_NOTHING;
}

void clients_expect_status(struct clients *c)
{
	c->status++;
}

bool clients_take_gone(struct clients *c, struct client *out)
{
	struct client *v = c->gone;

	if (!v)
		return false;
	*out = *v;
	c->gone = v->next;
	free(v);
	return true;
}

void clients_clear(struct clients *c)
{
	const struct map_slot *slot;
	struct client gone;
	size_t it = 0;

	while (clients_take_gone(c, &gone))
		;

	while ((slot = map_next(&c->by_id, &it)))
		free(slot->value);
	map_clear(&c->by_id);
	*c = (struct clients){ .event = NULL };
}

bool clients_is_meant(const struct client *c, const char *serial, const char *name)
{
	/* Past its handshake and without a name: it may be anybody, and may come back if it isn't the one. */
	if (!*c->name)
		return c->has_address;
	if (serial && *c->serial)
		return !strcmp(c->serial, serial);
	return !strcmp(c->name, name);
}
