/* Shared inside cli: what the arguments say, and the commands. */
#ifndef CLI_CLI_INT_H
#define CLI_CLI_INT_H

#include "cli/cli.h"
#include "base/json.h"
#include "flow/flow.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NOT_DEPLOYED = 3, EXIT_DIFFERS = 1, EXIT_NOT_CHECKED = 4 };
enum { LIST_MAX = 16 };

struct words { /* of an option that may come more than once */
	const char *word[LIST_MAX + 1]; /* one more for the service's own socket */
	size_t n;
	bool is_default; /* from the environment: a flag replaces them all */
};

struct arguments {
	const char *data, *master_key, *group, *hooks, *out;
	struct words listen, endpoints;
	struct flow_init init;
	bool full, check, watch, accept_loss;
	const char *expect; /* a commit's id in full */
	struct words keys; /* fingerprints */
	const char *at; /* a commit or a time */
	struct words only; /* "user:x", "gateway:y" */
	const char *include, *reason, *configs;
	char **rest; /* what is behind the options */
	size_t rest_n;
};

struct command {
	const char *name;
	const char *takes; /* behind the options: "COMMIT", "[FILTER...]" */
	const char *options; /* their names */
	int (*run)(struct job *j, struct arguments *a); /* the exit status; the job's error is told by the caller */
};

/* NULL: there is none. */
const struct command *cli_find(const char *name);
/* Is it one of the list's words? */
bool cli_has_word(const char *list, const char *word, size_t len, char separator);
int cli_usage(struct job *j, const char *text);
/* argv[0] is the command's name. */
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
 * GET or POST a path of the running service; its answer as JSON.  What the service refuses fails with its
 * words, nobody there with E_IO "not_listening".
 */
int cli_ask(struct job *j, const struct arguments *a, const char *path, struct json **out);
int cli_post(struct job *j, const struct arguments *a, const char *path, const char *body, struct json **out);
/* The same for method, path and body of a call, with the answer as it is. */
struct http_call;
int cli_ask_raw(struct job *j, const struct arguments *a, struct http_call *call, struct buf *out);
/* A member that is a string, or NULL. */
const char *cli_string(const struct json *o, const char *key);
/* Control characters of names and reasons that came from elsewhere are not the terminal's to obey. */
const char *cli_printable(struct job *j, const char *text);

int cli_init(struct job *j, struct arguments *a);
int cli_serve(struct job *j, struct arguments *a);
int cli_render(struct job *j, struct arguments *a);
int cli_deploy(struct job *j, struct arguments *a);
int cli_git(struct job *j, struct arguments *a);
int cli_key(struct job *j, struct arguments *a);
int cli_status(struct job *j, struct arguments *a);
int cli_whois(struct job *j, struct arguments *a);
int cli_log(struct job *j, struct arguments *a);
int cli_show(struct job *j, struct arguments *a);
int cli_rollback(struct job *j, struct arguments *a);
int cli_revert(struct job *j, struct arguments *a);
int cli_batch(struct job *j, struct arguments *a);
int cli_receive(struct job *j, struct arguments *a);
int cli_check(struct job *j, struct arguments *a);
int cli_restore(struct job *j, struct arguments *a);
int cli_fmt(struct job *j, struct arguments *a);
int cli_verify(struct job *j, struct arguments *a);

#endif
