/*
 * table.h: columns that line up.
 *
 * Cells are given row by row, from left to right; their text is escaped
 * (escape.h).  An error (out of memory) sticks, later calls do nothing, and
 * table_print reports it.  The last column is not padded.
 *
 * Ownership: a table is a value; it copies its cells and borrows the columns.
 */
#ifndef UI_TABLE_H
#define UI_TABLE_H

#include "base/strv.h"

#include <stdio.h>

enum table_align {
	TABLE_LEFT,
	TABLE_RIGHT,
	TABLE_CUT, /* left, and cut when the table is wider than it may be */
};

struct table_column {
	const char *title; /* NULL in all columns: no heading */
	enum table_align align;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct strv cells;
	size_t max_width; /* 0: as wide as it becomes */
	struct err err;
};

void table_init(struct table *t, const struct table_column *columns, size_t n_columns);
void table_release(struct table *t);
static inline void UNUSED
table_auto(struct table *t)
{
	table_release(t);
}

/* The next cell; NULL is an empty one. */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Each line begins with indent spaces.  Every row must be complete. */
MUST_CHECK enum err_code table_print(
    const struct table *t, FILE *out, unsigned indent, struct err *err);

#endif
