/*
 * `vpnunit restore --accept-loss`: an older state takes over, and what the
 * last database still tells about the newer one is told to people.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"
#include "query/query.h"

enum { TOLD_MAX = 100 };

struct memory { /* what a database says; empty where there is none to read */
	struct query_users users;
	struct query_gateways gateways;
	struct query_log log;
};

static int recall(struct job *j, const struct arguments *a, struct memory *out)
{
	const struct query_log_filter newest = { .limit = TOLD_MAX };
	const struct query_gateway_filter all = { .user = NULL };
	const struct query_page page = { .limit = 0 };
	struct query *q = NULL;

	*out = (struct memory){ .log = { .n = 0 } };
	if (query_open(j, a->data, &q) == 0 && query_users(j, q, &page, &out->users) == 0 &&
	    query_gateways(j, q, &all, &page, &out->gateways) == 0)
		query_log(j, q, &newest, &out->log);
	query_close(q);
	if (!j->error)
		return 0;
	printf("The database tells not all of what is lost: %s\n", j->message);
	job_clear(j);
	return 0;
}

static const char *const *list_serials(struct job *j, const struct memory *m)
{
	size_t n = 0, i, k;
	const char **list;

	for (i = 0; i < m->gateways.n; i++)
		n += m->gateways.rows[i].certificates_n;
	list = arena_alloc(j->arena, (n + 1) * sizeof(*list));
	for (n = i = 0; i < m->gateways.n; i++)
		for (k = 0; k < m->gateways.rows[i].certificates_n; k++)
			list[n++] = m->gateways.rows[i].certificates[k].serial;
	return list;
}

static const struct query_user *find_user(const struct memory *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->users.n; i++)
		if (strcmp(m->users.rows[i].name, name) == 0)
			return &m->users.rows[i];
	return NULL;
}

static const struct query_gateway *find_gateway(const struct memory *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->gateways.n; i++)
		if (strcmp(m->gateways.rows[i].name, name) == 0)
			return &m->gateways.rows[i];
	return NULL;
}

/* On one side only, or with another address or another blob. */
static void tell_users(const struct memory *lost, const struct memory *now)
{
	const struct query_user *other;
	size_t i;

	for (i = 0; i < lost->users.n; i++) {
		const struct query_user *u = &lost->users.rows[i];

		other = find_user(now, u->name);
		if (!other || strcmp(other->blob, u->blob) != 0)
			printf("user %s, %s: %s\n", u->name, u->prefix,
			    other ? "as before its last changes" : "lost");
	}
	for (i = 0; i < now->users.n; i++)
		if (lost->users.commit && !find_user(lost, now->users.rows[i].name))
			printf("user %s, %s: was deleted or renamed, and is back\n", now->users.rows[i].name,
			    now->users.rows[i].prefix);
}

static void tell_gateways(const struct memory *lost, const struct memory *now)
{
	const struct query_gateway *other;
	size_t i;

	for (i = 0; i < lost->gateways.n; i++) {
		const struct query_gateway *g = &lost->gateways.rows[i];

		other = find_gateway(now, g->name);
		if (!other || strcmp(other->blob, g->blob) != 0)
			printf("gateway %s, %s: %s\n", g->name, g->prefix,
			    other ? "as before its last changes" : "lost");
	}
	for (i = 0; i < now->gateways.n; i++) {
		const struct query_gateway *g = &now->gateways.rows[i];

		if (lost->gateways.commit && !find_gateway(lost, g->name))
			printf("gateway %s, %s: was deleted or renamed, and is back\n", g->name, g->prefix);
		if (!g->certificates_n)
			printf("gateway %s: has no certificate: renew it, or delete it\n", g->name);
	}
}

/* Newest first, until one that the older state has too. */
static int tell_commits(struct job *j, const struct arguments *a, const struct memory *lost)
{
	struct state *s = NULL;
	struct oid head, id;
	size_t i;

	if (state_open(j, cli_path(j, a, "state.git"), &s) || state_head(j, s, &head))
		goto out;
	for (i = 0; i < lost->log.n; i++) {
		const struct query_entry *e = &lost->log.rows[i];
		bool is_here = false;

		memcpy(id.hex, e->commit, OID_HEX);
		if (state_is_commit(s, &id) && state_is_ancestor(j, s, &id, &head, &is_here))
			goto out;
		if (is_here)
			break;
		printf("commit %.12s by %s: lost: %s\n", e->commit, e->actor, e->subject);
	}
	if (i == TOLD_MAX)
		printf("(and the commits before those)\n");
out:
	state_close(s);
	return j->error;
}

static int tell(
    struct job *j, const struct arguments *a, const struct memory *lost, const struct flow_restored *r)
{
	const char **serial;
	struct memory now;

	printf("%s\n\nThe state is %.12s now.\n", r->why, r->commit.hex);
	for (serial = r->revoked; *serial; serial++)
		printf("certificate %s: revoked for good\n", *serial);
	if (tell_commits(j, a, lost) || recall(j, a, &now))
		return j->error;
	tell_users(lost, &now);
	tell_gateways(lost, &now);
	printf(
	    "What came after the last rendering of the newer state, nobody can tell: who got an address then may "
	    "find another one there.\n");
	return 0;
}

int cli_restore(struct job *j, struct arguments *a)
{
	struct flow_options o = cli_flow_options(a);
	struct flow_restored restored;
	struct memory lost;

	if (!a->accept_loss)
		return cli_usage(j,
			   "restore takes over a state that is older than what was running here, for good: it "
			   "needs --accept-loss"),
		       EXIT_USAGE;
	if (recall(j, a, &lost) || flow_restore(j, &o, list_serials(j, &lost), &restored))
		return EXIT_REFUSED;
	cli_tell_warnings(j);
	return tell(j, a, &lost, &restored) ? EXIT_REFUSED : 0;
}
