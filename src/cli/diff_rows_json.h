/*
 * diff_rows_json.h: what differs in databases, as JSON lines (docs/json.md,
 * "table", "row", "definition", "moment", "unknown").
 *
 * Threads: one at a time.  Errors: those of row.h, and ERR_IO.
 */
#ifndef CLI_DIFF_ROWS_JSON_H
#define CLI_DIFF_ROWS_JSON_H

#include "cli/row_cells.h"
#include "engine/diff_rows.h"

struct rows_json {
	const struct strv *columns; /* borrowed; only these; NULL or empty: all */
	/* From here on its own; zeroed. */
	struct row_cells before;
	struct row_cells after;
	struct buf line;
};

void rows_json_release(struct rows_json *v);
static inline void UNUSED
rows_json_auto(struct rows_json *v)
{
	rows_json_release(v);
}

/* One line each, made in v->line without its end; empty when there is nothing to tell. */
MUST_CHECK enum err_code rows_json_row(struct rows_json *v, const struct diff_table *t,
    enum row_change change, const struct row *before, const struct row *after, struct err *err);
MUST_CHECK enum err_code rows_json_table(
    struct rows_json *v, const struct diff_table *t, struct err *err);
MUST_CHECK enum err_code rows_json_object(
    struct rows_json *v, const struct diff_object *o, struct err *err);
MUST_CHECK enum err_code rows_json_moment(
    struct rows_json *v, const char *service, const struct db_fence *fence, struct err *err);
MUST_CHECK enum err_code rows_json_unknown(struct rows_json *v, const char *service,
    const char *what, const char *why, struct err *err);

#endif
