/*
 * store.h: named blobs, kept somewhere.
 *
 * A store holds immutable objects under printable keys: segments of [a-z0-9]
 * joined by '/', e.g. "packs/3f/3f02…".  It knows nothing of packs, encryption
 * or snapshots; repo/ builds those on top.  The operations are those that every
 * object store has: no rename, no append, no locks.
 *
 * Ownership: store_open_* returns a store the caller must store_close().
 * Threads:   any number of threads may use one store at once.
 * Errors:    ERR_NOT_FOUND only if the object is certainly absent;
 *            ERR_TRANSIENT if a retry may help; ERR_READ_ONLY when what would change
 *            something is not allowed to; all others are final.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"

#include <stdbool.h>

#define STORE_KEY_MAX 200

struct store;

/* One object of a listing. */
struct store_entry {
	char key[STORE_KEY_MAX];
	uint64_t size;
	int64_t modified_ns; /* by the store's clock, since 1970; 0: it does not tell */
};

/* Called for each object in key order; a code other than ERR_OK ends the listing with it. */
typedef enum err_code store_entry_fn(
    void *arg, const struct store_entry *entry, struct err *err);

void store_close(struct store *s);
AUTO_FREE(store, struct store *, store_close)

/* Where it is, for people: "/backups/shop".  Never holds secrets. */
const char *store_location(const struct store *s);

/* May this process write to it, as far as can be told without writing?  ERR_READ_ONLY if not.
 */
MUST_CHECK enum err_code store_check_writable(struct store *s, struct err *err);

/* Save len bytes under key: whole or not at all, durable on return.  ERR_EXISTS, and no change,
 * when the key is taken already. */
MUST_CHECK enum err_code store_put(
    struct store *s, const char *key, const void *data, size_t len, struct err *err);

/* Append a whole object to out; ERR_CORRUPT when it is larger than max. */
MUST_CHECK enum err_code store_get(
    struct store *s, const char *key, size_t max, struct buf *out, struct err *err);

/* Read exactly len bytes from offset; ERR_CORRUPT when the object ends before. */
MUST_CHECK enum err_code store_get_range(
    struct store *s, const char *key, uint64_t offset, void *out, size_t len, struct err *err);

MUST_CHECK enum err_code store_size(
    struct store *s, const char *key, uint64_t *size, struct err *err);

/* List the objects whose keys start with prefix and sort after `after` (NULL: from the start),
 * in byte order.  The store fetches pages as it needs them. */
MUST_CHECK enum err_code store_list(struct store *s, const char *prefix, const char *after,
    store_entry_fn *fn, void *arg, struct err *err);

/* How long, at most, until everybody's listing shows what was put, or no longer shows what was
 * deleted; in seconds.  0: at once. */
unsigned store_list_lag_s(const struct store *s);

/* How many puts at once make it faster, where waiting for the network is most of it; at
 * least 1.
 */
unsigned store_parallel(const struct store *s);

/* Make durable what a listing of folder ("index/") shows, also what others have put and not
 * come to sync: for who is about to rely on it. */
MUST_CHECK enum err_code store_settle(struct store *s, const char *folder, struct err *err);

/* Remove an object for good; ERR_NOT_FOUND when it is absent. */
MUST_CHECK enum err_code store_delete(struct store *s, const char *key, struct err *err);

/* Is key a well-formed key?  All operations refuse others with ERR_USAGE. */
bool store_key_is_valid(const char *key);

/* A local folder.  create makes it (and parents) when missing; otherwise ERR_NOT_FOUND. */
enum store_open_mode { STORE_EXISTING, STORE_CREATE };
MUST_CHECK enum err_code store_open_local(
    struct store **out, const char *path, enum store_open_mode mode, struct err *err);

/* Objects in memory, gone with the store: for tests. */
MUST_CHECK enum err_code store_open_mem(struct store **out, struct err *err);

/* A wrapper that refuses the nth operation (counted from 1) and, if sticky, all after it, with
 * ERR_IO: for fault tests.  Takes over inner. */
struct store_fault {
	unsigned fail_at;
	bool sticky;
	unsigned count; /* operations seen */
};
MUST_CHECK enum err_code store_open_fault(
    struct store **out, struct store *inner, struct store_fault *plan, struct err *err);

#endif
