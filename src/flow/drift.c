/*
 * Drift: does the disk still hold what HEAD renders?  The writer's thread looks,
 * since it alone knows when files are at rest, a part at a time and for a tenth
 * of each second at most, less while changes come: seconds for a thousand gateways,
 * minutes for a hundred thousand, and nobody waits for it.  What differs is rendered
 * anew, and said.
 */
#include "base/log.h"
#include "base/time.h"
#include "flow/flow_int.h"

enum { SHARE_MS = 100 }; /* of a second */

/* The kernel may have been told what was on the disk meanwhile. */
static void deploy_again(struct flow *f)
{
	struct deploy_task task = { .old_commit = f->head.hex, .new_commit = f->head.hex };

	deploy_submit(f->deploy, &task);
}

/* It is told until the next look finds nothing. */
static void repair(struct job *j, struct flow *f, char **drift)
{
	char **d;

	for (d = drift; *d; d++)
		log_line(LOG_LEVEL_WARNING, "drift: %s: rendered anew", *d);
	flow_set_drift(f, drift);
	if (!*drift)
		return;
	if (flow_bring_forward(j, f, true))
		log_line(LOG_LEVEL_ERROR, "repair: %s", j->message);
	else
		deploy_again(f);
	flow_publish_snapshot(f, j->error ? j->message : NULL);
}

static void stop_checking(struct flow *f)
{
	render_checking_close(f->checking);
	f->checking = NULL;
}

void flow_start_checking(struct flow *f)
{
	if (!f->checking)
		f->checking = render_checking_open(false);
}

bool flow_check_more(struct flow *f)
{
	int64_t began = time_monotonic_ms();
	bool more;
	struct job j;

	if (!f->checking || !flow_has_time(f, SHARE_MS))
		return false;
	if (!f->rendered[0]) { /* it can't be what it should, and is being brought there */
		stop_checking(f);
		return false;
	}
	job_open(&j);
	if (render_check_part(&j, f->render, f->model, f->head.hex, f->checking, &more))
		log_line(LOG_LEVEL_ERROR, "check of rendered files: %s", j.message);
	else if (!more)
		repair(&j, f, render_checking_found(f->checking));
	job_close(&j);
	if (!more)
		stop_checking(f);
	f->spent_ms += time_monotonic_ms() - began;
	return f->checking && flow_has_time(f, SHARE_MS);
}
