/*
 * IPv6 addresses and prefixes as the address plan needs them: bits put in
 * and read back by position, counted from the left as a prefix length is.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"

enum { IP_BITS = 128, IP_GROUPS = 8 };

static bool ip_bit(const struct in6_addr *a, unsigned at)
{
	return a->s6_addr[at / 8] >> (7 - at % 8) & 1;
}

static void ip_set(struct in6_addr *a, unsigned at, bool bit)
{
	uint8_t mask = (uint8_t)(0x80 >> at % 8);

	if (bit)
		a->s6_addr[at / 8] |= mask;
	else
		a->s6_addr[at / 8] &= (uint8_t)~mask;
}

bool ip_parse_addr(const char *text, struct in6_addr *out)
{
	struct in6_addr a;

	if (strchr(text, '.') || inet_pton(AF_INET6, text, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return false;
	*out = a;
	return true;
}

/* "0" to "128", no sign, no leading zero. */
static bool ip_parse_len(const char *text, unsigned *out)
{
	unsigned value = 0;
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
		return false;
	while (*text)
		value = value * 10 + (unsigned)(*text++ - '0');
	*out = value;
	return value <= IP_BITS;
}

bool ip_parse_prefix(const char *text, struct ip_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	struct ip_prefix p;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (!ip_parse_addr(addr, &p.addr) || !ip_parse_len(slash + 1, &p.len))
		return false;
	for (unsigned i = p.len; i < IP_BITS; i++)
		if (ip_bit(&p.addr, i))
			return false;
	*out = p;
	return true;
}

static unsigned ip_group(const struct in6_addr *a, unsigned i)
{
	return (unsigned)a->s6_addr[2 * i] << 8 | a->s6_addr[2 * i + 1];
}

/* The first of the longest runs of zero groups; *len is 0 when none has two. */
static unsigned ip_zeros(const struct in6_addr *a, unsigned *len)
{
	unsigned best = 0;

	*len = 0;
	for (unsigned i = 0, run = 0; i < IP_GROUPS; i++) {
		run = ip_group(a, i) ? 0 : run + 1;
		if (run > *len && run > 1) {
			*len = run;
			best = i + 1 - run;
		}
	}
	return best;
}

/* Not inet_ntop: it writes some addresses with dots, which ip_parse_addr refuses. */
const char *ip_print_addr(const struct in6_addr *a, char out[IP_TEXT])
{
	unsigned len, zeros = ip_zeros(a, &len);
	char *p = out, *end = out + IP_TEXT;

	for (unsigned i = 0; i < IP_GROUPS;) {
		if (len && i == zeros) {
			p += snprintf(p, (size_t)(end - p), "::");
			i += len;
			continue;
		}
		if (i && p[-1] != ':')
			*p++ = ':';
		p += snprintf(p, (size_t)(end - p), "%x", ip_group(a, i));
		i++;
	}
	return out;
}

const char *ip_print_prefix(const struct ip_prefix *p, char out[IP_TEXT])
{
	size_t n = strlen(ip_print_addr(&p->addr, out));

	snprintf(out + n, IP_TEXT - n, "/%u", p->len);
	return out;
}

struct ip_prefix ip_extend(const struct ip_prefix *p, unsigned bits, uint64_t value)
{
	struct ip_prefix out = *p;

	assert(bits <= 64 && p->len + bits <= IP_BITS);
	for (unsigned i = 0; i < bits; i++)
		ip_set(&out.addr, p->len + i, value >> (bits - 1 - i) & 1);
	out.len += bits;
	return out;
}

uint64_t ip_slice(const struct in6_addr *a, unsigned from, unsigned bits)
{
	uint64_t value = 0;

	assert(bits <= 64 && from + bits <= IP_BITS);
	for (unsigned i = 0; i < bits; i++)
		value = value << 1 | ip_bit(a, from + i);
	return value;
}

bool ip_contains(const struct ip_prefix *p, const struct in6_addr *a)
{
	for (unsigned i = 0; i < p->len; i++)
		if (ip_bit(&p->addr, i) != ip_bit(a, i))
			return false;
	return true;
}

struct in6_addr ip_host(const struct ip_prefix *p, uint64_t iid)
{
	struct ip_prefix half = *p;

	assert(p->len <= 64);
	half.len = 64;
	return ip_extend(&half, 64, iid).addr;
}

struct in6_addr ip_mask(unsigned len)
{
	struct in6_addr mask = { 0 };

	for (unsigned i = 0; i < len; i++)
		ip_set(&mask, i, true);
	return mask;
}
