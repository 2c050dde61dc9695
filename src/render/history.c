/*
 * The index of the history: one commit after the other becomes rows that say
 * what it touched and who had an address since and until when.  Its cost is
 * that of the commit's difference.  Files of the state may be old or come from
 * elsewhere: what can't be read names nobody, and is no error.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "render/render_int.h"

enum which {
	COMMIT_INSERT,
	COMMIT_LAST,
	TOUCH,
	TENURE_BEGIN,
	TENURE_END,
	TENURE_AT,
	TENURE_OF,
	ISSUE,
	ISSUED,
	INDEXED,
	STATEMENTS
};

/* A tenure that this commit ended was still one when it began. */
static const char *const statements[STATEMENTS] = {
	[COMMIT_INSERT] =
	    ("INSERT INTO commits (seq, id, time, reached, actor, change, subject, reason, signed_by) "
	     "VALUES (?,?,?,?,?,?,?,?,?)"),
	[COMMIT_LAST] = "SELECT seq, reached FROM commits ORDER BY seq DESC LIMIT 1",
	[TOUCH] = "INSERT OR IGNORE INTO touched (object, seq) VALUES (?,?)",
	[TENURE_BEGIN] =
	    "INSERT INTO tenures (prefix, since, user, gateway, name, identity) VALUES (?,?,?,?,?,?)",
	[TENURE_END] = "UPDATE tenures SET until = ? WHERE prefix = ? AND until IS NULL",
	[TENURE_AT] = ("SELECT name FROM tenures WHERE prefix = ? AND (until IS NULL OR until = ?) "
		       "ORDER BY since DESC LIMIT 1"),
	[TENURE_OF] =
	    ("SELECT user, gateway FROM tenures WHERE identity = ? AND (until IS NULL OR until = ?) "
	     "ORDER BY since DESC LIMIT 1"),
	[ISSUE] = "INSERT OR IGNORE INTO issued (serial, device, kind, name, path) VALUES (?,?,?,?,?)",
	[ISSUED] = "SELECT device, kind, name FROM issued WHERE serial = ?",
	[INDEXED] = "INSERT OR REPLACE INTO meta (key, value) VALUES ('indexed', ?)",
};

struct history {
	struct job *job;
	struct database *database;
	const struct render_commit *commit;
	int64_t seq, reached;
};

/* What a file of users/ says of who has its address. */
struct holder {
	const char *name, *identity; /* NULL: nobody */
};

struct place { /* an address, as a user's or gateway's file names it */
	uint32_t user;
	int64_t gateway; /* -1: a user's */
	const char *prefix, *user_prefix;
};

static int run(struct history *h, enum which which, const char *types, ...)
{
	va_list ap;
	int error;

	va_start(ap, types);
	error = database_write(h->job, h->database, statements[which], types, ap);
	va_end(ap);
	return error;
}

/* 1: a row, *s has it until the next use; 0: none; or the job's error. */
static int find(struct history *h, enum which which, sqlite3_stmt **s, const char *types, ...)
{
	va_list ap;
	int code;

	va_start(ap, types);
	*s = database_bind(h->job, h->database, statements[which], types, ap);
	va_end(ap);
	if (!*s)
		return h->job->error;
	code = sqlite3_step(*s);
	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : database_fail(h->job, h->database, "read");
}

static const char *column(struct history *h, sqlite3_stmt *s, int i)
{
	const unsigned char *text = sqlite3_column_text(s, i);

	return arena_strdup(h->job->arena, text ? (const char *)text : "");
}

static int touch(struct history *h, const char *kind, const char *name)
{
	return run(h, TOUCH, "si", arena_printf(h->job->arena, "%s%s", kind, name), h->seq);
}

/* A file's object; NULL where it is none. */
static const struct json *read_object(struct history *h, const char *bytes, size_t len)
{
	struct json *o = NULL;

	if (!bytes)
		return NULL;
	if (json_parse(h->job, bytes, len, &o) || o->type != JSON_OBJECT) {
		job_clear(h->job);
		return NULL;
	}
	return o;
}

/* A member that is a string, or NULL. */
static const char *member(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v && v->type == JSON_STRING ? v->string : NULL;
}

static struct holder read_holder(struct history *h, const char *bytes, size_t len, bool is_gateway)
{
	const struct json *o = read_object(h, bytes, len);
	struct holder holder = { .name = member(o, "name") };

