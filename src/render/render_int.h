/* Shared inside render: the table's signature, templates, the database. */
#ifndef RENDER_RENDER_INT_H
#define RENDER_RENDER_INT_H

#include <sys/stat.h>

#include "base/beside.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/version.h"
#include "render/output_int.h"
#include "render/render.h"

#define RENDER_DEVICE "tun-vpn" /* the persistent tun, as templates/ name it too */

enum { RENDER_FILE_MAX = 256 * 1024 * 1024, RENDER_PATH_MAX = 4096, RENDER_MTU = 1500 };

struct sqlite3;
struct sqlite3_stmt;

struct database {
	struct sqlite3 *handle;
	const char *path;        /* borrowed */
	char commit[OID_HEX];    /* what it was rendered from; "" for a new one */
	char staged[OID_HEX];    /* what the open transaction will make it; "" without one */
	char indexed[OID_HEX];   /* how far the index of the history reaches; "": nowhere */
	char staged_index[OID_HEX]; /* where the open transaction will bring it; "": it leaves it alone */
	bool is_damaged;         /* SQLite found it corrupt: database_renew */
	struct prepared {
		const char *sql;
		struct sqlite3_stmt *statement;
	} *prepared;             /* as long as the database is open */
	size_t prepared_n;
	int log_pages;           /* in its write-ahead log, as of the last commit */
	struct beside checkpoint; /* of that log, beside whoever waits for the commit */
	bool is_checkpointing;   /* the handle is the helper's */
};

struct crl_seen { /* what was found in crl.pem the last time it had changed */
	struct timespec mtime;
	ino_t inode;
	off_t size;
	bool is_valid;       /* it parses, and the CA signed it */
	char ca[ID128_HEX];  /* serial of that CA */
	struct pki_crl crl;
};

struct crl_reading { /* of a CRL just built, beside all the rest */
	const struct model *model; /* NULL: none was */
	struct buf pem;
	struct pki_crl want;
	struct job job;
	struct beside beside;
};

struct render {
	char *data, *database_path;
	struct output_place place;
	const struct pki *pki;
	struct database *database;
	struct output *staged;   /* NULL: nothing is */
	struct output_writing writing;
	struct output_promotion promotion;
	struct crl_reading reading;
	struct listings *listings;
	struct crl_seen crl;
	struct crl_seen next_crl; /* of the staged one, where there is one */
	bool has_leftovers;      /* staged files that could not be removed */
	bool is_dirty;           /* a promotion ended half-way: the next stage renders everything */
};

/* What a renderer works on. m may be a fork: render what it touched, or the whole file where the file is one. */
struct render_job {
	struct job *job;
	const struct model *model;
	const struct model *fork; /* whose changes are rendered, where it is not the model: that is its base */
	const char *commit;      /* NULL: to be asked for, when nothing else is left to do */
	render_ask ask;
	void *asked;
	const struct pki *pki;
	struct output *output;
	struct render *render;
	bool is_staging;         /* the output goes to the staging folder */
	bool is_full;            /* everything, whatever the model's fork touched */
	const struct entity **part; /* these alone, of one kind, NULL-terminated; NULL: no such limit */
	struct listings *listings; /* the writer's, or empty ones */
	const char **gateway_lines, **certificate_lines; /* touched_lines, where a fork is rendered */
	const char **names;      /* common names that something changed for, the server's among them; NULL-terminated */
};

struct renderer {
	const char *name;
	unsigned when;           /* runs when one of these was touched: bits 1 << enum entity_kind */
	int (*run)(const struct render_job *r);
};


int render_pki(const struct render_job *r);
int render_index(const struct render_job *r);
int render_server(const struct render_job *r);
int render_openvpn(const struct render_job *r);
int render_routes(const struct render_job *r);
int render_firewall(const struct render_job *r);
int render_audit(const struct render_job *r);
int render_summary(const struct render_job *r);

/* Run every renderer that what was touched asks for, into r->output. Sets is_full, names, lines and commit. */
int render_run(struct render_job *r);

/* To be asked between the files of many gateways: output_relieve, where the output goes to the disk. */
int render_relieve(const struct render_job *r);
/* The files of the entities of r->part, gateways or certificates; no whole-network file. */
int render_run_part(struct render_job *r);

/* Forget the staged output; render_discard also undoes what it left behind. */
void render_drop(struct render *r);

