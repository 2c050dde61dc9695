/*
 * What ends soon: certificates of gateways, of the CA and of the server, 30, 7
 * and 1 days before their end.  All that is remembered is up to which moment it
 * has been told; what is due since is told by the nearest of the three alone.
 */
#include "base/json.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { DAY = 86400, LOOK_EVERY = 3600, NOTICES = 3 };

static const int DAYS[NOTICES] = { 1, 7, 30 };

struct look {
	struct job *j;
	int64_t now, next; /* next: when something is due again */
	bool has_hook;
	int64_t told; /* to the hook */
	int64_t heard; /* by listeners */
	struct json *for_hook, *for_listeners;
};

/* Of a certificate that lives shorter than a notice, that notice is never due. */
static bool is_moment(const struct certificate *c, int days, int64_t *at)
{
	*at = c->not_after - (int64_t)days * DAY;
	return *at > c->not_before + BACKDATED;
}

/* The nearest notice that became due after a moment; 0: none did, or it is too late. */
static int days_due(const struct certificate *c, int64_t after, int64_t now)
{
	int64_t at;
	size_t i;

	for (i = 0; i < NOTICES && c->not_after > now; i++)
		if (is_moment(c, DAYS[i], &at) && at > after && at <= now)
			return DAYS[i];
	return 0;
}

static void add_end(
    struct look *l, struct json *list, const struct certificate *c, const char *user, int days)
{
	struct json *o = json_add(list, NULL, json_object(l->j->arena));
	char text[TIME_TEXT];

	json_add_string(l->j->arena, o, "kind", model_kind_word(c->kind));
	json_add_string(l->j->arena, o, "name", c->name);
	json_add_string(l->j->arena, o, "user", user);
	json_add_string(l->j->arena, o, "serial", c->serial.hex);
	json_add_string(l->j->arena, o, "not_after", time_print(c->not_after, text));
	json_add_int(l->j->arena, o, "days", days);
}

static void look_at(struct look *l, const struct certificate *c, const char *user)
{
	int64_t at;
	int days;
	size_t i;

	if (!c)
		return;
	for (i = 0; i < NOTICES; i++)
		if (is_moment(c, DAYS[i], &at) && at > l->now && at < l->next)
			l->next = at;
	if (l->has_hook && (days = days_due(c, l->told, l->now)))
		add_end(l, l->for_hook, c, user, days);
	if ((days = days_due(c, l->heard, l->now)))
		add_end(l, l->for_listeners, c, user, days);
}

static void look_at_all(struct look *l, const struct model *m)
{
	const struct entity **e;

	look_at(l, model_ca(m), NULL);
	look_at(l, model_current_certificate(m, model_server(m)->device.hex), NULL);
	for (e = model_all(l->j->arena, m, ENTITY_GATEWAY); *e; e++) {
		const struct gateway *g = (const struct gateway *)*e;
		const struct user *u = model_user(m, g->user);

		look_at(l, model_current_certificate(m, g->device.hex), u ? u->name : NULL);
	}
}

static void tell(struct flow *f, const struct look *l)
{
	const struct json *end;
	struct buf text;

	for (end = l->for_listeners->child; end; end = end->next) {
		buf_open(&text, l->j->arena);
		json_print_compact(&text, end);
		feed_put(f->feed, "expiry", text.data);
	}
	if (!l->for_hook->child)
		return;
	buf_open(&text, l->j->arena);
	json_print_compact(&text, l->for_hook);
	deploy_tell(f->deploy, f->head.hex, text.data, l->now);
}

void flow_tell_ends(struct flow *f, int64_t now)
{
	struct look l = { .now = now, .next = now + LOOK_EVERY };
	struct job j;

	if (now < f->next_ends && f->next_ends <= now + LOOK_EVERY) /* else the clock stepped back */
		return;
	job_open(&j);
	l.j = &j;
	l.for_hook = json_array(j.arena);
	l.for_listeners = json_array(j.arena);
	l.has_hook = deploy_told(&j, f->deploy, &l.told);
	if (l.told > now + DAY)
		l.told = now; /* it stepped back, by much: better twice than never */
	l.heard = f->heard_ends && f->heard_ends < now ? f->heard_ends : now;
	look_at_all(&l, f->model);
	tell(f, &l);
	f->heard_ends = now;
	f->next_ends = l.next;
	job_close(&j);
}
