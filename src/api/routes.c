/* The table of all routes: what the README's API table says. */
#include "api/api_int.h"

static const struct http_route routes[] = {
	{ "GET", "/users", 0, users_list },
	{ "POST", "/users", HTTP_BODY, users_create },
	{ "GET", "/user/{}", 0, users_get },
	{ "PATCH", "/user/{}", HTTP_BODY, users_patch },
	{ "DELETE", "/user/{}", 0, users_delete },
	{ "GET", "/gateways", 0, gateways_list },
	{ "POST", "/gateways", HTTP_BODY, gateways_create },
	{ "GET", "/gateway/{}", 0, gateways_get },
	{ "PATCH", "/gateway/{}", HTTP_BODY, gateways_patch },
	{ "DELETE", "/gateway/{}", 0, gateways_delete },
	{ "POST", "/gateway/{}/renew", HTTP_BODY_OPTIONAL, gateways_renew },
	{ "GET", "/gateway/{}/config", 0, profile_get },
	{ "POST", "/rollback", HTTP_BODY, rollback_to },
	{ "POST", "/commit/{}/revert", HTTP_BODY_OPTIONAL, rollback_revert },
	{ "POST", "/confirm/{}", 0, confirm_keep },
	{ "DELETE", "/confirm/{}", 0, confirm_undo },
	{ "POST", "/batch", HTTP_BODY | HTTP_BODY_LARGE, batch_apply },
	{ "POST", "/push", HTTP_BODY, push_accept },
	{ "GET", "/log", 0, log_list },
	{ "GET", "/commit/{}", 0, log_show },
	{ "GET", "/address/{}", 0, address_get },
	{ "GET", "/network", 0, network_get },
	{ "GET", "/ca.crt", 0, certificates_get_ca },
	{ "GET", "/crl.pem", 0, certificates_get_crl },
	{ "GET", "/state", 0, state_get },
	{ "GET", "/render", 0, state_check },
	{ "POST", "/render", 0, state_render },
	{ "GET", "/openapi.json", HTTP_PUBLIC, pages_get },
	{ "GET", "/docs", HTTP_PUBLIC, pages_get },
	{ "GET", "/docs/docs.css", HTTP_PUBLIC, pages_get },
	{ "GET", "/docs/docs.js", HTTP_PUBLIC, pages_get },
	{ "GET", "/healthz", HTTP_PUBLIC, health_alive },
	{ "GET", "/readyz", HTTP_PUBLIC, health_ready },
};

const struct http_route *api_routes(size_t *n)
{
	*n = sizeof(routes) / sizeof(*routes);
	return routes;
}
