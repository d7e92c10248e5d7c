/*
 * diff_out.h: where a comparison goes: to people, to programs, into a page; and
 * its sum, which all of them end with.
 *
 * Text for people waits until the summary is known, which they read first, and goes through a
 * pager when it is longer than the screen.  JSON lines are written as they come.
 *
 * Threads: one at a time.  Errors: those of the views.
 */
#ifndef CLI_DIFF_OUT_H
#define CLI_DIFF_OUT_H

#include "cli/cli.h"
#include "cli/diff_html.h"
#include "cli/diff_rows_json.h"
#include "cli/diff_rows_text.h"
#include "cli/diff_sum.h"
#include "cli/diff_view.h"

#define DIFF_LIMIT 100 /* rows of a table, and files of a member, unless told otherwise */

struct diff_out {
	struct cli *cli;
	bool is_stack; /* members have a summary each */
	bool with_files; /* a line for each */
	bool with_schema; /* definitions, too */
	size_t limit; /* files of each member; SIZE_MAX: all */
	/* Its own. */
	struct diff_sum sum;
	struct diff_view files;
	struct rows_text text;
	struct rows_json json;
	struct diff_html html;
	struct spool spool;
	struct strv columns;
	const struct sum_member *member; /* whose files are told */
	size_t told; /* of them */
};

/* By the command line. */
MUST_CHECK enum err_code diff_out_init(struct diff_out *o, struct cli *c, struct err *err);
void diff_out_release(struct diff_out *o);
static inline void UNUSED
diff_out_auto(struct diff_out *o)
{
	diff_out_release(o);
}

/* The images of the sum, to programs. */
MUST_CHECK enum err_code diff_out_images(struct diff_out *o, struct err *err);
/* A tree_diff_fn whose arg is the struct diff_out. */
MUST_CHECK enum err_code diff_out_file(void *arg, const struct tree_diff *d, struct err *err);
/* No more files come. */
MUST_CHECK enum err_code diff_out_files_end(struct diff_out *o, struct err *err);
/* arg is the struct diff_out. */
extern const struct diff_rows_ops diff_out_rows;

/* All that was kept, below head, through the pager when it is long. */
MUST_CHECK enum err_code diff_out_print(
    struct diff_out *o, const struct buf *head, struct err *err);

#endif
