/*
 * `vpnunit verify`: is the whole history true?  From HEAD back to the first
 * commit: who made it, and did it respect the ledger; then whether git, the
 * model and what is rendered agree.  Reads alone, and goes on after each lie.
 */
#include <string.h>

#include "flow/verify_int.h"

struct audit {
	struct state *state;
	const struct pki_ssh_key *keys; /* who may sign */
	size_t keys_n;
	struct lies lies;
	struct oid acceptor, until; /* who accepts what is below, down to until; "": nobody */
};

void lies_add(struct lies *l, const struct oid *commit, const char *path, const char *fmt, ...)
{
	struct flow_verdict *v = l->verdict;
	char **old = v->lies;
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(l->arena, fmt, ap);
	va_end(ap);
	if (v->lies_n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		v->lies = arena_alloc(l->arena, l->cap * sizeof(*v->lies));
		if (old)
			memcpy(v->lies, old, v->lies_n * sizeof(*old));
	}
	v->lies[v->lies_n++] = arena_printf(
	    l->arena, "%s%s%s: %s", commit->hex, *path ? " " : "", path, text);
}

int lies_take(struct job *j, struct lies *l, const struct oid *commit, const char *path)
{
	if (!j->error || (j->error == E_IO && strcmp(j->code, "database") != 0) || j->error == E_BUSY)
		return j->error;
	lies_add(l, commit, path, "%s", j->message);
	job_clear(j);
	return 0;
}

/* NULL: the service signed it; else why that is not so. */
static const char *find_fault(struct job *j, const struct audit *a, const struct oid *id)
{
	struct state_signature signature;
	struct pki_ssh_key by;
	const char *fault;
	size_t i;

	if (state_read_signature(j, a->state, id, &signature))
		return NULL;
	if (!signature.armour)
		return "nobody signed it";
	if (pki_verify_commit(j, signature.bytes, signature.len, signature.armour, &by)) {
		fault = j->error == E_CORRUPT ? j->message : NULL;
		if (fault)
			job_clear(j);
		return fault;
	}
	for (i = 0; i < a->keys_n; i++)
		if (digest_equal(by.bytes, a->keys[i].bytes, sizeof(by.bytes)))
			return NULL;
	return arena_printf(j->arena, "signed by %s, which is not the audit key", by.fingerprint);
}

/* "OLD..NEW", both in full. */
static bool parse_range(const char *text, struct oid *old, struct oid *new)
{
	uint8_t bytes[(OID_HEX - 1) / 2];

	if (strlen(text) != 2 * (OID_HEX - 1) + 2 || strncmp(text + OID_HEX - 1, "..", 2) != 0)
		return false;
	memset(old, 0, sizeof(*old));
	memcpy(old->hex, text, OID_HEX - 1);
	memcpy(new->hex, text + OID_HEX + 1, OID_HEX);
	return digest_unhex(old->hex, bytes, sizeof(bytes)) && digest_unhex(new->hex, bytes, sizeof(bytes));
}

/* A commit of the service: does it vouch for what is right below it? */
static void note_acceptance(struct audit *a, const struct state_commit *c)
{
	struct oid new;

	if (a->until.hex[0] && strcmp(c->id.hex, a->until.hex) != 0)
		lies_add(&a->lies, &a->acceptor, "", "accepts a range that holds %s, which was not pushed",
		    c->id.hex);
	a->until.hex[0] = '\0';
	if (!*c->accepts)
		return;
	a->acceptor = c->id;
	if (!parse_range(c->accepts, &a->until, &new) || strcmp(new.hex, c->parent.hex) != 0) {
		a->until.hex[0] = '\0';
		lies_add(
		    &a->lies, &c->id, "", "accepts %s, which is not what lies right below it", c->accepts);
	}
}

static enum maker judge_maker(struct job *j, struct audit *a, const struct state_commit *c)
{
	const char *fault = find_fault(j, a, &c->id);

	if (j->error)
		return MAKER_UNKNOWN;
	if (!fault) {
		note_acceptance(a, c);
		return MAKER_SERVICE;
	}
	if (a->until.hex[0] && strcmp(c->id.hex, a->until.hex) != 0)
		return MAKER_PUSHED;
	a->until.hex[0] = '\0'; /* the range ends here, at a commit that it does not hold */
	lies_add(&a->lies, &c->id, "", "%s", fault);
	return MAKER_UNKNOWN;
}

