/* /gateway/{fqdn}/config: the inline .ovpn. It holds a private key: logged, never stored, cleansed. */
#include <string.h>

#include "api/api_int.h"
#include "base/log.h"
#include "render/render.h"

static const char *const nothing_known[] = { NULL };

static int check_seen(struct http_request *req, const struct query_profile *p)
{
	struct ip_prefix place = model_gateway_prefix(
	    model_network(p->model), p->gateway->user, p->gateway->id);
	char text[IP_TEXT];

	if (access_sees(req, ip_print_prefix(&place, text), p->gateway->name))
		return 0;
	return job_fail(req->job, E_NOT_FOUND, "not_found", "no gateway %s", p->gateway->name);
}

int profile_find(struct http_request *req, const char *name, struct query_profile *out, const char **commit)
{
	struct api *api = req->context;

	return query_profile(req->job, api->query, name, out, commit) || check_seen(req, out)
	    ? req->job->error
	    : 0;
}

int profile_present(struct http_request *req, struct http_response *res, const char *name, const char *device)
{
	struct api *api = req->context;
	struct job *j = req->job;
	struct query_profile p = { 0 };
	const char *commit;
	struct buf b;

	buf_open(&b, j->arena);
	if (profile_find(req, name, &p, &commit))
		goto out;
	if (device && strcmp(p.gateway->device.hex, device) != 0) {
		job_fail(j, E_NOT_FOUND, "not_found", "%s is another device now", name);
		goto out;
	}
	if (render_profile(j, flow_pki(api->flow), p.model, p.gateway, &b))
		goto out;
	res->text = b.data;
	res->text_len = b.len;
	res->content_type = "application/x-openvpn-profile";
	res->is_secret = true;
	http_set_header(j, res, "X-Commit", commit);
	http_set_header(
	    j, res, "Content-Disposition", arena_printf(j->arena, "attachment; filename=\"%s.ovpn\"", name));
out:
	model_close(p.model);
	return j->error;
}

void profile_log(const struct job *j, const char *name)
{
	log_event(LOG_LEVEL_INFO, j->request_id, "", "configuration of %s given to %s", name, j->actor);
}

int profile_get(struct http_request *req, struct http_response *res)
{
	const char *name;

	if (http_query_known(req, nothing_known) || parse_gateway_name(req, &name) ||
	    profile_present(req, res, name, NULL))
		return req->job->error;
	profile_log(req->job, name);
	return 0;
}
