/*
 * seq_diff.h: what must go and what must come to make one sequence of another.
 *
 * Items are compared as numbers; seq_number gives equal items equal ones.  The
 * edit is a shortest one, unless the sequences have so little in common that
 * the search is cut short (SEQ_DIFF_COST); it is right then, too.
 *
 * Source: E. W. Myers, "An O(ND) Difference Algorithm and Its Variations",
 * Algorithmica 1 (1986), section 4b, in linear space; where it is cut short as
 * GNU diffutils does (lib/diffseq.h), at the point that was reached farthest.
 *
 * Memory:  16 bytes an item while it runs.
 * Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef BASE_SEQ_DIFF_H
#define BASE_SEQ_DIFF_H

#include "base/err.h"

#include <stdbool.h>

/* Steps of one search for a point to part at; it takes their square. */
#define SEQ_DIFF_COST 512

struct seq_item {
	const void *data;
	size_t len;
};

/* Numbers for the items of both sequences: equal ones for equal bytes, no others. */
MUST_CHECK enum err_code seq_number(const struct seq_item *a, size_t a_len,
    const struct seq_item *b, size_t b_len, size_t *a_out, size_t *b_out, struct err *err);

/* gone[i]: item i of a has no partner in b; come[i]: item i of b has none in a.  Both are set
 * throughout.  Runs of them stand as far back as they can. */
MUST_CHECK enum err_code seq_diff(const size_t *a, size_t a_len, const size_t *b, size_t b_len,
    bool *gone, bool *come, struct err *err);

#endif
