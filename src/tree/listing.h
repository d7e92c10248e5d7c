/*
 * listing.h: a folder's listing as bytes: the inside of dir.h and save.h.
 *
 * A listing is a small header and the encodings of the entries, sorted by
 * name (docs/format.md, "Trees").  Chunks are cut between entries where
 * possible; the reader does not rely on it.
 *
 * Threads: one at a time for each reader.
 */
#ifndef TREE_LISTING_H
#define TREE_LISTING_H

#include "repo/stream.h"
#include "tree/entry.h"

/* Begin a listing in an empty buffer; then append entries to it. */
MUST_CHECK enum err_code listing_begin(struct buf *out, struct err *err);
MUST_CHECK enum err_code listing_store(
    struct writer *w, const struct buf *listing, struct content *out, struct err *err);

struct listing_reader {
	struct repo *repo;
	struct id *chunks;
	size_t chunk_count;
	size_t chunk_cap;
	size_t next_chunk;
	struct buf data; /* what was fetched and not yet passed over begins at pos */
	size_t pos;
	struct buf last_name;
};

/* content is not kept. */
MUST_CHECK enum err_code listing_reader_init(
    struct listing_reader *l, struct repo *r, const struct content *content, struct err *err);
void listing_reader_release(struct listing_reader *l);
/* Look at the next entry, which lies in the reader until the next call; data NULL behind the
 * last. Names are checked: valid, ascending, none twice. */
MUST_CHECK enum err_code listing_reader_next(
    struct listing_reader *l, struct tree_raw *out, struct err *err);

#endif
