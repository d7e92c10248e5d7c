/*
 * hook_store.h: a store that does something else before its nth operation: so
 * that a whole other run can happen at any step of one.  It may tell that its
 * packs are older than they are.
 */
#ifndef TESTS_UNIT_ENGINE_HOOK_STORE_H
#define TESTS_UNIT_ENGINE_HOOK_STORE_H

#include "store/store_impl.h"

#include <pthread.h>

struct hook_store {
	struct store store;
	struct store *inner; /* borrowed */
	pthread_mutex_t lock; /* guards count */
	unsigned count;
	unsigned at; /* 0: never */
	int64_t packs_age_ns; /* are listed so much older */
	void (*fn)(void *arg);
	void *arg;
};

static inline struct store *
hook_pass(struct store *s)
{
	struct hook_store *h = (struct hook_store *)s;
	pthread_mutex_lock(&h->lock);
	bool is_it = ++h->count == h->at;
	pthread_mutex_unlock(&h->lock);
	if (is_it)
		h->fn(h->arg);
	return h->inner;
}

static inline enum err_code
hook_put(struct store *s, const char *key, const void *data, size_t len, struct err *err)
{
	struct store *in = hook_pass(s);
	return in->ops->put(in, key, data, len, err);
}

static inline enum err_code
hook_get(struct store *s, const char *key, size_t max, struct buf *out, struct err *err)
{
	struct store *in = hook_pass(s);
	return in->ops->get(in, key, max, out, err);
}

static inline enum err_code
hook_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err)
{
	struct store *in = hook_pass(s);
	return in->ops->get_range(in, key, offset, out, len, err);
}

static inline enum err_code
hook_size(struct store *s, const char *key, uint64_t *size, struct err *err)
{
	struct store *in = hook_pass(s);
	return in->ops->size(in, key, size, err);
}

struct hook_listing {
	const struct hook_store *hook;
	store_entry_fn *fn;
	void *arg;
};

static inline enum err_code
hook_entry(void *arg, const struct store_entry *e, struct err *err)
{
	const struct hook_listing *l = arg;
	struct store_entry told = *e;
	if (strncmp(e->key, "packs/", strlen("packs/")) == 0)
		told.modified_ns -= l->hook->packs_age_ns;
	return l->fn(l->arg, &told, err);
}

static inline enum err_code
hook_list(struct store *s, const char *prefix, const char *after, store_entry_fn *fn, void *arg,
    struct err *err)
{
	struct store *in = hook_pass(s);
	struct hook_listing l = { (const struct hook_store *)s, fn, arg };
	return in->ops->list(in, prefix, after, hook_entry, &l, err);
}

static inline enum err_code
hook_delete(struct store *s, const char *key, struct err *err)
{
	struct store *in = hook_pass(s);
	return in->ops->del(in, key, err);
}

static inline void
hook_close(struct store *s)
{
	(void)s;
}

/* A value; inner outlives it. */
static inline void
hook_store_init(
    struct hook_store *h, struct store *inner, unsigned at, void (*fn)(void *arg), void *arg)
{
	static const struct store_ops ops = {
		.put = hook_put,
		.get = hook_get,
		.get_range = hook_get_range,
		.size = hook_size,
		.list = hook_list,
		.del = hook_delete,
		.close = hook_close,
	};
	*h = (struct hook_store){
		.store = { .ops = &ops, .location = "memory" },
		.inner = inner,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.at = at,
		.fn = fn,
		.arg = arg,
	};
}

#endif
