/* `vpnunit check OLD NEW`: may this commit follow that one?  As a push would be judged, changing nothing. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/cli_int.h"

/* A clone to work in has its repository in .git. */
static const char *find_repository(struct job *j, const struct arguments *a)
{
	const char *bare = cli_path(j, a, "state.git"), *clone = cli_path(j, a, ".git");

	return !fs_exists(bare) && fs_exists(clone) ? clone : bare;
}

static bool is_oid(const char *s)
{
	return strlen(s) == OID_HEX - 1 && strspn(s, "0123456789abcdef") == OID_HEX - 1;
}

int cli_check(struct job *j, struct arguments *a)
{
	const struct job_detail *d;

	if (!is_oid(a->rest[0]) || !is_oid(a->rest[1]))
		return cli_usage(j,
			   "`check` takes two commits, OLD and NEW, with all their digits (`git rev-parse` "
			   "prints them)"),
		       EXIT_USAGE;
	if (flow_check_offline(j, find_repository(j, a), a->rest[0], a->rest[1]) == 0)
		return 0;
	for (d = j->fields; d && d->next; d = d->next) /* the caller tells the first one */
		fprintf(stderr, "vpnunit: %s: %s\n", d->next->field, d->next->text);
	return EXIT_REFUSED;
}
