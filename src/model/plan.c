/*
 * Plans: append files and certificates to what a change wants.  Plain data,
 * no decisions.
 */
#include "model/plan.h"

#include <string.h>

static struct plan_file *plan_file_at(struct arena *a, struct plan *p, const char *path)
{
	struct plan_file **at = &p->files;

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = arena_alloc(a, sizeof(**at));
		(*at)->path = arena_strdup(a, path);
	}
	return *at;
}

void plan_write(struct arena *a, struct plan *p, const char *path, const char *data, size_t len)
{
	struct plan_file *f = plan_file_at(a, p, path);

	f->data = data;
	f->len = len;
}

void plan_delete(struct arena *a, struct plan *p, const char *path)
{
	struct plan_file *f = plan_file_at(a, p, path);

	f->data = NULL;
	f->len = 0;
}

void plan_trailer(struct arena *a, struct plan *p, const char *key, const char *value)
{
	struct plan_trailer **at = &p->trailers;

	while (*at)
		at = &(*at)->next;
	*at = arena_alloc(a, sizeof(**at));
	(*at)->key = key;
	(*at)->value = value;
}

struct plan_issue *plan_issue(struct arena *a, struct plan *p, enum certificate_kind kind)
{
	struct plan_issue **at = &p->issues;

	while (*at)
		at = &(*at)->next;
	*at = arena_alloc(a, sizeof(**at));
	(*at)->kind = kind;
	return *at;
}
