/*
 * chunk_set.h: a set of stored chunks: one bit for each entry of the index.
 *
 * The set is made over the index as it is then, and stays right while others
 * refresh it.  20 million chunks take 2.5 MB.
 *
 * Threads: one at a time for each set.
 */
#ifndef REPO_CHUNK_SET_H
#define REPO_CHUNK_SET_H

#include "repo/repo.h"

struct chunk_set;

MUST_CHECK enum err_code chunk_set_new(struct chunk_set **out, struct repo *r, struct err *err);
/* An empty set over the same index as another's. */
MUST_CHECK enum err_code chunk_set_new_like(
    struct chunk_set **out, const struct chunk_set *other, struct err *err);
void chunk_set_free(struct chunk_set *s);
AUTO_FREE(chunk_set, struct chunk_set *, chunk_set_free)

/* Add a chunk; *is_new: it was not in the set.  ERR_NOT_FOUND when no index knows it. */
MUST_CHECK enum err_code chunk_set_add(
    struct chunk_set *s, const struct id *id, bool *is_new, struct err *err);
bool chunk_set_has(struct chunk_set *s, const struct id *id);
/* Chunks in the set. */
uint64_t chunk_set_count(const struct chunk_set *s);

/* What a set needs of each pack that the index knows: each pack once. */
struct pack_use {
	struct id pack;
	struct id object; /* an index object that names it */
	bool is_tree;
	uint64_t size; /* of the pack in the store */
	uint64_t chunks;
	uint64_t used_chunks;
	uint64_t bytes; /* plain */
	uint64_t used_bytes;
	uint64_t used_stored; /* stored bytes of the frames that hold a used chunk */
};
typedef enum err_code pack_use_fn(void *arg, const struct pack_use *use, struct err *err);
MUST_CHECK enum err_code chunk_set_walk_packs(
    struct chunk_set *s, pack_use_fn *fn, void *arg, struct err *err);

#endif
