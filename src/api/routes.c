/* The table of all routes: what the README's API table says. */
#include "api/api_int.h"

enum { OF_ONE = ROUTE_OF_USER | ROUTE_OF_GATEWAY };

static const struct http_route routes[] = {
	{ "GET", "/users", ROUTE_OF_USER, users_list },
	{ "POST", "/users", HTTP_BODY, users_create },
	{ "GET", "/user/{}", ROUTE_OF_USER, users_get },
	{ "PATCH", "/user/{}", HTTP_BODY, users_patch },
	{ "DELETE", "/user/{}", 0, users_delete },
	{ "GET", "/gateways", ROUTE_OF_USER, gateways_list },
	{ "POST", "/gateways", HTTP_BODY | ROUTE_OF_USER, gateways_create },
	{ "GET", "/gateway/{}", OF_ONE, gateways_get },
	{ "PATCH", "/gateway/{}", HTTP_BODY | ROUTE_OF_USER, gateways_patch },
	{ "DELETE", "/gateway/{}", ROUTE_OF_USER, gateways_delete },
	{ "POST", "/gateway/{}/renew", HTTP_BODY_OPTIONAL | OF_ONE, gateways_renew },
	{ "GET", "/gateway/{}/config", ROUTE_SECRET | OF_ONE, profile_get },
	{ "POST", "/gateway/{}/link", ROUTE_SECRET | ROUTE_OF_USER, link_create },
	{ "GET", "/link/{}", HTTP_PUBLIC | HTTP_SECRET_PATH, link_take },
	{ "POST", "/rollback", HTTP_BODY, rollback_to },
	{ "POST", "/commit/{}/revert", HTTP_BODY_OPTIONAL, rollback_revert },
	{ "POST", "/confirm/{}", 0, confirm_keep },
	{ "DELETE", "/confirm/{}", 0, confirm_undo },
	{ "POST", "/batch", HTTP_BODY | HTTP_BODY_LARGE | ROUTE_OF_USER, batch_apply },
	{ "POST", "/push", HTTP_BODY | ROUTE_OWN, push_accept },
	{ "GET", "/log", 0, log_list },
	{ "GET", "/commit/{}", 0, log_show },
	{ "GET", "/address/{}", 0, address_get },
	{ "GET", "/network", ROUTE_OF_USER, network_get },
	{ "PATCH", "/network", HTTP_BODY, network_patch },
	{ "GET", "/server", 0, server_get },
	{ "PATCH", "/server", HTTP_BODY, server_patch },
	{ "POST", "/server/restart", 0, server_restart },
	{ "GET", "/tokens", 0, tokens_list },
	{ "POST", "/tokens", HTTP_BODY, tokens_create },
	{ "DELETE", "/token/{}", 0, tokens_delete },
	{ "GET", "/signers", 0, signers_list },
	{ "POST", "/signers", HTTP_BODY, signers_create },
	{ "DELETE", "/signer/{}", 0, signers_delete },
	{ "GET", "/ca.crt", OF_ONE, certificates_get_ca },
	{ "GET", "/crl.pem", OF_ONE, certificates_get_crl },
	{ "GET", "/state", 0, state_get },
	{ "GET", "/metrics", 0, metrics_get },
	{ "GET", "/events", 0, events_get },
	{ "GET", "/render", 0, state_check },
	{ "POST", "/render", 0, state_render },
	{ "GET", "/", HTTP_PUBLIC, pages_get },
	{ "GET", "/console/{}", HTTP_PUBLIC, pages_get },
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
