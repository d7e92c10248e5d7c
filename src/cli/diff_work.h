/*
 * diff_work.h: the command diff at work; for cmd_diff.c and diff_*.c only.
 *
 *	diff_compare.c   what is compared, and the comparing
 *	diff_result.c    the summary, the result line, the page
 *	diff_text.c      one file of text
 */
#ifndef CLI_DIFF_WORK_H
#define CLI_DIFF_WORK_H

#include "cli/diff_out.h"
#include "engine/browse.h"
#include "repo/content.h"

/* One of both; what is live has no snapshot. */
struct diff_point {
	bool is_live;
	struct snapshot snapshot;
	char root[2 * CONTENT_DIGEST_SIZE + 1]; /* of its tree; "" */
};

struct diff_work {
	struct cli *cli;
	struct engine engine;
	struct diff_point a;
	struct diff_point b;
	size_t limit; /* rows of a table, files of a member; SIZE_MAX: all */
	struct diff_out out;
	struct diff_result files;
};

#define DIFF_POINT_INIT                                                  \
	{                                                                \
		.is_live = false, .snapshot = {.root = TREE_ENTRY_INIT } \
	}

/* Options that only databases know. */
bool diff_asks_for_databases(const struct args *a);
/* Those that choose a part of them: nothing else is compared. */
bool diff_picks_databases(const struct args *a);
MUST_CHECK enum err_code diff_compare(struct diff_work *w, struct err *err);

/* As text or JSON, and the page if it was asked for. */
MUST_CHECK enum err_code diff_tell_result(
    struct diff_work *w, enum exit_code code, struct err *err);

/* --text: all of the command. */
MUST_CHECK enum err_code diff_one_text(
    struct diff_work *w, enum exit_code code, struct err *err);

#endif
