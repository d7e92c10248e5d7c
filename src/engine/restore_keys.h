/*
 * restore_keys.h: the keys of a Redis database in a snapshot that begin alike.
 *
 * Memory: the longest run of chunks that one key goes through.
 * Threads: one at a time.
 */
#ifndef ENGINE_RESTORE_KEYS_H
#define ENGINE_RESTORE_KEYS_H

#include "db/pick.h"
#include "engine/restore_stored.h"

struct stored_keys {
	struct pick_keys base;
	struct repo *repo;
	const struct content *content;
	const char *prefix;
	int64_t now_ms; /* keys that have expired by then are none */
};

/* Reads the file's head, which tells of its version.  All is borrowed. */
MUST_CHECK enum err_code stored_keys_init(struct stored_keys *k, const struct stored_table *t,
    struct repo *repo, const char *prefix, struct err *err);
/* Goes through all of them. */
MUST_CHECK enum err_code stored_keys_count(
    struct stored_keys *k, uint64_t *out, struct err *err);
/* Does the row's key begin so, and is it not one that has expired by then?  Canonical rows,
 * too. */
MUST_CHECK enum err_code row_has_prefix(
    bool *out, const struct row *row, const char *prefix, int64_t alive_ms, struct err *err);

#endif
