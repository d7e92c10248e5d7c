/*
 * sqlite_blocks.h: the inside of sqlite_rows.h: a file read in large blocks,
 * of which the last ones are kept.
 *
 * Pages are read by the thousand, and what a file lies in may be costly to ask:
 * a repository's chunk is decrypted and checked as a whole.
 *
 * Memory: BLOCKS times BLOCK_SIZE (16 MiB) at most.
 * Threads: one at a time.  Errors: those of the file's callback.
 */
#ifndef DB_SQLITE_BLOCKS_H
#define DB_SQLITE_BLOCKS_H

#include "db/sqlite_rows.h"

struct sqlite_blocks;

/* *out reads from file, through blocks, which must outlive it; file is copied. */
MUST_CHECK enum err_code sqlite_blocks_new(struct sqlite_blocks **blocks,
    struct sqlite_bytes *out, const struct sqlite_bytes *file, struct err *err);
void sqlite_blocks_free(struct sqlite_blocks *b);

#endif
