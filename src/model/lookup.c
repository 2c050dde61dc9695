/* Lookups: one entity by its key, through the layers of forks; the rules of which certificate counts. */
#include <stdlib.h>
#include <string.h>

#include "base/pem.h"
#include "model/model_int.h"

static const char NO_DEVICE[ID128_HEX] = "00000000000000000000000000000000"; /* a CA's */

const struct network *model_network(const struct model *m)
{
	return (const struct network *)model_entity(m, "network.json");
}

const struct server *model_server(const struct model *m)
{
	return (const struct server *)model_entity(m, "servers/main.json");
}

const struct user *model_user(const struct model *m, uint32_t id)
{
	char path[MODEL_PATH_MAX];

	model_user_path(model_network(m), id, path);
	return (const struct user *)model_entity(m, path);
}

const struct gateway *model_gateway(const struct model *m, uint32_t user, uint32_t id)
{
	char path[MODEL_PATH_MAX];

	model_gateway_path(model_network(m), user, id, path);
	return (const struct gateway *)model_entity(m, path);
}

enum lookup_index { BY_USER_NAME, BY_GATEWAY_NAME, BY_SERIAL };

/* A base's answer counts only where no layer above holds something else at its path. */
static const struct entity *find(const struct model *m, enum lookup_index index, const char *key)
{
	const struct map *map = index == BY_USER_NAME ? &m->user_names
	    : index == BY_GATEWAY_NAME                ? &m->gateway_names
						      : &m->serials;
	const struct entity *e = map_get(map, key);

	if (e || !m->base)
		return e;
	e = find(m->base, index, key);
	return e && !model_hides(m, e->path) ? e : NULL;
}

const struct user *model_user_by_name(const struct model *m, const char *name)
{
	return (const struct user *)find(m, BY_USER_NAME, name);
}

const struct gateway *model_gateway_by_name(const struct model *m, const char *name)
{
	return (const struct gateway *)find(m, BY_GATEWAY_NAME, name);
}

const struct certificate *model_certificate(const struct model *m, const char *serial)
{
	return (const struct certificate *)find(m, BY_SERIAL, serial);
}

static const struct entity *ledger_entry(const struct model *m, enum entity_kind kind, const char *serial)
{
	const struct certificate *c = model_certificate(m, serial);
	char path[MODEL_PATH_MAX];

	if (!c)
		return NULL;
	model_ledger_path(kind, serial, c->not_before, path);
	return model_entity(m, path);
}

const struct supersession *model_supersession(const struct model *m, const char *serial)
{
	return (const struct supersession *)ledger_entry(m, ENTITY_SUPERSESSION, serial);
}

const struct revocation *model_revocation(const struct model *m, const char *serial)
{
	return (const struct revocation *)ledger_entry(m, ENTITY_REVOCATION, serial);
}

const struct id_record *model_id(const struct model *m, uint32_t user, int64_t gateway)
{
	char path[MODEL_PATH_MAX];

	model_id_path(model_network(m), user, gateway, path);
	return (const struct id_record *)model_entity(m, path);
}

const struct pending *model_pending(const struct model *m)
{
	return (const struct pending *)model_entity(m, "pending.json");
}

bool model_is_held(const struct model *m, const char *serial)
{
	const struct pending *p = model_pending(m);
	size_t i;

	for (i = 0; p && i < p->holds_n; i++)
		if (strcmp(p->holds[i].serial.hex, serial) == 0)
			return true;
	return false;
}

const struct adoption *model_adoption(const struct model *m, const char *serial)
{
	char path[MODEL_PATH_MAX];

	model_adoption_path(serial, path);
	return (const struct adoption *)model_entity(m, path);
}

/* A certificate may be on hold and revoked since: the revocation counts. */
static const struct revocation *as_revocation(struct arena *a, const struct pending *p, const struct hold *h)
{
	struct revocation *r = arena_alloc(a, sizeof(*r));

	r->serial = h->serial;
	r->at = p->at;
	r->reason = REASON_CERTIFICATE_HOLD;
	r->by = "";
	return r;
}

static const struct revocation *adopted(struct arena *a, const struct adoption *v)
{
	struct revocation *r = arena_alloc(a, sizeof(*r));

	r->serial = v->serial;
	r->at = v->at;
	r->reason = REASON_UNSPECIFIED;
	r->by = v->by;
	return r;
}

size_t model_withdrawn_count(const struct model *m)
{
	const struct pending *p = model_pending(m);
	size_t n = model_count(m, ENTITY_REVOCATION) + model_count(m, ENTITY_ADOPTION), i;

	for (i = 0; p && i < p->holds_n; i++)
		n += !model_revocation(m, p->holds[i].serial.hex);
	return n;
}

