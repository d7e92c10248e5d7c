/*
 * row_change.h: in which columns two versions of a row differ.
 *
 * Columns are matched by name, so that the order of columns is no difference.
 *
 * Threads: any.  Errors: ERR_NO_MEMORY.
 */
#ifndef CLI_ROW_CHANGE_H
#define CLI_ROW_CHANGE_H

#include "base/json.h"
#include "cli/row_cells.h"

/* A column: its number before and after; SIZE_MAX: it was not, or is not there. */
struct row_change_at {
	size_t x;
	size_t y;
};

struct row_changes {
	struct row_change_at *items;
	size_t count;
};

#define ROW_CHANGES_INIT \
	{                \
		NULL, 0  \
	}

void row_changes_release(struct row_changes *c);
static inline void UNUSED
row_changes_auto(struct row_changes *c)
{
	row_changes_release(c);
}

/* only: names of columns that count; NULL or empty: all.  A column that only one side has
 * counts unless its value is null. */
MUST_CHECK enum err_code row_changes_find(struct row_changes *out,
    const struct row_cells *before, const struct row_cells *after, const struct strv *only,
    struct err *err);

/* The column's name, on the side that has it. */
const char *row_change_name(const struct row_change_at *at, const struct row_cells *before,
    const struct row_cells *after, char room[COLUMN_NAME_MAX]);

/* Does a list of names have it?  NULL or empty: any. */
bool row_change_is_asked_for(const struct strv *only, const char *name);

/* The value where it is JSON (row_cells_is_json), the caller's; NULL when it is null, or none.
 */
json_t *row_cells_document(const struct row_cells *c, size_t i);
/* Both versions of a column as documents, objects or arrays both, which differ; false when they
 * are no such pair. */
bool row_change_documents(const struct row_change_at *at, const struct row_cells *before,
    const struct row_cells *after, json_t **a, json_t **b);

/* A Redis set: the order of its items means nothing. */
bool row_cells_is_set(const struct row_cells *c);

/* A value as people read it, about max bytes: documents shortened (json_view.h), the end of a
 * key as a time, all else as in ui/value.h. */
MUST_CHECK enum err_code row_cells_show(
    struct buf *out, const struct row_cells *c, size_t i, size_t max, struct err *err);
/* Both versions, each to its own buffer; "(no column)" for the side that has none. */
MUST_CHECK enum err_code row_change_show(struct buf *old, struct buf *new,
    const struct row_change_at *at, const struct row_cells *before,
    const struct row_cells *after, size_t max, struct err *err);
/* Does the end of a key stand there? */
bool row_cells_is_time(const struct row_cells *c, size_t i);

/* "db/shop/public.orders"; "cache/db0" where database is "". */
MUST_CHECK enum err_code row_place(
    char **out, const char *service, const char *database, const char *name, struct err *err);

#endif
