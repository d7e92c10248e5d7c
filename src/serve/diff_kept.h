/*
 * diff_kept.h: how many comparisons there may be, since who may only read may begin them.
 *
 * What takes less than the right to operate is bounded: comparisons of one asker, and all
 * together, that have not ended.  What comparisons have found is kept for the last of each
 * asker, and as far as there is room; the oldest are removed, rows and files.  They can be made
 * again.
 *
 * Threads: any.
 */
#ifndef SERVE_DIFF_KEPT_H
#define SERVE_DIFF_KEPT_H

#include "serve/keeper.h"

#define DIFFS_AT_ONCE 2 /* of one asker, queued or running */
#define DIFFS_AT_ONCE_ALL 6
#define DIFFS_KEPT 50 /* of one asker */
#define DIFFS_KEPT_ALL 200
#define DIFFS_KEPT_BYTES                                                    \
	(INT64_C(1) << 30) /* of their output; the latest stays in any case \
			    */

/* The run of a comparison, where there is room; otherwise out says when to ask again. */
MUST_CHECK enum err_code diff_begin(const struct ask *ask, const struct run_plan *plan,
    int64_t *id, struct answer *out, struct err *err);

void diffs_tidy(struct keeper *k);

#endif
