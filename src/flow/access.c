/* Reads of access/ for other threads: off the writer's model, copied while it stands still. */
#include <stdlib.h>
#include <string.h>

#include "flow/flow_int.h"

static void copy_token(struct job *j, const struct model *m, const struct token *t, struct flow_token *out)
{
	const struct user *u = model_token_user(m, t);
	const char *user = u ? u->name : t->user_name;

	*out = (struct flow_token){ .name = arena_strdup(j->arena, t->name),
		.digest = arena_strdup(j->arena, t->digest),
		.role = t->role,
		.created = t->created,
		.expires = t->expires,
		.has_user = t->has_user,
		.prefix = model_user_prefix(model_network(m), t->user),
		.user = t->has_user ? arena_strdup(j->arena, user) : NULL,
		.gateway = t->has_gateway ? arena_strdup(j->arena, t->gateway_name) : NULL,
		.stands = model_token_stands(m, t) };
}

int flow_find_token(struct job *j, struct flow *f, const char *digest, struct flow_token *out)
{
	const struct token *t;

	pthread_rwlock_rdlock(&f->model_lock);
	t = model_find_token(j, f->model, digest);
	if (t)
		copy_token(j, f->model, t, out);
	pthread_rwlock_unlock(&f->model_lock);
	return t ? 0 : job_fail(j, E_NOT_FOUND, "not_found", "there is no such token");
}

static int by_name(const void *x, const void *y)
{
	const struct flow_token *a = x, *b = y;

	return strcmp(a->name, b->name);
}

void flow_list_tokens(struct job *j, struct flow *f, const struct flow_token **out, size_t *n)
{
	const struct entity **e;
	struct flow_token *list;

	pthread_rwlock_rdlock(&f->model_lock);
	e = model_all(j->arena, f->model, ENTITY_TOKEN);
	list = arena_alloc(j->arena, (model_count(f->model, ENTITY_TOKEN) + 1) * sizeof(*list));
	for (*n = 0; *e; e++)
		copy_token(j, f->model, (const struct token *)*e, &list[(*n)++]);
	pthread_rwlock_unlock(&f->model_lock);
	qsort(list, *n, sizeof(*list), by_name);
	*out = list;
}

void flow_list_signers(struct job *j, struct flow *f, const struct flow_signer **out, size_t *n)
{
	struct flow_signer *list;
	const struct entity **e;

	pthread_rwlock_rdlock(&f->model_lock);
	e = model_all(j->arena, f->model, ENTITY_SIGNER);
	list = arena_alloc(j->arena, (model_count(f->model, ENTITY_SIGNER) + 1) * sizeof(*list));
	for (*n = 0; *e; e++) {
		const struct signer *s = (const struct signer *)*e;

		list[(*n)++] = (struct flow_signer){ arena_strdup(j->arena, s->name),
			arena_strdup(j->arena, s->key) };
	}
	pthread_rwlock_unlock(&f->model_lock);
	*out = list;
}
