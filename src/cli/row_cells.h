/*
 * row_cells.h: the values of a row, column by column, as they are shown.
 *
 * Ownership: a value of its own; what value_at gives points into it.
 * Threads:   one at a time.  Errors: those of row.h.
 */
#ifndef CLI_ROW_CELLS_H
#define CLI_ROW_CELLS_H

#include "db/shape.h"
#include "ui/value.h"

struct cell {
	size_t from; /* in text */
	size_t len;
	bool is_null;
};

struct row_cells {
	const struct shape *shape; /* borrowed; NULL when nobody knows it */
	struct cell *cells;
	size_t count;
	size_t cap;
	struct buf text;
	struct buf canonical;
	struct field *fields;
};

#define ROW_CELLS_INIT                                     \
	{                                                  \
		NULL, NULL, 0, 0, BUF_INIT, BUF_INIT, NULL \
	}

void row_cells_release(struct row_cells *c);
static inline void UNUSED
row_cells_auto(struct row_cells *c)
{
	row_cells_release(c);
}

/* Read a row; its room is used again. */
MUST_CHECK enum err_code row_cells_read(
    struct row_cells *c, const struct shape *shape, const struct row *row, struct err *err);

struct value row_cells_value(const struct row_cells *c, size_t i);
/* Columns that the shape does not name are "column 3". */
#define COLUMN_NAME_MAX 32
const char *row_cells_name(const struct row_cells *c, size_t i, char room[COLUMN_NAME_MAX]);
bool row_cells_is_key(const struct row_cells *c, size_t i);
/* Is it JSON: a document, a Redis value, a column of that type? */
bool row_cells_is_json(const struct row_cells *c, size_t i);

/* The column of before that has the name of column i of after, SIZE_MAX when there is none. */
size_t row_cells_partner(
    const struct row_cells *before, const struct row_cells *after, size_t i);
/* Do a column of before and one of after say the same? */
bool row_cells_same(
    const struct row_cells *before, size_t x, const struct row_cells *after, size_t y);

#endif
