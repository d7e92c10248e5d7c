/*
 * A wrapper that fails on purpose: see store_open_fault.
 */
#include "store/store_impl.h"

#include <pthread.h>

struct fault {
	struct store store;
	struct store *inner;
	pthread_mutex_t lock; /* guards plan */
	struct store_fault *plan;
};

static struct fault *
fault_of(struct store *s)
{
	return (struct fault *)s;
}

/* The store to ask, or NULL when this operation is to fail. */
static struct store *
pass(struct store *s, struct err *err)
{
	struct fault *f = fault_of(s);
	pthread_mutex_lock(&f->lock);
	unsigned n = ++f->plan->count;
	bool fails = f->plan->fail_at > 0 &&
		     (n == f->plan->fail_at || (f->plan->sticky && n > f->plan->fail_at));
	pthread_mutex_unlock(&f->lock);
	if (!fails)
		return f->inner;
	err_set(err, ERR_IO, "fault injected at operation %u", n);
	return NULL;
}

static enum err_code
fault_check_writable(struct store *s, struct err *err)
{
	return store_check_writable(fault_of(s)->inner, err); /* no operation of the store */
}

static enum err_code
fault_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->put(in, key, data, len, err);
}

static enum err_code
fault_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->get(in, key, max, out, err);
}

static enum err_code
fault_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->get_range(in, key, offset, out, len, err);
}

static enum err_code
fault_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->size(in, key, size, err);
}

static enum err_code
fault_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn,
    void *arg, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->list(in, prefix, after, fn, arg, err);
}

static enum err_code
fault_settle(struct store *s, const char *folder, struct err *err)
{
	struct store *in = pass(s, err);
	if (in == NULL)
		return err->code;
	return in->ops->settle != NULL ? in->ops->settle(in, folder, err) : ERR_OK;
}

static enum err_code
fault_delete(struct store *s, const char *key, struct err *err)
{
	struct store *in = pass(s, err);
	return in == NULL ? err->code : in->ops->del(in, key, err);
}

static void
fault_close(struct store *s)
{
	struct fault *f = fault_of(s);
	store_close(f->inner);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static const struct store_ops fault_ops = {
	.check_writable = fault_check_writable,
	.put = fault_put,
	.get = fault_get,
	.get_range = fault_get_range,
	.size = fault_size,
	.list = fault_list,
	.settle = fault_settle,
	.del = fault_delete,
	.close = fault_close,
};

enum err_code
store_open_fault(
    struct store **out, struct store *inner, struct store_fault *plan, struct err *err)
{
	struct fault *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	pthread_mutex_init(&f->lock, NULL);
	f->store.ops = &fault_ops;
	f->store.location = inner->location;
	f->store.list_lag_s = inner->list_lag_s;
	f->store.parallel = inner->parallel;
	f->inner = inner;
	f->plan = plan;
	*out = &f->store;
	return ERR_OK;
}
