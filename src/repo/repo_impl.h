/*
 * repo_impl.h: the inside of struct repo, for repo/ only.
 *
 *	repo.c          making, opening, closing
 *	repo_refresh.c  what the store's indexes are by now
 *	repo_read.c     chunks and frames, out of packs
 */
#ifndef REPO_REPO_IMPL_H
#define REPO_REPO_IMPL_H

#include "crypto/hash.h"
#include "repo/config.h"
#include "repo/frame_cache.h"
#include "repo/index.h"

#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>

/* What one thread needs to seal, open and hash: made once, lent out, kept. */
struct tools {
	struct mac *mac;
	struct aead *aead;
	struct packer *packer;
	struct unpacker *unpacker;
	struct buf block; /* scratch: compressed bytes */
	struct buf opened; /* scratch: decrypted bytes */
	struct buf plain; /* scratch: decompressed bytes */
	struct tools *next;
};

struct repo {
	struct store *store; /* borrowed */
	struct config config;
	struct open_slot opened_by;
	struct secret *subkeys;
	struct chunker_table chunker;
	struct index *index;
	atomic_uint_least64_t
	    losses; /* index objects that were loaded and have gone; packs that were named */
	atomic_int_least64_t
	    gone_refresh_ns; /* when indexes were loaded for a pack that is gone */
	struct frame_cache *frames;
	repo_damaged_fn *damaged; /* NULL: a damaged index is an error */
	void *damaged_arg;
	pthread_mutex_t lock; /* guards all below */
	struct map told; /* ids of damaged index objects */
	struct map gone; /* ids of packs that were named and are not there */
	struct tools *tools;
	struct map pack_keys; /* pack id -> struct pack_key */
};

/* The header and key of a pack that was read before. */
struct pack_header {
	uint8_t header[HEADER_SIZE];
	uint8_t key[AEAD_KEY_SIZE];
};

MUST_CHECK enum err_code repo_borrow_tools(struct repo *r, struct tools **out, struct err *err);
void repo_return_tools(struct repo *r, struct tools *t);
/* At the end: tools, and the keys of packs. */
void repo_forget_tools(struct repo *r);

/* repo_refresh, but what is gone from the store stays known: for a pruner, which needs to tell
 * what a pack held. */
MUST_CHECK enum err_code repo_refresh_keeping(struct repo *r, struct err *err);

/* The id of a chunk. */
MUST_CHECK enum err_code repo_chunk_id(
    struct tools *t, const void *data, size_t len, struct id *out, struct err *err);

/* Fetch a frame and open it, past the cache: the plain bytes are in t->plain. */
MUST_CHECK enum err_code repo_fetch_frame(
    struct repo *r, const struct location *loc, struct tools *t, struct err *err);

/* Fetch what is stored of a frame, or of several that lie one behind the other (loc has the
 * place of the first and the length of all), into t->block.  The caller wipes *ph. */
MUST_CHECK enum err_code repo_fetch_sealed(struct repo *r, const struct location *loc,
    struct tools *t, struct pack_header *ph, struct err *err);

/* Open a sealed frame: the plain bytes are in t->plain. */
MUST_CHECK enum err_code repo_decode_frame(struct tools *t, const struct pack_header *ph,
    uint32_t offset, const uint8_t *sealed, size_t len, struct err *err);

#endif