/* --- touched.c: what a fork changed, in terms of names --- */
unsigned touched_kinds(const struct render_job *r); /* bits 1 << enum entity_kind */
const char **touched_names(const struct render_job *r);
/* All of a kind when everything is rendered, else what the fork holds, graves included. */
const struct entity **touched_entities(const struct render_job *r, enum entity_kind kind);
/* What a path of users/ or the ledger names: a grave has nothing else. */
void touched_ids(const char *path, uint32_t *user, uint32_t *gateway);
struct id128 touched_serial(const char *path);
/* Rendered are gateways that are enabled, as their user is. */
bool touched_is_on(const struct model *m, const struct gateway *g);
/*
 * Paths of gateways or certificates whose lines in whole-network files may differ from the base's,
 * sorted, NULL-terminated.  Walks all gateways where a user's name went to another one: openings may name it.
 */
const char **touched_lines(const struct render_job *r, enum entity_kind kind);

/* --- listing.c: sections of whole-network files, kept from one stage to the next --- */
enum listing_id {
	LISTING_CERTIFICATES,
	LISTING_ROUTES,
	LISTING_GATEWAYS,
	LISTING_INBOUND,
	LISTING_OPEN_TCP,
	LISTING_OPEN_UDP,
	LISTING_CHAINS,
	LISTING_SPECIAL,
	LISTINGS
};

enum listed_file { LISTED_INDEX, LISTED_ROUTES, LISTED_RULESET, LISTED_FILES };

struct listing { /* a line, or several or none, an entity, in the order of model_all */
	size_t at, len;      /* in the text of its file */
	uint32_t *ends;      /* of each line, from at on; NULL: there is no listing */
	size_t n;
};

struct listed_text {
	struct arena *arena; /* of the text alone; NULL: there is none */
	struct buf text;
};

struct listings {
	struct listing_set {
		struct listing list[LISTINGS];
		struct listed_text files[LISTED_FILES];
	} live, staged;      /* staged: those that an output changes */
};

/* Empty ones: everything is expanded. */
struct listings *listings_open(void);
void listings_close(struct listings *l); /* NULL is fine */
void listings_promote(struct listings *l);
void listings_discard(struct listings *l);

struct lines { /* what an entity adds: an element of list for each time that the section is expanded */
	const struct render_job *r;
	struct arena *arena;
	struct json *list;
};

struct listing_source {
	enum listed_file file;
	enum entity_kind kind;
	const char *section;
	void (*add)(const struct lines *l, const struct entity *e);
};

void index_lines(const struct lines *l, const struct entity *e);
void routes_lines(const struct lines *l, const struct entity *e);
void firewall_gateway(const struct lines *l, const struct entity *e);
void firewall_inbound(const struct lines *l, const struct entity *e);
void firewall_open_tcp(const struct lines *l, const struct entity *e);
void firewall_open_udp(const struct lines *l, const struct entity *e);
void firewall_chain(const struct lines *l, const struct entity *e);
void firewall_special(const struct lines *l, const struct entity *e);

/*
 * Expand the template of the listings first to last, which are all of one file's, with them and values, to which
 * a flag has_SECTION is added for each.  What is the same as the last time is not written again.
 */
int listing_output(
    const struct render_job *r, enum listing_id first, enum listing_id last, struct json *values);

/* --- crl.c --- */
/* Add crl.pem to the output when it is due, bad, or always (must); crl_await comes before anything is promoted. */
int crl_stage(const struct render_job *r, bool must);
/* E_CORRUPT when what was built is not what can be read. */
int crl_await(struct job *j, struct render *r);
/*
 * Just before a promotion: what is known of a staged CRL is remembered as the live one's.  Renaming changes
 * nothing that a file is recognised by; where it fails, or another file comes, that one is read.
 */
void crl_note_staged(struct render *r);

/* --- foreign.c: files in rendered folders that nobody rendered --- */
/* Is this no file of a gateway or certificate of the model, nor one that easyrsa writes? */
bool foreign_is(const struct model *m, const char *path);
/* Once all is rendered: what else lies in its folders is to go. */
int foreign_remove(const struct render_job *r);

/* --- dry.c --- */
/* Does a real openvpn take the staged server.conf? */
bool dry_is_due(const struct render_job *r);
int dry_check(const struct render_job *r);

