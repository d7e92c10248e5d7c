/*
 * row_tally.h: the rows of a table that stream by, against those that are
 * stored.
 *
 * The bytes of a table's file come as they would go to a stream of rows
 * (repo/stream.h), and are cut in the same way; nothing is stored.  Where they go on as what is
 * stored did, borders are taken from there instead of being looked for.  Each chunk
 * is counted off against one stored chunk of the same bytes, wherever that
 * stands.  What neither side's other has is left: the fresh chunks with their
 * bytes, the stale ones as extents.  What is counted off is equal, and may be
 * left out of any comparison of the two as multisets of rows.  Rows that are torn over
 * several chunks are never counted off, and chunks without rows (head and
 * tail) not looked at.
 *
 *	row_tally_open
 *	row_tally_write, row_tally_rows, row_tally_border    as stream_…
 *	row_tally_finish
 *	row_rest_fresh, row_rest_stale                       each at most once
 *
 * Memory: some 100 bytes for each stored chunk, of at most 131,072 at a time: those around the
 * place that the stream has reached.  Equal chunks that stand further apart are left on both
 * sides, which costs time only.
 *
 * Ownership: a rest is the caller's to release, before its spill is closed; repo, content and
 *            spill are borrowed.
 * Threads:   one at a time.
 */
#ifndef REPO_ROW_TALLY_H
#define REPO_ROW_TALLY_H

#include "repo/content.h"
#include "repo/spill.h"

struct row_tally;

/* What is left. */
struct row_rest {
	uint64_t rows; /* of the whole stream */
	struct spill_part *fresh; /* NULL: nothing */
	struct spill_part *stale;
};

void row_rest_release(struct row_rest *r);

struct row_tally_options {
	const struct content *stored; /* counted, or empty */
	struct spill *spill;
	size_t window; /* stored chunks that are known at a time; 0: 131,072 */
};

MUST_CHECK enum err_code row_tally_open(struct row_tally **out, struct repo *r,
    const struct row_tally_options *opt, struct err *err);
void row_tally_free(struct row_tally *t);
AUTO_FREE(row_tally, struct row_tally *, row_tally_free)

MUST_CHECK enum err_code row_tally_write(
    struct row_tally *t, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code row_tally_rows(struct row_tally *t, const void *data, size_t len,
    const uint32_t *ends, size_t count, struct err *err);
MUST_CHECK enum err_code row_tally_border(struct row_tally *t, struct err *err);
/* The stream has ended; only row_tally_free may follow. */
MUST_CHECK enum err_code row_tally_finish(
    struct row_tally *t, struct row_rest *out, struct err *err);

/* The bytes of whole rows that the stream alone has, some rows a call. */
MUST_CHECK enum err_code row_rest_fresh(
    struct row_rest *r, bytes_fn *fn, void *arg, struct err *err);
/* The same of what is stored alone; with is_all, of all that is stored: and counted, which may
 * be NULL, is then given what was counted off. */
struct row_rest_stored {
	struct repo *repo;
	const struct content *content; /* as for row_tally_open */
	bool is_all;
	bytes_fn *fn;
	bytes_fn *counted;
	void *arg;
};
MUST_CHECK enum err_code row_rest_stale(
    struct row_rest *r, const struct row_rest_stored *s, struct err *err);

#endif
