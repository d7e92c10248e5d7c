/*
 * store_impl.h: for those who implement a store.
 *
 * A backend's struct begins with struct store; its open function fills in ops
 * and location.  The front door (store.c) has checked keys and adds context
 * (location, operation, key) to errors, so a backend reports the bare cause.
 */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include "store/store.h"

struct store_ops {
	/* NULL: it cannot be told.  ERR_DENIED, here and below, becomes ERR_READ_ONLY. */
	enum err_code (*check_writable)(struct store *s, struct err *err);
	enum err_code (*put)(
	    struct store *s, const char *key, const void *data, size_t len, struct err *err);
	enum err_code (*get)(
	    struct store *s, const char *key, size_t max, struct buf *out, struct err *err);
	enum err_code (*get_range)(struct store *s, const char *key, uint64_t offset, void *out,
	    size_t len, struct err *err);
	enum err_code (*size)(
	    struct store *s, const char *key, uint64_t *size, struct err *err);
	enum err_code (*list)(struct store *s, const char *prefix, const char *after,
	    store_entry_fn *fn, void *arg, struct err *err);
	/* NULL: nothing that is shown is undone */
	enum err_code (*settle)(struct store *s, const char *folder, struct err *err);
	enum err_code (*del)(struct store *s, const char *key, struct err *err);
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	const char *location; /* the backend's */
	unsigned list_lag_s; /* see store_list_lag_s */
	unsigned parallel; /* see store_parallel; 0: 1 */
	/* What has failed is not to be tried again before this moment of clock_mono_ns, says
	 * who keeps it (Retry-After); 0: nothing was said. */
	_Atomic int64_t not_before_ns;
};

#endif
