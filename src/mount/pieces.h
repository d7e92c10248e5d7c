/*
 * pieces.h: contents, a mebibyte at a time, kept while they are likely to be
 * read again, and read ahead for those who read in order.
 *
 * A content is known by the digest of its encoding, so the same file in
 * several snapshots is kept once.
 *
 * Threads: any.
 * Errors:  ERR_CORRUPT, also for a chunk that is nowhere.
 */
#ifndef MOUNT_PIECES_H
#define MOUNT_PIECES_H

#include "repo/frame_cache.h"
#include "repo/repo.h"

#define PIECE_SIZE ((size_t)1 << 20)

struct pieces;

/* A content that is being read: counted by references. */
struct reading;

MUST_CHECK enum err_code pieces_open(
    struct pieces **out, struct repo *r, size_t max_bytes, unsigned threads, struct err *err);
/* All runs must be gone. */
void pieces_close(struct pieces *p);
AUTO_FREE(pieces, struct pieces *, pieces_close)

MUST_CHECK enum err_code reading_open(
    struct reading **out, struct pieces *p, const struct content *c, struct err *err);
void reading_ref(struct reading *r);
void reading_unref(struct reading *r);
AUTO_FREE(reading, struct reading *, reading_unref)
uint64_t reading_size(const struct reading *r);

/* Piece number n of the run: bytes n * PIECE_SIZE and on, fewer at the end.  Give it back by
 * piece_put. */
MUST_CHECK enum err_code piece_get(
    struct reading *r, uint64_t n, struct frame **out, struct err *err);
void piece_put(struct reading *r, struct frame *f);
/* Begin to fetch a piece, when somebody has time for it. */
void piece_ahead(struct reading *r, uint64_t n);

/* Bytes from any place, straight from the repository. */
MUST_CHECK enum err_code reading_read(
    struct reading *r, uint64_t offset, void *out, size_t len, size_t *got, struct err *err);

#endif
