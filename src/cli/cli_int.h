/* Shared inside cli: what the arguments say, and the commands. */
#ifndef CLI_CLI_INT_H
#define CLI_CLI_INT_H

#include "cli/cli.h"
#include "base/json.h"
#include "flow/flow.h"
#include "http/http.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NOT_DEPLOYED = 3, EXIT_DIFFERS = 1, EXIT_NOT_CHECKED = 4 };
enum { LIST_MAX = 16 };

struct words { /* of an option that may come more than once */
	const char *word[LIST_MAX];
	size_t n;
	bool is_default; /* from the environment: a flag replaces them all */
};

struct arguments {
	const char *data, *master_key, *group, *hooks, *out;
	struct words listen, endpoints;
	struct flow_init init;
	bool full, check, watch, accept_loss;
	const char *log_format; /* "text" or "json" */
	const char *public_url; /* by which others reach the service */
	bool allow_cleartext;
	const char *tls_name, *tls_certificate, *tls_key; /* what TLS listeners show */
	const char *expect; /* a commit's id in full */
	struct words keys; /* fingerprints */
	const char *at; /* a commit or a time */
	struct words only; /* "user:x", "gateway:y" */
	const char *include, *reason, *configs;
	const char *url, *token_file; /* where the service is, when not below the data folder */
	bool json, dry_run, yes;
	bool cascade, force, revoke_old, all, status;
	const char *user, *gateway, *role, *id, *expires, *from, *to;
	int64_t expires_within, confirm_within; /* seconds; 0: not given */
	struct words allow;
	char **rest; /* what is behind the options */
	size_t rest_n;
};

typedef int (cli_command)(struct job *j, struct arguments *a);

struct command {
	const char *name;
	const char *takes; /* behind the options: "COMMIT", "[FILTER...]" */
	const char *options; /* their names */
	cli_command *run; /* the exit status; the job's error is told by the caller */
};

/* All of them, by number; NULL behind the last. */
const struct command *cli_command_at(size_t i);
/* The command that n words, one at least, begin with, and how many words its name is; NULL with why. */
const struct command *cli_find(struct job *j, char *const *words, size_t n, size_t *used);
/* What an option takes, in the words of the tables; NULL: nothing, or there is none of that name. */
const char *cli_option_value(const char *name);
/* Does such a text name words to choose from ("deny|allow"), not a kind of thing ("FILE")? */
bool cli_is_choice(const char *value);
/* Is it one of the list's words? */
bool cli_has_word(const char *list, const char *word, size_t len, char separator);
int cli_usage(struct job *j, const char *text);
/* argv[0] is the last word of the command's name. */
int cli_read(struct job *j, struct arguments *a, const struct command *c, int argc, char **argv);
struct flow_options cli_flow_options(const struct arguments *a);
/* A path below the data folder. */
const char *cli_path(struct job *j, const struct arguments *a, const char *name);
void cli_tell_warnings(const struct job *j);
/* The fingerprint of the key that signs commits, in the arena. */
int cli_read_audit_key(struct job *j, const struct arguments *a, const char **out);
/* The admin token, as a string that the caller cleanses. */
int cli_read_token(struct job *j, const struct arguments *a, struct buf *out);
/*
 * Ask the running service: over DATA/run/vpnunit.sock, or --url.  Fills in where, the token and what is
 * told meanwhile; fails where nobody answers (E_IO "not_listening"), not on what is refused.
 */
int cli_call(struct job *j, const struct arguments *a, struct http_call *call, struct http_answer *out);
/* The same, and what the service refuses fails with its words. */
int cli_ask(struct job *j, const struct arguments *a, struct http_call *call, struct http_answer *out);
/* Fail with a problem document's words, and which member of what was sent is meant. */
int cli_fail_refused(struct job *j, const struct json *problem);
/* GET a path; the answer as JSON. */
int cli_get(struct job *j, const struct arguments *a, const char *path, struct json **out);
/* A member that is a string, or NULL. */
const char *cli_string(const struct json *o, const char *key);
/* GET all pages of a list, as one array; what is counted on a terminal meanwhile, in words. */
int cli_get_list(
    struct job *j, const struct arguments *a, const char *path, const char *what, struct json **out);
/* One more parameter of a path's query; nothing where the value is NULL. */
void cli_add_query(struct buf *path, const char *key, const char *value);
/* A path with a name in it, escaped. */
const char *cli_url(struct job *j, const char *before, const char *name, const char *after);

/* --- change.c --- */

struct mutation {
	const char *method, *path;
	const struct json *body;   /* NULL: none */
	const char *if_match;      /* NULL: whatever is there */
	const char *takes;         /* what is lost, where the plan cannot know; NULL: ask the plan */
	bool is_harmless;          /* gives only: no question, no plan */
	void (*tell)(struct job *j, const struct json *answer); /* people what came of it; answer NULL: a 204 */
	const struct json *answer; /* set: what came; NULL: nothing was done, or a 204 */
};

/* Plan, ask, do, tell, as the options say; the exit status. */
int cli_change(struct job *j, const struct arguments *a, struct mutation *m);

/* --- plan.c: for people --- */

void plan_print(struct job *j, const struct json *preview);
void plan_print_done(struct job *j, const struct json *answer);
void plan_print_losses(struct job *j, const struct json *preview); /* on standard error */
void plan_print_intent(struct job *j, const struct json *files);
void plan_print_rendered(struct job *j, const struct json *files);

/* --- gateway.c, allow.c --- */

void cli_print_gateway(struct job *j, const struct json *gateway);
/* "tcp/22, tcp/80 to 1::80 from vpn", or "nothing". */
const char *cli_print_rules(struct job *j, const struct json *list);
/* Rules as the service takes them, each with --to and --from. */
int cli_build_rules(
    struct job *j, const struct arguments *a, const char *const *text, size_t n, struct json **out);

/* --- config.c --- */

/*
 * Fetch each named gateway's configuration into a new file of folder, of mode 0600.  All that can be fetched,
 * whatever one of them says; the exit status.
 */
int cli_fetch_configs(
    struct job *j, const struct arguments *a, const char *folder, const struct json *names);

/* --- the commands --- */

cli_command cli_init, cli_serve, cli_render, cli_deploy, cli_git, cli_key, cli_receive, cli_check, cli_restore;
cli_command cli_fmt, cli_verify;
cli_command cli_status, cli_whois, cli_log, cli_show, cli_diff, cli_rollback, cli_revert, cli_batch;
cli_command cli_user_add, cli_user_list, cli_user_show, cli_user_rename, cli_user_enable, cli_user_disable;
cli_command cli_user_delete;
cli_command cli_gateway_add, cli_gateway_list, cli_gateway_show, cli_gateway_set, cli_gateway_enable;
cli_command cli_gateway_disable, cli_gateway_allow, cli_gateway_close, cli_gateway_renew, cli_gateway_delete;
cli_command cli_gateway_config, cli_gateway_link;
cli_command cli_token_add, cli_token_list, cli_token_show, cli_token_delete;
cli_command cli_signer_add, cli_signer_list, cli_signer_delete;
cli_command cli_confirm, cli_undo, cli_complete;

#endif
