/*
 * Connections to end.  A cut is done twice: at once, and after the hand-window,
 * since a client in the middle of its handshake was checked against the CRL of
 * before.  Each time the table has to be fresh.
 */
#include <stdlib.h>

#include "base/log.h"
#include "deploy/deploy_int.h"

enum { HAND_WINDOW_MS = 60000 };

struct cut {
	char *serial, *name; /* serial NULL: every connection of the name */
	bool is_done; /* once; the second time is due */
	int64_t due;
	struct cut *next;
};

static void cut_free(struct cut *c)
{
	free(c->serial);
	free(c->name);
	free(c);
}

void cuts_add(struct cut **list, const struct deploy_cut *cut, int64_t now)
{
	struct cut *c = mem_zalloc(sizeof(*c));

	c->serial = cut->serial ? mem_strdup(cut->serial) : NULL;
	c->name = mem_strdup(cut->name);
	c->due = now;
	c->next = *list;
	*list = c;
}

void cuts_clear(struct cut **list)
{
	struct cut *c;

	while ((c = *list)) {
		*list = c->next;
		cut_free(c);
	}
}

bool cuts_are_settled(const struct cut *list)
{
	while (list && list->is_done)
		list = list->next;
	return !list;
}

int64_t cuts_next(const struct cut *list)
{
	int64_t next = INT64_MAX;

	for (; list; list = list->next)
		if (list->due < next)
			next = list->due;
	return next;
}

/* End what this cut means, and note when to look again; true when it is over. */
static bool cut_execute(struct cut *c, const struct clients *clients, struct wire *w, int64_t now)
{
	const struct map_slot *slot;
	size_t it = 0;

	while ((slot = map_next(&clients->by_id, &it))) {
		const struct client *v = slot->value;

		if (!clients_is_meant(v, c->serial, c->name))
			continue;
		log_line(LOG_LEVEL_INFO, "openvpn: ending connection %s of %s, serial %s", v->id,
		    *v->name ? v->name : "nobody known", *v->serial ? v->serial : "unknown");
		wire_send(w, "client-kill ");
		wire_send(w, v->id);
		wire_send(w, "\n");
	}
	if (c->is_done)
		return true;
	c->is_done = true;
	c->due = now + HAND_WINDOW_MS;
	return false;
}

void cuts_execute(struct cut **list, const struct clients *clients, struct wire *w, int64_t now)
{
	struct cut *c;

	while ((c = *list)) {
		if (c->due > now || !cut_execute(c, clients, w, now)) {
			list = &c->next;
			continue;
		}
		*list = c->next;
		cut_free(c);
	}
}
