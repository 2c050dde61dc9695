/* `vpnunit key show|check`: the master key on paper. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_int.h"

static int show_key(struct job *j, const struct pki *pki)
{
	char fingerprint[PKI_FINGERPRINT];
	struct pki_ssh_key *audit;
	struct buf paper;
	size_t n;

	if (pki_audit_keys(j, pki, &audit, &n))
		return EXIT_REFUSED;
	buf_open(&paper, j->arena);
	pki_print_paper(pki, &paper);
	pki_fingerprint(pki, fingerprint);
	printf("%s\nfingerprint %s\naudit key %s\n", paper.data, fingerprint, audit[0].fingerprint);
	fflush(stdout);
	digest_cleanse(paper.data, paper.len);
	return 0;
}

/* Both on paper, so that only pki knows what a key file looks like. */
static int compare_key(struct job *j, const struct pki *pki, const uint8_t key[PKI_MASTER_BYTES])
{
	uint8_t own[PKI_MASTER_BYTES];
	struct buf paper;
	bool is_same;

	buf_open(&paper, j->arena);
	pki_print_paper(pki, &paper);
	is_same = pki_parse_paper(j, paper.data, own) == 0 && digest_equal(own, key, sizeof(own));
	digest_cleanse(own, sizeof(own));
	digest_cleanse(paper.data, paper.len);
	if (j->error || is_same)
		return j->error;
	return job_fail(j, E_INVALID, "other_key",
	    "the paper is well written, but it is not the master key of this folder");
}

static int check_key(struct job *j, const struct pki *pki)
{
	uint8_t key[PKI_MASTER_BYTES];
	char text[512];
	size_t len = fread(text, 1, sizeof(text) - 1, stdin);
	int error;

	text[len] = '\0';
	error = pki_parse_paper(j, text, key) ? j->error : compare_key(j, pki, key);
	digest_cleanse(key, sizeof(key));
	digest_cleanse(text, sizeof(text));
	if (!error)
		printf("This is the master key.\n");
	return error ? EXIT_REFUSED : 0;
}

static int open_key(struct job *j, const struct arguments *a, struct pki **pki)
{
	return pki_open(j, a->master_key ? a->master_key : cli_path(j, a, "secrets/master.key"), pki);
}

int cli_read_audit_key(struct job *j, const struct arguments *a, const char **out)
{
	struct pki_ssh_key *audit;
	struct pki *pki = NULL;
	size_t n;

	if (open_key(j, a, &pki) == 0 && pki_audit_keys(j, pki, &audit, &n) == 0)
		*out = audit[0].fingerprint;
	pki_close(pki);
	return j->error;
}

int cli_key(struct job *j, struct arguments *a)
{
	bool show = strcmp(a->rest[0], "show") == 0;
	struct pki *pki = NULL;
	int status = EXIT_REFUSED;

	if (!show && (strcmp(a->rest[0], "check")))
		return cli_usage(j, "`key` takes show, or check with the paper's text on standard input"),
		       EXIT_USAGE;
	if (open_key(j, a, &pki) == 0)
		status = show ? show_key(j, pki) : check_key(j, pki);
	pki_close(pki);
	return status;
}
