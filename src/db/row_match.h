/*
 * row_match.h: which rows of two multisets have no partner.
 *
 * Rows of both sides are added, in any order, whole chunks at a time.  Equal
 * rows cancel out, one against one.  Of the others, those with the same key are a
 * change; what is left was removed (side a) or added (side b).
 *
 * Memory is bounded by the options and eight times the longest row that has no partner yet,
 * whatever is added: rows beyond that go, parted by a hash of their key, into a
 * temporary file that is encrypted with a key that only this process has, and has no
 * name (repo/spill.h).  Besides, twice the rows of a pair of chunks.
 *
 * The key is the one that both shapes have (the same columns, by options.columns); where
 * they differ there is none, and none for a row that has a null in it.  A key that more than
 * some rows share is none for these.
 *
 * The result's order is that of keys when all fit into memory (numbers by value, others by
 * bytes; without a key that of the rows' bytes), else so within parts.
 *
 * Ownership: shape is borrowed; rows are copied as far as they must be kept.
 * Threads:   one at a time.
 * Errors:    those of row.h, ERR_IO of the temporary file (a full filesystem, too), and what
 *            fn gives.
 */
#ifndef DB_ROW_MATCH_H
#define DB_ROW_MATCH_H

#include "db/shape.h"

enum row_change { ROW_REMOVED, ROW_ADDED, ROW_CHANGED };

struct row_match_options {
	size_t memory; /* bytes; 0: 64 MiB */
	const char *temp_dir; /* NULL: the system's */
	size_t keep; /* rows to hand over; the others are only counted; SIZE_MAX: all */
	/* Where both sides have other columns: for each column of b the number of that of a, or
	 * SIZE_MAX; NULL: the same */
	const size_t *columns;
};

struct row_match_result {
	uint64_t added;
	uint64_t removed;
	uint64_t changed;
};

struct row_match;

/* before and after as they stand; the other is NULL for what was added or removed. */
typedef enum err_code row_change_fn(void *arg, enum row_change change, const struct row *before,
    const struct row *after, struct err *err);

/* a and b may be the same shape. */
MUST_CHECK enum err_code row_match_new(struct row_match **out, const struct shape *a,
    const struct shape *b, const struct row_match_options *opt, struct err *err);
void row_match_free(struct row_match *m);
AUTO_FREE(row_match, struct row_match *, row_match_free)

/* Do equal bytes mean equal rows?  Not where columns stand in another order: then what
 * both contents have in common must be added, too (content_delta_options.is_apart). */
bool row_match_is_bytewise(const struct row_match *m);

/* Bytes of whole rows (row_reader), without the head of COPY.  side is 0 (a) or 1 (b). */
MUST_CHECK enum err_code row_match_add(
    struct row_match *m, unsigned side, const void *rows, size_t len, struct err *err);
/* Both sides between the same neighbours: what they have in common in front and behind is not
 * looked at twice. */
MUST_CHECK enum err_code row_match_add_pair(struct row_match *m, const void *a, size_t a_len,
    const void *b, size_t b_len, struct err *err);
/* Once, at the end. */
MUST_CHECK enum err_code row_match_finish(struct row_match *m, row_change_fn *fn, void *arg,
    struct row_match_result *out, struct err *err);

#endif