/* One commit; *parent is where to go on, empty at the end. */
static int visit(struct job *j, struct audit *a, const struct oid *id, struct oid *parent)
{
	struct state_commit c;
	enum maker maker;

	parent->hex[0] = '\0';
	if (state_read_commit(j, a->state, id, &c))
		return lies_take(j, &a->lies, id, "");
	maker = judge_maker(j, a, &c);
	if (j->error)
		return lies_take(j, &a->lies, id, "");
	if (c.parents_n > 1)
		lies_add(&a->lies, id, "", "has %u parents, but the history is one line", c.parents_n);
	a->lies.verdict->commits++;
	a->lies.verdict->pushed += maker == MAKER_PUSHED;
	*parent = c.parent;
	return verify_ledger(j, a->state, &c, maker, &a->lies);
}

static int walk(struct job *j, struct audit *a, const struct oid *head)
{
	struct oid id = *head, parent;

	while (id.hex[0] && !j->error) {
		struct job step; /* so that memory does not grow with the history */

		job_open(&step);
		visit(&step, a, &id, &parent);
		job_join(j, &step);
		id = parent;
	}
	if (a->until.hex[0])
		lies_add(
		    &a->lies, &a->acceptor, "", "accepts from %s on, which is not below it", a->until.hex);
	return j->error;
}

/* Which keys may sign: the audit keys, of those the ones that the caller knows. */
static int choose_keys(struct job *j, const struct flow *f, const struct flow_verify *in, struct audit *a)
{
	struct pki_ssh_key *all, *chosen;
	size_t n, i, k;
	struct buf names;

	if (pki_audit_keys(j, f->pki, &all, &n))
		return j->error;
	chosen = arena_alloc(j->arena, n * sizeof(*chosen));
	for (i = 0; i < n; i++)
		for (k = 0; k < in->keys_n; k++)
			if (strcmp(all[i].fingerprint, in->keys[k]) == 0)
				chosen[a->keys_n++] = all[i];
	if (in->keys_n && a->keys_n < in->keys_n)
		lies_add(&a->lies, &f->head, "",
		    "the audit key is %s: a key that was asked for is another one", all[0].fingerprint);
	a->keys = a->keys_n ? chosen : all;
	a->keys_n = a->keys_n ? a->keys_n : n;
	buf_open(&names, j->arena);
	for (i = 0; i < a->keys_n; i++)
		buf_printf(&names, "%s%s", i ? " and " : "", a->keys[i].fingerprint);
	a->lies.verdict->keys = names.data;
	return 0;
}

static int check_expected(struct job *j, struct flow *f, const char *hex, struct lies *l)
{
	struct oid expected = { .hex = "" };
	bool is_ancestor = false;

	memcpy(expected.hex, hex, strnlen(hex, OID_HEX - 1));
	if (state_is_commit(f->state, &expected) &&
	    state_is_ancestor(j, f->state, &expected, &f->head, &is_ancestor))
		return lies_take(j, l, &f->head, "");
	if (!is_ancestor)
		lies_add(l, &f->head, "", "does not come after %s: the history was cut short or written anew",
		    hex);
	return 0;
}

static int check_fsck(struct job *j, struct flow *f, struct lies *l)
{
	const char *words;
	char *line, *rest = NULL;

	if (state_fsck(j, f->state, &words))
		return j->error;
	l->is_broken = words != NULL;
	line = words ? strtok_r(arena_strdup(j->arena, *words ? words : "git fsck failed"), "\n", &rest)
		     : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest))
		lies_add(l, &f->head, "state.git", "%s", line);
	return 0;
}

/* What HEAD says, and what lies beside the history. */
static int check_present(
    struct job *j, const struct flow_options *o, struct flow *f, const struct flow_verify *in, struct lies *l)
{
	f->model = model_open();
	if (flow_load_model(j, f->state, &f->head, f->model))
		return lies_take(j, l, &f->head, "");
	if (pki_check(j, f->pki, f->model) && lies_take(j, l, &f->head, "network.json"))
		return j->error;
	return verify_rendered(j, o, f, in, l);
}

int flow_verify(
    struct job *j, const struct flow_options *o, const struct flow_verify *in, struct flow_verdict *out)
{
	struct audit a = { .lies = { .arena = j->arena, .verdict = out } };
	struct flow f = { .lock = -1, .data = mem_strdup(o->data) };

	memset(out, 0, sizeof(*out));
	if (flow_open_repository(j, o, &f) || flow_open_key(j, o, &f))
		goto out;
	a.state = f.state;
	if (choose_keys(j, &f, in, &a) || (in->expect && check_expected(j, &f, in->expect, &a.lies)) ||
	    walk(j, &a, &f.head) || check_fsck(j, &f, &a.lies))
		goto out;
	check_present(j, o, &f, in, &a.lies);
out:
	flow_unload(&f);
	return j->error;
}
