/*
 * diff_html.h: a comparison as a page of HTML that stands alone: no script, no
 * request to anywhere, light and dark, printable.
 *
 * Tables show old and new values side by side; what is long is shortened as on a
 * terminal (ui/value.h).  The page is made as the comparison goes, kept in a spool, and written
 * at the end, below its summary, whole or not at all.
 *
 * Threads: one at a time.  Errors: those of row.h and spool.h, ERR_IO, ERR_DENIED.
 */
#ifndef CLI_DIFF_HTML_H
#define CLI_DIFF_HTML_H

#include "cli/diff_sum.h"
#include "cli/row_cells.h"
#include "cli/spool.h"

struct diff_html {
	const struct strv *columns; /* borrowed; only these; NULL or empty: all */
	/* From here on its own; zeroed. */
	struct spool body;
	struct row_cells before;
	struct row_cells after;
	struct buf text;
	struct buf old;
	struct buf new;
	char *heading; /* of the table that is open */
	uint64_t shown; /* its rows */
	bool in_files; /* the list of files is open */
};

void diff_html_release(struct diff_html *h);
static inline void UNUSED
diff_html_auto(struct diff_html *h)
{
	diff_html_release(h);
}

/* Files before databases. */
MUST_CHECK enum err_code diff_html_file(
    struct diff_html *h, char letter, const struct tree_diff *d, struct err *err);
MUST_CHECK enum err_code diff_html_row(struct diff_html *h, const struct diff_table *t,
    enum row_change change, const struct row *before, const struct row *after, struct err *err);
MUST_CHECK enum err_code diff_html_table(
    struct diff_html *h, const struct diff_table *t, struct err *err);
MUST_CHECK enum err_code diff_html_object(
    struct diff_html *h, const struct diff_object *o, struct err *err);

/* title: "shop: 3f2a91c0 → live"; points: a line for each side. */
struct diff_html_head {
	const char *title;
	const char *points[2];
};
/* Write the page; the file is replaced atomically, and only its owner can read it. */
MUST_CHECK enum err_code diff_html_save(struct diff_html *h, const struct diff_html_head *head,
    const struct diff_sum *sum, const char *path, struct err *err);

#endif
