/*
 * DATA/state.json: which commit the rendered files are from, and the tunnel's
 * device.  deploy may have more rights than who wrote the file, so every value
 * is checked here before it becomes an argument or a path.
 */
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "deploy/deploy_int.h"

enum { STATE_MAX = 1024 * 1024, MTU_MIN = 1280, MTU_MAX = 65535 };

/* A name that is an interface's, an account's, a path's part, and never an option. */
static bool target_is_word(const char *s, size_t max)
{
	size_t len = strlen(s);

	return len && len < max && s[0] != '-' && s[0] != '.' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* The server's own address, "2001:db8::1/64": the tunnel is a network of that length. */
static bool target_parse_address(struct job *j, const char *text, struct target *t)
{
	const char *slash = strchr(text, '/');

	return slash && !strcmp(slash, "/64") &&
	    ip_parse_addr(arena_strndup(j->arena, text, (size_t)(slash - text)), &t->address) &&
	    ip_contains(&t->prefix, &t->address);
}

static int target_check(struct job *j, const char *address, const char *prefix, int64_t mtu, struct target *t)
{
	if (!target_is_word(t->device, IFNAMSIZ))
		return job_fail_field(j, "tun.device", "\"%s\" is no name of an interface", t->device);
	if (*t->user && !target_is_word(t->user, LOGIN_NAME_MAX))
		return job_fail_field(j, "tun.user", "\"%s\" is no name of a user", t->user);
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		return job_fail_field(j, "tun.mtu", "must be %d to %d", MTU_MIN, MTU_MAX);
	if (!ip_parse_prefix(prefix, &t->prefix))
		return job_fail_field(j, "tun.prefix", "\"%s\" is no prefix", prefix);
	if (!target_parse_address(j, address, t))
		return job_fail_field(j, "tun.address", "\"%s\" is no /64 address of the prefix", address);
	t->mtu = (unsigned)mtu;
	return 0;
}

static int target_parse(struct job *j, const struct buf *text, struct target *t)
{
	const char *commit = "", *address = "", *prefix = "";
	const struct json *tun, *user;
	struct json *top;
	int64_t mtu = 0;

	t->device = t->user = "";
	if (json_parse(j, text->data, text->len, &top) || json_want_string(j, top, "commit", true, &commit))
		return j->error;
	if (!record_is_commit(commit))
		return job_fail_field(j, "commit", "\"%s\" is no commit", commit);
	memcpy(t->commit, commit, OID_HEX);
	tun = json_get(top, "tun");
	if (json_want_object(j, tun) || json_want_string(j, tun, "device", true, &t->device) ||
	    json_want_int(j, tun, "mtu", true, &mtu) || json_want_string(j, tun, "address", true, &address) ||
	    json_want_string(j, tun, "prefix", true, &prefix))
		return j->error;
	user = json_get(tun, "user");
	if (user && user->type != JSON_NULL && json_want_string(j, tun, "user", true, &t->user))
		return j->error;
	return target_check(j, address, prefix, mtu, t);
}

int target_read(struct job *j, const char *data, struct target *out)
{
	const char *path = arena_printf(j->arena, "%s/state.json", data);
	struct buf text;
	int error = fs_read(j, path, STATE_MAX, &text);

	if (error == E_NOT_FOUND) {
		job_clear(j);
		return job_fail(j, E_NOT_FOUND, "not_found",
		    "there is no %s: nothing was rendered there yet (vpnunit render --data %s)", path, data);
	}
	if (error || target_parse(j, &text, out)) {
		const char *reason = j->message;

		job_clear(j);
		return job_fail(j, E_CORRUPT, "corrupt", "%s: %s", path, reason);
	}
	return 0;
}
