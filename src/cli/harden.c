/*
 * What `serve` gives up before its first thread: privileges it has no use for,
 * and being looked into.  As a user without capabilities, which is how the unit
 * starts it, there is little to give up; as root in a container there is a lot.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/serve.h"

enum { WORDS = _LINUX_CAPABILITY_U32S_3, PRIVILEGED_PORTS = 1024 };

static uint64_t bit(int capability)
{
	return 1ull << capability;
}

static bool has_privileged_port(const struct arguments *a)
{
	size_t i;

	for (i = 0; i < a->listen.n; i++) {
		const char *colon = strrchr(a->listen.word[i], ':');

		if (colon && strncmp(a->listen.word[i], "unix:", 5) != 0 &&
		    strtol(colon + 1, NULL, 10) < PRIVILEGED_PORTS)
			return true;
	}
	return false;
}

/* As root: whose the folder and OpenVPN's files are. For the hook that deploys: what it needs alone. */
static uint64_t find_needed(const struct arguments *a)
{
	uint64_t needed = bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER);

	if (!a->hooks)
		needed |= bit(CAP_NET_ADMIN);
	if (has_privileged_port(a))
		needed |= bit(CAP_NET_BIND_SERVICE);
	return needed;
}

/* The bounding set first: to take from it is a privilege too, and its lack no failure. */
static void shrink_bounds(uint64_t needed)
{
	int c;

	for (c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(needed & bit(c))) {
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, c, 0, 0);
		}
}

static int drop_capabilities(struct job *j, uint64_t needed)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[WORDS];
	int i;

	if (syscall(SYS_capget, &header, data))
		return job_fail_errno(j, "cannot read the capabilities");
	for (i = 0; i < WORDS; i++) {
		uint32_t keep = (uint32_t)(needed >> 32 * i);

		data[i].permitted &= keep;
		data[i].inheritable &= keep;
		data[i].effective = data[i].permitted;
	}
	return syscall(SYS_capset, &header, data) ? job_fail_errno(j, "cannot drop capabilities") : 0;
}

int serve_harden(struct job *j, const struct arguments *a)
{
	uint64_t needed = find_needed(a);

	shrink_bounds(needed);
	if (drop_capabilities(j, needed))
		return j->error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return job_fail_errno(j, "cannot give up privileges");
	return 0;
}
