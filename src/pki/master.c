/*
 * The master key: its file, and the memory that holds it.  The file is read
 * straight into pages that are locked and left out of core files, never
 * through an arena; no message quotes its bytes.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "pki/pki_int.h"

#define FINGERPRINT_HEAD "sha256:"

enum { KEY_HEX = 2 * PKI_MASTER_BYTES, FINGERPRINT_BYTES = 16, GENERATION_MAX = 9999 };

static struct pki *pages_open(struct job *j)
{
	const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *pages = mmap(NULL, sizeof(struct pki), protection, flags, -1, 0);

	if (pages == MAP_FAILED) {
		job_fail_errno(j, "no memory for the master key");
		return NULL;
	}
	if (mlock(pages, sizeof(struct pki)))
		job_warn(
		    j, "the master key cannot be locked in memory (RLIMIT_MEMLOCK) and may be swapped out");
	/* A kernel that lacks the advice refuses it; then the limit of core files is all there is. */
	(void)madvise(pages, sizeof(struct pki), MADV_DONTDUMP);
	return pages;
}

static int open_group(struct job *j, struct pki *p)
{
	p->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	return p->group ? 0 : pki_fail(j, "make the group of P-256");
}

void pki_close(struct pki *p)
{
	if (!p)
		return;
	EC_GROUP_free(p->group);
	digest_cleanse(p, sizeof(*p));
	munmap(p, sizeof(*p)); /* unlocks too */
}

static int fail_file(struct job *j, const char *path, unsigned line, const char *what)
{
	return job_fail(j, E_CORRUPT, "bad_master_key",
	    "%s, line %u: %s; a line is a generation's number, a space and 64 digits of 0-9 and a-f", path,
	    line, what);
}

/* The number in front of a line; 0: there is none. Moves *s behind it and its space. */
static unsigned parse_number(const char **s)
{
	const char *c = *s;
	unsigned n = 0;

	while (isdigit((unsigned char)*c) && n <= GENERATION_MAX)
		n = n * 10 + (unsigned)(*c++ - '0');
	if (c == *s || **s == '0' || *c != ' ' || n > GENERATION_MAX)
		return 0;
	*s = c + 1;
	return n;
}

static int parse_line(struct job *j, struct pki *p, const char *path, const char *line)
{
	struct pki_generation *g = &p->generations[p->generations_n];
	unsigned at = (unsigned)p->generations_n + 1;

	if (at > PKI_GENERATIONS_MAX)
		return fail_file(j, path, at, "too many generations");
	g->number = parse_number(&line);
	if (!g->number)
		return fail_file(j, path, at, "no generation in front");
	if (p->generations_n && g->number <= g[-1].number)
		return fail_file(j, path, at, "generations must ascend");
	if (!digest_unhex(line, g->key, PKI_MASTER_BYTES))
		return fail_file(j, path, at, "the key is not 64 digits");
	p->generations_n++;
	return 0;
}

static int parse_text(struct job *j, struct pki *p, const char *path, size_t len)
{
	char *line = p->text, *end;

	if (len == sizeof(p->text))
		return fail_file(j, path, 1, "the file is too long");
	if (memchr(p->text, 0, len))
		return fail_file(j, path, 1, "the file holds a NUL byte");
	for (; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		if (parse_line(j, p, path, line))
			return j->error;
	}
	if (!p->generations_n)
		return fail_file(j, path, 1, "the file is empty");
	return 0;
}

/* Until the end or max, whatever the file is: a credential may come through a pipe. */
static ssize_t read_all(int fd, char *to, size_t max)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, to + len, max - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < max) || (n < 0 && errno == EINTR));
	return n < 0 ? n : (ssize_t)len;
}

static int read_text(struct job *j, struct pki *p, const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return job_fail(j, E_NOT_FOUND, "no_master_key",
		    "there is no master key at %s: put this state's there, from its backup", path);
	if (fd < 0)
		return job_fail_errno(j, "cannot open the master key %s", path);
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_mode & (S_IWGRP | S_IRWXO))
		job_warn(j, "the master key %s is open to others: chmod 600 it", path);
	n = read_all(fd, p->text, sizeof(p->text));
	if (n < 0)
		job_fail_errno(j, "cannot read the master key %s", path);
	close(fd);
	*len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? E_IO : 0;
}

static int find_fingerprint(struct job *j, struct pki *p)
{
	struct pki_purpose purpose = { pki_newest(p)->number, "fingerprint", "master" };
	uint8_t bytes[FINGERPRINT_BYTES];

	if (pki_derive(j, p, &purpose, bytes, sizeof(bytes)))
		return j->error;
	memcpy(p->fingerprint, FINGERPRINT_HEAD, sizeof(FINGERPRINT_HEAD));
	digest_hex(bytes, sizeof(bytes), p->fingerprint + sizeof(FINGERPRINT_HEAD) - 1);
	return 0;
}

int pki_open(struct job *j, const char *path, struct pki **out)
{
	struct pki *p = pages_open(j);
	size_t len = 0;

	if (!p)
		return j->error;
	if (open_group(j, p) || read_text(j, p, path, &len) || parse_text(j, p, path, len) ||
	    find_fingerprint(j, p)) {
		pki_close(p);
		return j->error;
	}
	digest_cleanse(p->text, sizeof(p->text));
	*out = p;
	return 0;
}

static int fail_link(struct job *j, const char *path)
{
	if (errno == EEXIST)
		return job_fail(
		    j, E_CONFLICT, "master_key_exists", "there is a master key at %s already", path);
	return job_fail_errno(j, "cannot make the master key %s", path);
}

/* A master key in place is never overwritten, not even by two at once: link refuses, rename would not. */
int pki_create_master(struct job *j, const char *path)
{
	const char *folder = dirname(arena_strdup(j->arena, path)), *temp;
	uint8_t name[8], key[PKI_MASTER_BYTES];
	char line[KEY_HEX + 4] = "1 ", hex[2 * sizeof(name) + 1];
	int error = 0;

	digest_random(name, sizeof(name));
	digest_hex(name, sizeof(name), hex);
	temp = arena_printf(j->arena, "%s/.%s.tmp", folder, hex); /* as fs_write's, for fs_sweep */
	digest_random(key, sizeof(key));
	digest_hex(key, sizeof(key), line + 2);
	line[KEY_HEX + 2] = '\n';
	if (fs_write(j, temp, line, KEY_HEX + 3, 0600)) {
		error = j->error;
	} else if (link(temp, path)) {
		error = fail_link(j, path);
	}
	if (unlink(temp) && !error)
		error = job_fail_errno(j, "cannot remove %s", temp);
	if (!error)
		error = fs_sync_dir(j, folder);
	digest_cleanse(key, sizeof(key));
	digest_cleanse(line, sizeof(line));
	return error;
}

const struct pki_generation *pki_newest(const struct pki *p)
{
	return &p->generations[p->generations_n - 1];
}

void pki_fingerprint(const struct pki *p, char out[PKI_FINGERPRINT])
{
	memcpy(out, p->fingerprint, PKI_FINGERPRINT);
}
