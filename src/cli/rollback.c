/* `vpnunit rollback`, `revert` and `batch`: changes of many objects at once; and what waits to be confirmed. */
#include <string.h>

#include "base/fs.h"
#include "cli/cli_int.h"

enum { BATCH_FILE_MAX = 1024 * 1024 };

/* The change, and with --configs what is to be handed out again. */
static int change(struct job *j, const struct arguments *a, const char *path, const struct json *body)
{
	struct mutation m = { .method = "POST", .path = path, .body = body, .tell = plan_print_done };
	int status = cli_change(j, a, &m), fetched = 0;

	if (a->configs && m.answer)
		fetched = cli_fetch_configs(j, a, a->configs, json_get(m.answer, "needs_config"));
	return fetched ? fetched : status;
}

int cli_rollback(struct job *j, struct arguments *a)
{
	struct json *body = json_object(j->arena), *list;
	size_t i;

	json_add_string(j->arena, body, "to", a->rest[0]);
	if (a->include)
		json_add_string(j->arena, json_add(body, "include", json_array(j->arena)), NULL, a->include);
	if (a->only.n) {
		list = json_add(body, "only", json_array(j->arena));
		for (i = 0; i < a->only.n; i++)
			json_add_string(j->arena, list, NULL, a->only.word[i]);
	}
	return change(j, a, "/rollback", body);
}

int cli_revert(struct job *j, struct arguments *a)
{
	return change(j, a, cli_url(j, "/commit/", a->rest[0], "/revert"), NULL);
}

int cli_batch(struct job *j, struct arguments *a)
{
	struct json *parsed;
	struct buf file;

	/* Parsed here for its line and column; what goes out holds no byte that the file had beside them. */
	if (fs_read(j, a->rest[0], BATCH_FILE_MAX, &file) || json_parse(j, file.data, file.len, &parsed))
		return EXIT_REFUSED;
	return change(j, a, "/batch", parsed);
}

int cli_confirm(struct job *j, struct arguments *a)
{
	struct mutation m = {
		.method = "POST", .path = cli_url(j, "/confirm/", a->rest[0], ""), .is_harmless = true
	};

	return cli_change(j, a, &m);
}

int cli_undo(struct job *j, struct arguments *a)
{
	struct mutation m = {
		.method = "DELETE", .path = cli_url(j, "/confirm/", a->rest[0], ""), .tell = plan_print_done
	};

	return cli_change(j, a, &m);
}
