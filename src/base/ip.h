/* IPv6 prefixes: parse, print, slice. RFC 4291 in, RFC 5952 out. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { IP_TEXT = INET6_ADDRSTRLEN + 4 };

struct ip_prefix {
	struct in6_addr addr; /* host bits are zero */
	unsigned len;         /* 0..128 */
};

/* "2001:db8::/48"; false on anything else: no zone, no IPv4 form, no host bits set. */
bool ip_parse_prefix(const char *text, struct ip_prefix *out);
bool ip_parse_addr(const char *text, struct in6_addr *out); /* false also on a mapped IPv4 form */

/* Both write at most IP_TEXT bytes and return out. */
const char *ip_print_addr(const struct in6_addr *a, char out[IP_TEXT]);
const char *ip_print_prefix(const struct ip_prefix *p, char out[IP_TEXT]);

/* Write the low `bits` bits of value into p behind its length, which grows by bits. */
struct ip_prefix ip_extend(const struct ip_prefix *p, unsigned bits, uint64_t value);
/* The bits [from, from + bits) of an address, as a number; bits <= 64. */
uint64_t ip_slice(const struct in6_addr *a, unsigned from, unsigned bits);
bool ip_contains(const struct ip_prefix *p, const struct in6_addr *a);
/* The address of p whose last 64 bits are iid (p->len <= 64). */
struct in6_addr ip_host(const struct ip_prefix *p, uint64_t iid);
/* The netmask of a prefix length: ffff:ffff:ffff:fff0::. */
struct in6_addr ip_mask(unsigned len);

#endif