	holder.identity = member(o, is_gateway ? "device" : "created");
	if (!holder.name || !holder.identity ||
	    !(is_gateway ? model_is_gateway_name : model_is_user_name)(holder.name))
		holder.name = NULL;
	return holder;
}

static void set_prefixes(struct history *h, struct place *p)
{
	const struct network *n = &h->commit->plan;
	struct ip_prefix prefix = model_user_prefix(n, p->user);

	p->user_prefix = ip_print_prefix(&prefix, arena_alloc(h->job->arena, IP_TEXT));
	p->prefix = p->user_prefix;
	if (p->gateway >= 0) {
		prefix = model_gateway_prefix(n, p->user, (uint32_t)p->gateway);
		p->prefix = ip_print_prefix(&prefix, arena_alloc(h->job->arena, IP_TEXT));
	}
}

/* Which address a path is; false where it is none. */
static bool read_place(struct history *h, const char *path, struct place *out)
{
	const struct network *n = &h->commit->plan;
	size_t len = strlen(path);
	char wanted[MODEL_PATH_MAX];
	uint32_t gateway;

	if (strncmp(path, "users/", 6) || len < 5 || strcmp(path + len - 5, ".json"))
		return false;
	touched_ids(path, &out->user, &gateway);
	out->gateway = strstr(path, "/gateways/") ? (int64_t)gateway : -1;
	if (out->gateway >= 0)
		model_gateway_path(n, out->user, gateway, wanted);
	else
		model_user_path(n, out->user, wanted);
	if (strcmp(path, wanted))
		return false;
	set_prefixes(h, out);
	return true;
}

/* A gateway changed: its address and its user have something to tell of it, too. */
static int touch_gateway(struct history *h, const char *name, const struct place *p)
{
	sqlite3_stmt *s;
	int found;

	if (touch(h, "gateway:", name) || touch(h, "prefix:", p->prefix) ||
	    touch(h, "within:", p->user_prefix))
		return h->job->error;
	found = find(h, TENURE_AT, &s, "si", p->user_prefix, h->seq);
	return found == 1 ? touch(h, "owner:", column(h, s, 0)) : found;
}

static int touch_holder(struct history *h, const struct place *p, const struct holder *who)
{
	if (!who->name)
		return 0;
	if (p->gateway >= 0)
		return touch_gateway(h, who->name, p);
	return touch(h, "user:", who->name) || touch(h, "prefix:", p->prefix) ? h->job->error : 0;
}

static int index_holder(struct history *h, const struct render_change *f, const struct place *p)
{
	struct holder old = read_holder(h, f->before, f->before_len, p->gateway >= 0);
	struct holder new = read_holder(h, f->after, f->after_len, p->gateway >= 0);

	if (touch_holder(h, p, &old) || touch_holder(h, p, &new))
		return h->job->error;
	if (old.name && new.name && !strcmp(old.name, new.name) && !strcmp(old.identity, new.identity))
		return 0;
	if (old.name && run(h, TENURE_END, "is", h->seq, p->prefix))
		return h->job->error;
	if (!new.name)
		return 0;
	return run(h, TENURE_BEGIN, "siiiss", p->prefix, h->seq, (int64_t)p->user, p->gateway, new.name,
	    new.identity);
}

/* What happened to a certificate happened to whom it is of. */
static int touch_device(struct history *h, const char *device, const char *kind, const char *name)
{
	struct place p;
	sqlite3_stmt *s;
	int found;

	if (!strcmp(kind, model_kind_word(CERTIFICATE_SERVER)))
		return touch(h, "server", "");
	if (strcmp(kind, model_kind_word(CERTIFICATE_GATEWAY)))
		return 0;
	found = find(h, TENURE_OF, &s, "si", device, h->seq);
	if (found != 1)
		return found ? found : touch(h, "gateway:", name);
	p.user = (uint32_t)sqlite3_column_int64(s, 0);
	p.gateway = sqlite3_column_int64(s, 1);
	set_prefixes(h, &p);
	return touch_gateway(h, name, &p);
}

static int index_certificate(struct history *h, const struct render_change *f)
{
	const struct json *o = read_object(h, f->after, f->after_len);
	const char *device = member(o, "device"), *kind = member(o, "kind"), *name = member(o, "name");
	struct id128 serial = touched_serial(f->path);

	if (!device || !kind || !name)
		return 0;
	if (run(h, ISSUE, "sssss", serial.hex, device, kind, name, f->path))
		return h->job->error;
	return touch_device(h, device, kind, name);
}

