/*
 * What all mutations have in common: who and why, If-Match, the way through
 * the writer, and the answer that says whether it has been deployed.
 */
#include <stdlib.h>
#include <string.h>

#include "api/api_int.h"
#include "base/digest.h"
#include "base/ip.h"
#include "base/time.h"

enum { KEY_MAX = 255 }; /* of an Idempotency-Key */

/*
 * Idempotency-Key: who asked with which key, and for what, as digests, since a key may be a secret of the
 * client's.  The query says only why and whether, so that it is no part of the request.
 */
static int parse_key(struct http_request *req, struct change *ch)
{
	static const char name[] = "Idempotency-Key";
	const char *key = http_header(req, name), *p;
	char whose[DIGEST_HEX], what[DIGEST_HEX];
	struct buf b;

	if (!key || strcmp(req->method, "POST") != 0)
		return 0;
	for (p = key; *p > 0x20 && *p < 0x7f; p++)
		;
	if (p == key || *p || p - key > KEY_MAX)
		return job_fail_field(
		    req->job, name, "has to be 1 to %d printable characters without blanks", KEY_MAX);
	buf_open(&b, req->job->arena);
	buf_printf(&b, "%s%c%s", ch->actor, 0, key);
	digest_sha256_hex(b.data, b.len, whose);
	buf_open(&b, req->job->arena);
	buf_printf(&b, "%s%c%s%c", req->method, 0, req->path, 0);
	if (req->body)
		json_print_compact(&b, req->body);
	digest_sha256_hex(b.data, b.len, what);
	ch->idempotency = arena_printf(req->job->arena, "%s %s", whose, what);
	return 0;
}

/* Confirm-Within: 30 seconds to a day, for what can wait. */
static int parse_confirm_within(struct http_request *req, struct change *ch)
{
	static const char name[] = "Confirm-Within";
	const char *text = http_header(req, name);

	if (!text)
		return 0;
	if (!*text || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return job_fail_field(req->job, name, "has to be a number of seconds from 30 to 86400");
	ch->confirm_within = strtol(text, NULL, 10);
	if (ch->confirm_within < 30 || ch->confirm_within > 86400)
		return job_fail_field(req->job, name, "has to be a number of seconds from 30 to 86400");
	if (ch->kind == CHANGE_CONFIRM || ch->kind == CHANGE_UNDO)
		return job_fail_field(req->job, name, "a confirmation is final");
	return 0;
}

int mutate_open(struct http_request *req, enum change_kind kind, struct change *ch)
{
	const struct caller *caller = req->caller; /* NULL on a public route */
	unsigned char device[(ID128_HEX - 1) / 2];

	memset(ch, 0, sizeof(*ch));
	ch->kind = kind;
	ch->actor = req->job->actor;
	ch->token = caller ? caller->token : NULL;
	ch->request_id = req->job->request_id;
	ch->now = req->job->now;
	if (kind == CHANGE_GATEWAY_CREATE) {
		digest_random(device, sizeof(device));
		digest_hex(device, sizeof(device), ch->device.hex);
	}
	if (parse_key(req, ch) || parse_confirm_within(req, ch))
		return req->job->error;
	return parse_reason(req, ch);
}

/*
 * The state path whose last commit explains what is new in an object: its file;
 * or, where the client knows that one, its newest certificate, or all that is a user's.
 */
static void explain_path(
    const struct network *n, const struct object *o, const struct ip_prefix *place, bool has_file, char *path)
{
	uint32_t user = (uint32_t)ip_slice(&place->addr, n->prefix.len, n->user_bits);

	if (o->is_gateway && has_file && o->newest) {
		model_ledger_path(ENTITY_CERTIFICATE, o->newest->serial, o->newest->not_before, path);
	} else if (o->is_gateway) {
		model_gateway_path(n, user,
		    (uint32_t)ip_slice(&place->addr, n->prefix.len + n->user_bits, n->gateway_bits), path);
	} else {
		model_user_path(n, user, path);
		if (has_file)
			*strrchr(path, '/') = '\0';
	}
}

static int find_path(struct http_request *req, const struct object *o, char path[MODEL_PATH_MAX])
{
	const char *known = req->if_match;
	struct api *api = req->context;
	struct model *m = NULL;
	struct ip_prefix place;

	if (o->path) {
		memcpy(path, o->path, strlen(o->path) + 1);
		return 0;
	}
	if (query_network(req->job, api->query, &m) == 0) {
		if (ip_parse_prefix(o->prefix, &place))
			explain_path(model_network(m), o, &place,
			    known && strncmp(known, o->blob, strlen(o->blob)) == 0, path);
		else
			job_fail(
			    req->job, E_CORRUPT, "corrupt", "the database holds the prefix %s", o->prefix);
	}
	model_close(m);
	return req->job->error;
}

/* Who was faster. */
static int fail_stale(struct http_request *req, const struct object *o)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct state_entry last;
	char path[MODEL_PATH_MAX], when[TIME_TEXT];

	job_clear(j);
	if (find_path(req, o, path) || flow_last_change(j, api->flow, path, &last))
		return j->error;
	job_extra(j, "changed_by", last.actor);
	job_extra(j, "changed_at", time_print(last.time, when));
	job_extra(j, "changed_in", last.commit.hex);
	return job_fail(j, E_STALE, "stale", "%s changed it at %s (%s): read it again and decide anew",
	    last.actor, when, last.subject);
}

