/* The model for other threads, and how the writer gets it for itself. */
#include "flow/flow_int.h"

void flow_take_model(struct flow *f)
{
	atomic_store(&f->is_in_place, false);
	pthread_rwlock_wrlock(&f->model_lock);
}

void flow_give_model(struct flow *f)
{
	pthread_rwlock_unlock(&f->model_lock);
}

bool flow_read_model(struct flow *f,
    void (*read)(void *context, const struct model *m, const struct oid *commit), void *context)
{
	bool is_in_place;

	/* Asked before as well: while the writer waits for the model no reader makes it wait for longer. */
	if (!atomic_load(&f->is_in_place))
		return false;
	pthread_rwlock_rdlock(&f->model_lock);
	is_in_place = atomic_load(&f->is_in_place);
	if (is_in_place)
		read(context, f->model, &f->head);
	pthread_rwlock_unlock(&f->model_lock);
	return is_in_place;
}
