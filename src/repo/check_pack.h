/*
 * check_pack.h: is a pack what was written, and what the index says of it?
 *
 * What the index says is kept as a sum over its entries for the pack, so that
 * a repository of any size needs a few bytes for each pack.
 *
 * Threads: any, each with tools of its own.  For repo/ only.
 */
#ifndef REPO_CHECK_PACK_H
#define REPO_CHECK_PACK_H

#include "repo/repo_impl.h"

/* A number of entries of one pack, in any order.  The sum is no proof against forgery: it finds
 * an index that is old, incomplete or another pack's. */
struct entry_sum {
	uint64_t entries;
	uint64_t sum;
};

void entry_sum_add(struct entry_sum *s, const struct id *id, const struct location *loc);

/* Decode every frame of a stored pack, which is read in pieces, and compare every chunk with
 * its id, and the directory with what the index says (no entries: no index names the pack).
 * *chunks counts those that were compared. */
MUST_CHECK enum err_code check_pack(struct repo *r, struct tools *t, const struct id *id,
    uint64_t size, const struct entry_sum *indexed, uint64_t *chunks, struct err *err);

/* Decode one frame and compare its chunks with their ids. */
MUST_CHECK enum err_code check_frame(struct tools *t, const struct pack_header *ph,
    const struct pack_frame *f, const uint8_t *sealed, struct err *err);

#endif