int mutate_match(struct http_request *req, const struct object *o, struct change *ch)
{
	const char *wanted = req->if_match;
	size_t len = strlen(o->tag);

	if (!wanted || strcmp(wanted, "*") == 0)
		return 0;
	ch->if_match = o->blob;
	/* Behind the tag may be one of the status that was read with it. */
	if ((strncmp(wanted, o->tag, len) == 0 && (wanted[len] == '\0' || wanted[len] == '-')) ||
	    strcmp(wanted, o->blob) == 0)
		return 0;
	ch->if_match = wanted; /* no file's: the writer refuses it, unless it knows the request's key */
	return ch->idempotency ? 0 : fail_stale(req, o);
}

/* Answered by a summary, not by an object. */
static bool is_of_many(const struct change *ch)
{
	return ch->kind == CHANGE_ROLLBACK || ch->kind == CHANGE_REVERT || ch->kind == CHANGE_BATCH;
}

int mutate_submit(
    struct http_request *req, const struct object *o, const struct change *ch, struct flow_result *out)
{
	struct api *api = req->context;
	struct flow_preview *preview = arena_alloc(req->job->arena, sizeof(*preview));
	bool is_dry = false;

	if (parse_flag(req, "dry_run", &is_dry))
		return req->job->error;
	if (is_dry) {
		*out = (struct flow_result){ .preview = preview };
		flow_preview(req->job, api->flow, ch, preview);
	} else {
		flow_submit(req->job, api->flow, ch, out);
		if (!req->job->error && out->is_replay && is_of_many(ch))
			flow_recall(req->job, api->flow, ch, out);
	}
	if (!req->job->error)
		return 0;
	return req->job->error == E_STALE && o ? fail_stale(req, o) : req->job->error;
}

/* A 204 has no body to say it in. */
static void answer_without_body(struct job *j, struct http_response *res, const struct flow_result *r)
{
	res->status = 204;
	if (r->is_deployed)
		return;
	http_set_header(j, res, "Deployed", "false");
	http_set_header(j, res, "Warning-Detail", r->warning ? r->warning : "");
}

static void add_warnings(struct job *j, struct json *parent)
{
	const struct job_detail *d;
	struct json *list;

	if (!j->warnings)
		return;
	list = json_add(parent, "warnings", json_array(j->arena));
	for (d = j->warnings; d; d = d->next)
		json_add_string(j->arena, list, NULL, d->text);
}

void mutate_answer(
    struct http_request *req, struct http_response *res, const struct flow_result *r, const struct object *o)
{
	struct job *j = req->job;

	present(req, res, o ? o->json : NULL, o ? o->tag : NULL, r->commit.hex);
	if (r->is_replay)
		http_set_header(j, res, "Idempotent-Replay", "true");
	if (!o) {
		answer_without_body(j, res, r);
		return;
	}
	if (!r->is_deployed) {
		json_add_bool(j->arena, o->json, "deployed", false);
		json_add_string(j->arena, o->json, "warning", r->warning ? r->warning : "");
	}
	add_warnings(j, o->json);
}

