/*
 * The persistent tun with the server's address, and the kernel's forwarding.
 * The device outlives every process, so that addresses and routes stay while
 * OpenVPN restarts (openvpn.md, "The shape that works").
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "deploy/deploy_int.h"

/* Who may open it: the user and the group of that name, as far as they exist here. */
static int tun_give(struct job *j, int fd, const struct target *t)
{
	const struct passwd *user = getpwnam(t->user);
	const struct group *group = getgrnam(t->user);

	if ((user && ioctl(fd, TUNSETOWNER, (unsigned long)user->pw_uid)) ||
	    (group && ioctl(fd, TUNSETGROUP, (unsigned long)group->gr_gid)))
		return job_fail_errno(j, "cannot give %s to %s", t->device, t->user);
	if (ioctl(fd, TUNSETPERSIST, 1UL))
		return job_fail_errno(j, "cannot keep %s", t->device);
	return 0;
}

/* The number that a file of the kernel's begins with, or -1. */
static long tun_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32], *end;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	long number;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	number = strtol(text, &end, 10);
	return end == text ? -1 : number;
}

/* It is there, and opens for its user: a device that was made before the user was isn't. */
static bool tun_is_ready(struct job *j, const struct target *t)
{
	const struct passwd *user = getpwnam(t->user);
	const char *owner = arena_printf(j->arena, "/sys/class/net/%s/owner", t->device);

	return if_nametoindex(t->device) && (!user || tun_number(owner) == (long)user->pw_uid);
}

static int tun_create(struct job *j, const struct target *t)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int error = 0, fd;

	if (tun_is_ready(j, t))
		return 0;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return job_fail_errno(j, "cannot open /dev/net/tun for the device %s", t->device);
	strncpy(request.ifr_name, t->device, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		error = tun_give(j, fd, t);
	else if (errno != EBUSY) /* OpenVPN has it open, so all is well */
		error = job_fail_errno(j, "cannot make the device %s", t->device);
	close(fd);
	return error;
}

int tun_make(struct job *j, const struct target *t)
{
	static const char *const ip[] = { "ip", "-6", "-batch", "-", NULL };
	struct buf commands, output;
	char address[IP_TEXT];

	if (tun_create(j, t))
		return j->error;
	buf_open(&commands, j->arena);
	buf_printf(&commands, "link set dev %s up mtu %u\n", t->device, t->mtu);
	buf_printf(
	    &commands, "addr replace %s/64 dev %s nodad\n", ip_print_addr(&t->address, address), t->device);
	return tool_run(j, ip, &commands, &output);
}

/* --- forwarding --- */

static int tun_sysctl(struct job *j, const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, value, strlen(value));
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return n < 0 ? job_fail_errno(j, "cannot write %s to %s", value, path) : 0;
}

/*
 * A forwarding host ignores router advertisements unless accept_ra is 2, and so would lose the default
 * route that it has from one.  0 there means that a program of the host, not the kernel, handles them.
 */
static int tun_keep_uplink(struct job *j, const char *device)
{
	const char *path = arena_printf(j->arena, "/proc/sys/net/ipv6/conf/%s/accept_ra", device);

	if (strchr(device, '/') || tun_number(path) != 1)
		return 0;
	return tun_sysctl(j, path, "2");
}

static int tun_keep_uplinks(struct job *j)
{
	static const char *const ip[] = { "ip", "-6", "-j", "route", "show", "default", NULL };
	const char *device, *protocol;
	struct json *list, *v;
	struct buf output;

	if (tool_run(j, ip, NULL, &output) || json_parse(j, output.data, output.len, &list))
		return j->error;
	for (v = list->child; v; v = v->next) {
		device = protocol = "";
		if (json_want_string(j, v, "dev", false, &device) ||
		    json_want_string(j, v, "protocol", false, &protocol))
			return j->error;
		if (!strcmp(protocol, "ra") && tun_keep_uplink(j, device))
			return j->error;
	}
	return 0;
}

int tun_forward(struct job *j)
{
	static const char forwarding[] = "/proc/sys/net/ipv6/conf/all/forwarding";

	if (tun_number(forwarding) == 1)
		return 0;
	if (tun_keep_uplinks(j))
		return j->error;
	return tun_sysctl(j, forwarding, "1");
}
