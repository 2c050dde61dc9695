/* The program: which command, run, its failure told; and the commands that are a few lines. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/version.h"
#include "cli/cli_int.h"
#include "query/query.h"

extern const char cli_help[];

struct flow_options cli_flow_options(const struct arguments *a)
{
	return (struct flow_options){
		.data = a->data, .master_key = a->master_key, .openvpn_group = a->group, .hooks = !a->hooks
	};
}

const char *cli_path(struct job *j, const struct arguments *a, const char *name)
{
	return arena_printf(j->arena, "%s/%s", a->data, name);
}

void cli_tell_warnings(const struct job *j)
{
	const struct job_detail *w;

	for (w = j->warnings; w; w = w->next)
		log_line(LOG_LEVEL_WARNING, "%s", w->text);
}

int cli_init(struct job *j, struct arguments *a)
{
	struct flow_options o = cli_flow_options(a);
	const char *audit_key, *ca, *fingerprint;

	a->init.endpoints = a->endpoints.word;
	a->init.endpoints_n = a->endpoints.n;
	if (!a->init.prefix || !a->init.endpoints_n)
		return cli_usage(j, "init needs --prefix and --endpoint"), EXIT_USAGE;
	if (flow_initialise(j, &o, &a->init) || cli_read_audit_key(j, a, &audit_key) ||
	    flow_read_ca(j, &o, &ca) || pki_fingerprint_certificate(j, ca, &fingerprint))
		return EXIT_REFUSED;
	printf(
	    "%s: state begun with prefix %s.\nBack up %s/state.git, and once the master key on paper: vpnunit key show --data %s\n",
	    a->data, a->init.prefix, a->data, a->data);
	printf(
	    "Each commit will be signed by the audit key %s.\n"
	    "Keep that line elsewhere: vpnunit verify --key then tells a history of somebody else's making.\n",
	    audit_key);
	printf("The CA, which the API's TLS certificate comes from too, has the SHA-256 fingerprint\n%s\n",
	    fingerprint);
	return 0;
}

int cli_deploy(struct job *j, struct arguments *a)
{
	if (deploy_kernel(j, a->data, a->watch))
		return EXIT_REFUSED;
	cli_tell_warnings(j);
	return j->warnings ? EXIT_NOT_DEPLOYED : 0;
}

/* With the keys that git needs to say Good; absolute, since git may start in another folder. */
int cli_git(struct job *j, struct arguments *a)
{
	char *signers = realpath(cli_path(j, a, "audit/allowed_signers"), NULL);
	char **args = arena_alloc(j->arena, (a->rest_n + 3) * sizeof(*args)), **to = args;

	if (signers) {
		*to++ = arena_strdup(j->arena, "-c");
		*to++ = arena_printf(j->arena, "gpg.ssh.allowedSignersFile=%s", signers);
	}
	free(signers);
	memcpy(to, a->rest, a->rest_n * sizeof(*to));
	state_git(j, cli_path(j, a, "state.git"), args);
	return EXIT_REFUSED;
}

static int run_command(int argc, char **argv)
{
	struct arguments a = { 0 };
	const struct command *c;
	int status = EXIT_USAGE;
	struct job j;
	size_t used;

	job_open(&j);
	c = cli_find(&j, argv, (size_t)argc, &used);
	if (c && cli_read(&j, &a, c, argc - (int)used + 1, argv + used - 1) == 0) {
		if (a.log_format)
			setenv("VPNUNIT_LOG_FORMAT", a.log_format, 1); /* the log's own way to know */
		status = c->run(&j, &a);
	}
	if (j.error)
		fprintf(stderr, "vpnunit: %s\n", j.message);
	job_close(&j);
	return status;
}

int cli_run(int argc, char **argv)
{
	static const struct rlimit no_core = { 0, 0 }; /* keys are in memory */
	int status;

	opterr = 0;
	setrlimit(RLIMIT_CORE, &no_core);
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		fputs(cli_help, argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_USAGE : 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("vpnunit %s\n", VPNUNIT_VERSION);
		return 0;
	}
	mem_start();
	query_start();
	state_start();
	status = run_command(argc - 1, argv + 1);
	state_stop();
	return status;
}