static void add_items(struct job *j, struct json *parent, const char *key, const struct flow_item *item)
{
	struct json *list = json_add(parent, key, json_array(j->arena)), *o;

	for (; item && item->name; item++) {
		o = json_add(list, NULL, json_object(j->arena));
		json_add_string(j->arena, o, "name", item->name);
		json_add_string(j->arena, o, "serial", item->serial);
	}
}

static void add_words(struct job *j, struct json *parent, const char *key, const char *const *word)
{
	struct json *list = json_add(parent, key, json_array(j->arena));

	for (; word && *word; word++)
		json_add_string(j->arena, list, NULL, *word);
}

void mutate_add_needs_config(struct job *j, struct json *o, const struct flow_summary *s)
{
	add_words(j, o, "needs_config", s->needs_config);
}

/* Nobody is cut off without a word: neither at once nor later. */
void mutate_add_restart(struct job *j, struct json *o, const struct flow_summary *s)
{
	json_add_bool(j->arena, o, "restart_needed", s->restart_needed);
	if (s->restart_needed && s->restarts)
		job_warn(j,
		    "OpenVPN has to restart for this, and does so at once (\"restart\" of /server is auto): "
		    "every connection is interrupted for some seconds");
	else if (s->restart_needed)
		job_warn(j,
		    "OpenVPN has to restart for this, and runs with its former settings until then: "
		    "POST /server/restart when it suits, it interrupts every connection for some seconds");
}

static void add_summary(struct job *j, struct json *o, const struct flow_summary *s)
{
	add_items(j, o, "issued", s->issued);
	add_items(j, o, "revoked", s->revoked);
	mutate_add_needs_config(j, o, s);
	add_words(j, o, "loses_access", s->loses_access);
	mutate_add_restart(j, o, s);
}

/* A state file's text as what it says. */
static void add_side(struct job *j, struct json *o, const char *key, const char *text)
{
	struct json *v = NULL;

	if (text && json_parse(j, text, strlen(text), &v))
		job_clear(j);
	if (v)
		json_add(o, key, v);
	else
		json_add_string(j->arena, o, key, NULL);
}

static void answer_preview(struct http_request *req, struct http_response *res, const struct flow_preview *p)
{
	struct job *j = req->job;
	struct json *o = json_object(j->arena), *list, *file;
	const struct flow_file *f;

	json_add_bool(j->arena, o, "dry_run", true);
	json_add_string(j->arena, o, "commit", p->commit.hex);
	add_summary(j, o, &p->summary);
	list = json_add(o, "state", json_array(j->arena));
	for (f = p->state; f->path; f++) {
		file = json_add(list, NULL, json_object(j->arena));
		json_add_string(j->arena, file, "path", f->path);
		add_side(j, file, "before", f->before);
		add_side(j, file, "after", f->after);
	}
	list = json_add(o, "rendered", json_array(j->arena));
	for (f = p->rendered; f->path; f++) {
		file = json_add(list, NULL, json_object(j->arena));
		json_add_string(j->arena, file, "path", f->path);
		json_add_string(j->arena, file, "diff", f->diff);
	}
	add_warnings(j, o);
	present(req, res, o, NULL, p->commit.hex);
}

bool mutate_is_dry(struct http_request *req, struct http_response *res, const struct flow_result *r)
{
	if (r->preview)
		answer_preview(req, res, r->preview);
	return r->preview != NULL;
}

void mutate_answer_commit(struct http_request *req, struct http_response *res, const struct flow_result *r)
{
	struct job *j = req->job;
	struct object o = { .json = json_object(j->arena) };

	if (mutate_is_dry(req, res, r))
		return;
	json_add_string(j->arena, o.json, "commit", r->commit.hex);
	add_summary(j, o.json, &r->summary);
	add_words(j, o.json, "files", r->summary.files);
	mutate_answer(req, res, r, &o);
	res->status = 201;
	http_set_header(j, res, "Location", arena_printf(j->arena, "/commit/%s", r->commit.hex));
}

void mutate_unread(struct http_request *req, const char *name, struct object *o)
{
	struct job *j = req->job;

	job_warn(j, "it is done, but could not be read back: %s", j->message);
	job_clear(j);
	*o = (struct object){ .json = json_object(j->arena) };
	json_add_string(j->arena, o->json, "name", name);
}
