/*
 * diff_rows_text.h: rows, documents and keys that differ, for people, as git diff
 * shows lines:
 *
 *	--- a/db/shop/public.orders  1,204 rows
 *	+++ b/db/shop/public.orders  1,213 rows
 *	~ id=7  amount: 12.50 → 14.00
 *	- id=9, customer="Eve", amount=3.00
 *	+ id=1205, customer="Ada", amount=12.00
 *
 * and definitions of a schema as unified diffs.
 *
 * Threads: one at a time.  Errors: those of row.h and spool.h.
 */
#ifndef CLI_DIFF_ROWS_TEXT_H
#define CLI_DIFF_ROWS_TEXT_H

#include "cli/row_cells.h"
#include "cli/spool.h"
#include "engine/diff_rows.h"
#include "ui/screen.h"

struct rows_text {
	struct spool *out; /* borrowed, like the next two */
	const struct screen *screen;
	const struct strv *columns; /* only these are shown; NULL or empty: all */
	/* From here on its own; zeroed. */
	struct row_cells before;
	struct row_cells after;
	struct buf line;
	struct buf old; /* a value before and after */
	struct buf new;
	char *heading; /* of the table whose rows come */
	uint64_t shown; /* rows of it */
	uint64_t elsewhere; /* that differ in no column which is shown */
};

void rows_text_release(struct rows_text *v);
static inline void UNUSED
rows_text_auto(struct rows_text *v)
{
	rows_text_release(v);
}

/* As in diff_rows_ops; table ends what its rows began. */
MUST_CHECK enum err_code rows_text_row(struct rows_text *v, const struct diff_table *t,
    enum row_change change, const struct row *before, const struct row *after, struct err *err);
MUST_CHECK enum err_code rows_text_table(
    struct rows_text *v, const struct diff_table *t, struct err *err);
MUST_CHECK enum err_code rows_text_object(
    struct rows_text *v, const struct diff_object *o, struct err *err);

#endif
