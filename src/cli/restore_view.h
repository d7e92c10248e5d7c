/*
 * restore_view.h: what the command restore shows: what it is about to do, what
 * happens to each path in a dry run, and the result.
 */
#ifndef CLI_RESTORE_VIEW_H
#define CLI_RESTORE_VIEW_H

#include "cli/cli.h"
#include "engine/restore.h"

void restore_view_preview(FILE *out, const struct restore_preview *p);
/* A JSON line of its own, so that a program sees it also when the restore is refused. */
MUST_CHECK enum err_code restore_view_preview_json(
    const struct restore_preview *p, struct err *err);

struct restore_view {
	struct cli *cli;
	struct err err; /* the first, of writing to standard output */
};

/* A restore_change_fn whose arg is a struct restore_view. */
void restore_view_change(void *arg, enum tree_change change, enum tree_type type, uint64_t size,
    const char *path, size_t path_len);

void restore_view_print(const struct restore_result *r, bool is_stack, bool is_read_back);
MUST_CHECK enum err_code restore_view_json(
    struct cli *c, const struct restore_result *r, enum exit_code code, struct err *err);
/* r: NULL when only the preview is known. */
MUST_CHECK enum err_code restore_view_dry_run(
    struct cli *c, const struct restore_result *r, enum exit_code code, struct err *err);

#endif