const struct revocation **model_withdrawn(struct arena *a, const struct model *m)
{
	const struct revocation **list = arena_alloc(a, (model_withdrawn_count(m) + 1) * sizeof(*list));
	const struct entity **e = model_all(a, m, ENTITY_REVOCATION);
	const struct pending *p = model_pending(m);
	size_t n = 0, i;

	for (; *e; e++)
		list[n++] = (const struct revocation *)*e;
	for (e = model_all(a, m, ENTITY_ADOPTION); *e; e++)
		list[n++] = adopted(a, (const struct adoption *)*e);
	for (i = 0; p && i < p->holds_n; i++)
		if (!model_revocation(m, p->holds[i].serial.hex))
			list[n++] = as_revocation(a, p, &p->holds[i]);
	return list;
}

const struct revocation *model_withdrawal(struct arena *a, const struct model *m, const char *serial)
{
	const struct revocation *r = model_revocation(m, serial);
	const struct adoption *lost = r ? NULL : model_adoption(m, serial);
	const struct pending *p = model_pending(m);
	size_t i;

	if (lost)
		return adopted(a, lost);
	for (i = 0; !r && p && i < p->holds_n; i++)
		if (strcmp(p->holds[i].serial.hex, serial) == 0)
			r = as_revocation(a, p, &p->holds[i]);
	return r;
}

static const struct id_release *release_at(
    const struct model *m, uint32_t user, int64_t gateway, unsigned number)
{
	char path[MODEL_PATH_MAX];

	model_release_path(model_network(m), user, gateway, number, path);
	return (const struct id_release *)model_entity(m, path);
}

unsigned model_releases(const struct model *m, uint32_t user, int64_t gateway)
{
	unsigned n = 0;

	while (release_at(m, user, gateway, n))
		n++;
	return n;
}

const struct id_release *model_last_release(const struct model *m, uint32_t user, int64_t gateway)
{
	unsigned n = model_releases(m, user, gateway);

	return n ? release_at(m, user, gateway, n - 1) : NULL;
}

/* Newest first: by not_before, and by serial within a second. */
static int compare_age(const struct certificate *a, const struct certificate *b)
{
	if (a->not_before != b->not_before)
		return a->not_before > b->not_before ? -1 : 1;
	return -strcmp(a->serial.hex, b->serial.hex);
}

static int by_age(const void *x, const void *y)
{
	const struct certificate *const *a = x, *const *b = y;

	return compare_age(*a, *b);
}

const struct certificate **model_certificates(struct arena *a, const struct model *m, const char *device)
{
	const struct device_certificates *d;
	const struct certificate **list;
	const struct model *layer;
	size_t n = 0, i;

	for (layer = m; layer; layer = layer->base)
		if ((d = map_get(&layer->devices, device)))
			n += d->n;
	list = arena_alloc(a, (n + 1) * sizeof(*list));
	n = 0;
	for (layer = m; layer; layer = layer->base) {
		d = map_get(&layer->devices, device);
		for (i = 0; d && i < d->n; i++)
			if (model_entity(m, d->list[i]->entity.path) == &d->list[i]->entity)
				list[n++] = d->list[i];
	}
	list[n] = NULL;
	qsort(list, n, sizeof(*list), by_age);
	return list;
}

static const struct certificate *newest(const struct model *m, const char *device)
{
	const struct device_certificates *d;
	const struct certificate *best = NULL;
	const struct model *layer;
	size_t i;

	for (layer = m; layer; layer = layer->base) {
		d = map_get(&layer->devices, device);
		for (i = 0; d && i < d->n; i++) {
			const struct certificate *c = d->list[i];

			if (model_entity(m, c->entity.path) == &c->entity &&
			    !model_revocation(m, c->serial.hex) && (!best || compare_age(c, best) < 0))
				best = c;
		}
	}
	return best;
}

const struct certificate *model_current_certificate(const struct model *m, const char *device)
{
	return newest(m, device);
}

const char *model_certificate_pem(struct arena *a, const struct certificate *c)
{
	struct buf text;

	buf_open(&text, a);
	pem_print(&text, "CERTIFICATE", c->der, c->der_len);
	return text.data;
}

const struct certificate *model_ca(const struct model *m)
{
	return newest(m, NO_DEVICE);
}

bool model_is_live(const struct model *m, const struct certificate *c, int64_t t)
{
	const struct supersession *s = model_supersession(m, c->serial.hex);

	return !model_revocation(m, c->serial.hex) && !model_is_held(m, c->serial.hex) &&
	    c->not_before <= t && t < c->not_after && (!s || t < s->until);
}
