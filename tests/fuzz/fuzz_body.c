/*
 * Bodies of requests, all the way to their plan: each line is a letter for the operation, a name and
 * JSON, and is done on top of those before it, as in a batch.  What is planned leaves a whole state.
 */
#include <ftw.h>
#include <unistd.h>

#include "api/api_int.h"
#include "golden.h"

static struct api api;
static char folder[] = "/tmp/vpnunit-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void stop(void)
{
	query_close(api.query);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The parser of `allow` asks the read model for the network: a real one. */
static void start(void)
{
	const char *endpoints[] = { "vpn.example.org:1194" };
	struct flow_init in = { .prefix = "2001:db8::/48", .endpoints = endpoints, .endpoints_n = 1 };
	struct flow_options o = { .hooks = false };
	struct job j;

	if (api.query)
		return;
	job_open(&j);
	fuzz_require(mkdtemp(folder) != NULL, "a folder");
	o.data = arena_printf(j.arena, "%s/data", folder);
	state_start();
	fuzz_done(&j, flow_initialise(&j, &o, &in));
	fuzz_done(&j, flow_render_offline(&j, &o, NULL, true, NULL) || query_open(&j, o.data, &api.query));
	atexit(stop);
	job_close(&j);
}

static const struct operation {
	char letter;
	enum change_kind kind;
	parse_change *parse;
	bool is_new;
} operations[] = {
	{ 'u', CHANGE_USER_CREATE, parse_user_create, true },
	{ 'U', CHANGE_USER_PATCH, parse_user_patch, false },
	{ 'g', CHANGE_GATEWAY_CREATE, parse_gateway_create, true },
	{ 'G', CHANGE_GATEWAY_PATCH, parse_gateway_patch, false },
	{ 'r', CHANGE_GATEWAY_RENEW, parse_renew, false },
	{ 'd', CHANGE_USER_DELETE, NULL, false },
	{ 'D', CHANGE_GATEWAY_DELETE, NULL, false },
};

static bool is_name(const struct operation *o, const char *name)
{
	return o->is_new ||
	    (strchr("Ud", o->letter) ? model_is_user_name(name) : model_is_gateway_name(name));
}

/* From its JSON to a change; false: refused. */
static bool parse(struct http_request *req, const struct operation *o, const char *json, struct change *ch)
{
	struct job *j = req->job;
	struct json *body;

	if (json_parse(j, json, strlen(json), &body) || json_want_object(j, body))
		return false;
	return o->parse ? o->parse(req, body, ch) == 0
			: json_want_bool(j, body, "cascade", false, &ch->cascade) == 0;
}

static void apply(struct job *j, struct model *m, const struct plan *plan)
{
	const struct plan_file *f;

	for (f = plan->files; f; f = f->next)
		fuzz_done(
		    j, f->data ? model_put(j, m, f->path, f->data, f->len) : model_remove(j, m, f->path));
	fuzz_done(j, model_check(j, m));
}

static void do_line(struct job *j, struct model *m, struct fuzz_input *in)
{
	struct change ch = { .actor = "fuzz", .request_id = "", .reason = "", .now = FUZZ_NOW };
	struct http_request req = { .job = j, .context = &api };
	const char *line = fuzz_take(j, in, '\n'), *json = strchr(line, ' ');
	const struct operation *o = operations;
	struct plan *plan;

	while (*line && o < operations + sizeof(operations) / sizeof(*operations) && o->letter != *line)
		o++;
	if (!json || o == operations + sizeof(operations) / sizeof(*operations))
		return;
	ch.kind = o->kind;
	ch.name = arena_strndup(j->arena, line + 1, (size_t)(json - line - 1));
	snprintf(ch.device.hex, sizeof(ch.device.hex), "%032zx", in->left);
	if (is_name(o, ch.name) && parse(&req, o, json, &ch) && change_plan(j, m, &ch, &plan) == 0)
		apply(j, m, plan);
	fuzz_require(
	    j->error == 0 || j->error == E_INVALID || j->error == E_CONFLICT || j->error == E_NOT_FOUND,
	    "a request cannot break anything");
	job_clear(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { (const char *)data, size };
	struct model *m = model_fork(golden_model());
	struct job j;

	start();
	fuzz_open(&j);
	while (in.left)
		do_line(&j, m, &in);
	model_close(m);
	job_close(&j);
	return 0;
}
