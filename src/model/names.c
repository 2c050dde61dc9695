/* Names and words: what a user, a gateway, an id may look like. */
#include <string.h>

#include "model/model.h"

bool model_is_user_name(const char *s)
{
	size_t len = strlen(s);

	if (len < 1 || len > USER_NAME_MAX || strchr("._-", s[0]))
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

/* RFC 1123, 2.1: labels of 1 to 63 letters, digits and hyphens, none at an end. */
static bool is_label(const char *s, size_t len)
{
	if (len < 1 || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

bool model_is_gateway_name(const char *s)
{
	if (strlen(s) > GATEWAY_NAME_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(s, ".");

		if (!is_label(s, len))
			return false;
		if (!s[len])
			return true;
		s += len + 1;
	}
}

bool model_is_id128(const char *s)
{
	return strlen(s) == ID128_HEX - 1 && strspn(s, "0123456789abcdef") == ID128_HEX - 1;
}

const char *model_inbound_word(enum inbound v)
{
	return v == INBOUND_ALLOW ? "allow" : "deny";
}

const char *model_routes_word(enum routes v)
{
	return v == ROUTES_INTERNET ? "internet" : "prefix";
}

const char *model_kind_word(enum certificate_kind v)
{
	static const char *const words[] = { "ca", "server", "api", "gateway" };

	return words[v];
}

const char *model_reason_word(enum revocation_reason v)
{
	switch (v) {
	case REASON_KEY_COMPROMISE:
		return "keyCompromise";
	case REASON_SUPERSEDED:
		return "superseded";
	case REASON_CESSATION_OF_OPERATION:
		return "cessationOfOperation";
	case REASON_CERTIFICATE_HOLD:
		return "certificateHold";
	default:
		return "unspecified";
	}
}