/* --- trial.c --- */
enum trial_end { TRIAL_UP, TRIAL_EXITED, TRIAL_LATE, TRIAL_NONE /* not installed */ };
/* Start openvpn on folder/server.conf; output is what it said. */
int trial_run(struct job *j, const char *folder, struct buf *output, enum trial_end *end);

/* --- the SQLite database: sqlite.c, rows.c --- */
/*
 * Opens path, made anew where it is missing, another version's work or damaged
 * (then the old one is kept beside it).
 */
int database_open(struct job *j, const char *path, struct database **out);
void database_close(struct database *d);
void database_close_handle(struct database *d); /* and what is prepared for it */
/* Set a damaged database aside and begin an empty one. */
int database_renew(struct job *j, struct database *d);
/* One transaction with all that changed; readers see the old snapshot until database_commit. */
int database_stage(const struct render_job *r, struct database *d);
int database_commit(struct job *j, struct database *d);
void database_rollback(struct database *d);
/*
 * Behind a commit a checkpoint may run: nobody else uses the handle until this returns.  Each BEGIN waits for it, so
 * that within a transaction there is none.
 */
void database_await(struct database *d);
/* The words of a failure; notes damage. */
int database_fail(struct job *j, struct database *d, const char *what);
/*
 * A statement with its values: 'i' an int64_t, 's' a text, 't' a time, 'b' bytes and their number as int64_t; a
 * text of NULL and a time of 0 are null.  It stays prepared, and is known by the address of its text.
 * NULL: the job's error.
 */
struct sqlite3_stmt *database_bind(
    struct job *j, struct database *d, const char *sql, const char *types, va_list ap);
/* Bind and run one that has no rows. */
int database_write(struct job *j, struct database *d, const char *sql, const char *types, va_list ap);
/* No statement is under way any more. */
void database_rest(struct database *d);
/* Statements without values. */
int database_run(struct job *j, struct database *d, const char *sql);
int database_schema(struct job *j, struct database *d); /* make the empty tables */
/* Fill the tables from the model. */
int rows_write(const struct render_job *r, struct database *d);
/* Empty the tables of what is rendered. */
int database_clear(struct job *j, struct database *d);

/* --- compare.c: the live database beside the model; visit is called with the name of a table that differs --- */
struct comparison;
typedef void (*comparison_visit)(void *context, const char *table);
int comparison_open(struct job *j, struct database *live, struct comparison **out);
void comparison_close(struct comparison *c); /* NULL is fine */
/* Are the rows of r's part there? */
int comparison_rows(const struct render_job *r, struct comparison *c, comparison_visit visit, void *context);
/* Are there as many as there should be, and is SQLite content? Damage is an error. */
int comparison_tables(const struct render_job *r, struct comparison *c, comparison_visit visit, void *context);

/*
 * Expand templates/NAME (compiled in) with values: {{name}} a string or number as it is,
 * {{#list}}...{{/list}} once an element (members of the element first, then outer ones; {{.}} the element
 * itself), {{#flag}}...{{/flag}} when true, {{^flag}}...{{/flag}} when false, empty or missing.
 * A tag alone on its line takes the whole line. An unknown name is a bug: assert.
 * A value with a control character (a line end included) is refused: E_INVALID.
 */
int template_expand(struct job *j, const char *name, const struct json *values, struct buf *out);
/* The same for a text that is not compiled in. */
int template_expand_text(struct job *j, const char *name, const char *text, const struct json *values,
    struct buf *out);


/* The same with sections whose text is there already: add puts it at out's end. */
struct template_part {
	const char *section; /* NULL: behind the last one */
	void (*add)(const void *of, struct buf *out);
	const void *of;
};
int template_expand_parts(struct job *j, const char *name, const struct json *values,
    const struct template_part *parts, struct buf *out);
/* One section of a template, the first of its name, for an element at a time: nothing outside is seen. */
struct template_section {
	const char *name, *text, *start, *end;
};
void template_section(const char *name, const char *section, struct template_section *out);
int template_expand_element(struct job *j, const struct template_section *s, const struct json *element,
    struct buf *out);

struct template_file { const char *name, *text; };
extern const struct template_file template_files[]; /* the last one's name is NULL */
const char *template_text(const char *name);
/* Expand into a file of the output. */
int template_output(const struct render_job *r, const char *name, const struct json *values,
    const char *path, unsigned flags);

#endif
