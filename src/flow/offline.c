/* `vpnunit render` where no service runs: the same steps as a boot, once, on one thread. */
#include <string.h>

#include "base/fs.h"
#include "flow/flow_int.h"

static int render_once(struct job *j, struct flow *f, bool full, char ***differences)
{
	if (differences)
		return render_check(j, f->render, f->model, f->head.hex, differences);
	if (flow_bring_forward(j, f, full))
		return j->error;
	while (flow_index_more(f))
		;
	return 0;
}

int flow_render_offline(
    struct job *j, const struct flow_options *o, const char *out_dir, bool full, char ***differences)
{
	bool is_elsewhere = out_dir && strcmp(out_dir, o->data) != 0;
	struct flow f = { .lock = -1 };

	if (flow_load(j, o, !is_elsewhere, &f))
		goto out;
	if (is_elsewhere && fs_mkdirs(j, out_dir, 0750))
		goto out;
	if (render_open(
		j, is_elsewhere ? out_dir : o->data, flow_group(j, o->openvpn_group), f.pki, &f.render) ||
	    flow_check_age(j, &f))
		goto out;
	render_once(j, &f, full, differences);
out:
	flow_stop_indexing(&f);
	render_close(f.render);
	flow_unload(&f);
	return j->error;
}