/* A revocation or a planned end; when an entry is pruned its time is long over. */
static int index_end(struct history *h, const struct render_change *f)
{
	struct id128 serial = touched_serial(f->path);
	sqlite3_stmt *s;
	int found;

	found = find(h, ISSUED, &s, "s", serial.hex);
	if (found != 1)
		return found;
	return touch_device(h, column(h, s, 0), column(h, s, 1), column(h, s, 2));
}

static bool is_in(const char *path, const char *folder)
{
	return !strncmp(path, folder, strlen(folder));
}

static bool is_of_serial(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strlen(name + 1) == ID128_HEX - 1 + 5 && !strcmp(name + ID128_HEX, ".json");
}

/* Users before gateways before certificates: each is found by what comes before it. */
enum pass { PASS_USERS, PASS_GATEWAYS, PASS_REST, PASSES };

static int index_file(struct history *h, const struct render_change *f, enum pass pass)
{
	struct place p;

	if (is_in(f->path, "users/")) {
		if (pass == PASS_REST || !read_place(h, f->path, &p) ||
		    (p.gateway < 0) != (pass == PASS_USERS))
			return 0;
		return index_holder(h, f, &p);
	}
	if (pass != PASS_REST)
		return 0;
	if (!strcmp(f->path, "network.json"))
		return touch(h, "network", "");
	if (is_in(f->path, "servers/"))
		return touch(h, "server", "");
	if (!f->after || !is_of_serial(f->path))
		return 0;
	if (is_in(f->path, "ledger/certificates/"))
		return index_certificate(h, f);
	if (is_in(f->path, "ledger/revocations/") || is_in(f->path, "ledger/superseded/"))
		return index_end(h, f);
	return 0;
}

static int index_commit(struct history *h, const struct render_commit *c)
{
	enum pass pass;
	size_t i;

	h->commit = c;
	h->seq++;
	if (c->time > h->reached)
		h->reached = c->time;
	if (run(h, COMMIT_INSERT, "isiisssss", h->seq, c->id, c->time, h->reached, c->actor, c->change,
		c->subject, c->reason, c->signed_by))
		return h->job->error;
	for (pass = 0; pass < PASSES; pass++)
		for (i = 0; i < c->files_n; i++)
			if (index_file(h, &c->files[i], pass))
				return h->job->error;
	return 0;
}

static int index_all(struct history *h, const struct render_commit *list, size_t n)
{
	sqlite3_stmt *s;
	size_t i;
	int found = find(h, COMMIT_LAST, &s, "");

	if (found == 1) {
		h->seq = sqlite3_column_int64(s, 0);
		h->reached = sqlite3_column_int64(s, 1);
		sqlite3_reset(s);
	}
	for (i = 0; i < n && !h->job->error; i++)
		index_commit(h, &list[i]);
	return h->job->error || run(h, INDEXED, "s", list[n - 1].id) ? h->job->error : 0;
}

static int write(struct job *j, struct database *d, const struct render_commit *list, size_t n)
{
	struct history h = { .job = j, .database = d };
	int error = index_all(&h, list, n);

	database_rest(d);
	return error;
}

int render_add_commits(struct job *j, struct render *r, const struct render_commit *list, size_t n)
{
	struct database *d = r->database;
	const char *last = n ? list[n - 1].id : "";

	if (!n)
		return 0;
	if (d->staged[0]) {
		if (!write(j, d, list, n))
			memcpy(d->staged_index, last, strlen(last) + 1);
		return j->error;
	}
	if (database_run(j, d, "BEGIN IMMEDIATE"))
		return j->error;
	if (write(j, d, list, n) || database_run(j, d, "COMMIT"))
		sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
	else
		memcpy(d->indexed, last, strlen(last) + 1);
	return j->error;
}

const char *render_indexed(const struct render *r)
{
	return r->database->indexed;
}

int render_forget_index(struct job *j, struct render *r)
{
	if (database_run(j, r->database,
		"BEGIN IMMEDIATE; DELETE FROM commits; DELETE FROM touched; DELETE FROM tenures; "
		"DELETE FROM issued; DELETE FROM meta WHERE key = 'indexed'; COMMIT"))
		return j->error;
	r->database->indexed[0] = '\0';
	return 0;
}
