/*
 * verbs_diff.h: functions of diff_verbs, which stand in two files.
 *
 *	verbs_diff.c         beginning one; the summary; one file of text; the table
 *	verbs_diff_lists.c   pages of what was found
 */
#ifndef SERVE_VERBS_DIFF_H
#define SERVE_VERBS_DIFF_H

#include "catalog/run.h"
#include "serve/diff_index.h"
#include "serve/look.h"

verb_fn diff_files, diff_tables, diff_rows, diff_definitions;

/* The two points that a run compares. */
struct diff_run {
	struct catalog_run row;
	json_t *argv;
	const char *points[2]; /* ids, or "live"; argv's */
	json_t *documents[2]; /* NULL: live, or gone */
};

void diff_run_release(struct diff_run *r);
static inline void UNUSED
diff_run_auto(struct diff_run *r)
{
	diff_run_release(r);
}

/* Of the argument "run".  ERR_NOT_FOUND when it is no comparison. */
MUST_CHECK enum err_code diff_run_load(
    struct diff_run *out, const struct ask *ask, struct err *err);
/* ERR_LOCKED until it has ended. */
MUST_CHECK enum err_code diff_run_index(
    const struct diff_run *r, const struct ask *ask, struct diff_index **out, struct err *err);

#endif
