/* The other end of a connection: an address, or the process behind a unix socket. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "http/http_int.h"

bool peer_user(const struct mg_connection *conn, uid_t *out)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(civetweb_socket(conn), SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return false;
	*out = peer.uid;
	return true;
}

/* Who has one IPv6 address usually has the 2^64 of its network too. */
static const char *print_v6(struct arena *a, struct in6_addr *v6)
{
	char text[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(v6))
		return arena_strdup(a, inet_ntop(AF_INET, &v6->s6_addr[12], text, sizeof(text)));
	memset(&v6->s6_addr[8], 0, 8);
	return arena_printf(a, "%s/64", inet_ntop(AF_INET6, v6, text, sizeof(text)));
}

const char *peer_source(struct exchange *x)
{
	struct arena *a = x->job.arena;
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(name);
	char text[INET_ADDRSTRLEN];
	uid_t user;

	if (getpeername(civetweb_socket(x->conn), (struct sockaddr *)&name, &len) < 0)
		return "a connection that is gone";
	if (name.ss_family == AF_INET6)
		return print_v6(a, &((struct sockaddr_in6 *)&name)->sin6_addr);
	if (name.ss_family == AF_INET)
		return arena_strdup(
		    a, inet_ntop(AF_INET, &((struct sockaddr_in *)&name)->sin_addr, text, sizeof(text)));
	return peer_user(x->conn, &user) ? arena_printf(a, "a process of uid %u", (unsigned)user)
					 : "a local process";
}

bool peer_is_gone(const struct mg_connection *conn)
{
	struct pollfd fd = { .fd = civetweb_socket(conn), .events = POLLRDHUP };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}
