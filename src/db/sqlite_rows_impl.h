/*
 * sqlite_rows_impl.h: for the files of sqlite_rows.h alone.
 *
 * sqlite_rows.c     the schema, and all rows of a table
 * sqlite_scan.c     rows one by one, as tuples, in the order of the table
 * sqlite_compare.c  what differs
 */
#ifndef DB_SQLITE_ROWS_IMPL_H
#define DB_SQLITE_ROWS_IMPL_H

#include "base/strv.h"
#include "db/sqlite_blocks.h"
#include "db/sqlite_bytes.h"
#include "db/sqlite_pages.h"

struct sqlite_table {
	struct shape shape;
	char *sql; /* of CREATE TABLE */
	char *rowid; /* what the rowid can be called; NULL: it has none, or it is hidden */
	bool is_by_rowid; /* the key is the rowid */
	bool has_rowid_column; /* which is the first then, not one of its own */
	uint32_t root;
};

struct sqlite_rows {
	struct sqlite_bytes bytes;
	struct sqlite_blocks *blocks; /* NULL: bytes are the file's own */
	struct sqlite_reader *reader;
	struct sqlite_pages pages;
	int encoding; /* of text, as the header has it */
	int fd; /* of sqlite_rows_open_file; -1 */
	struct sqlite_table *tables; /* in order of names */
	size_t n_tables;
	struct shape_object *objects;
	struct strv texts; /* of objects: name, text, table, ... */
	size_t n_objects;
};

/* The table that has this shape. */
const struct sqlite_table *sqlite_table_of(
    const struct sqlite_rows *r, const struct shape *shape);

/* Rows one by one; those of leaves in skip (may be NULL) are passed over.  Only a table with
 * table->rowid may be given a skip. */
struct sqlite_scan {
	struct sqlite_rows *rows;
	const struct sqlite_table *table;
	const struct page_set *skip;
	struct leaf_walk walk;
	sqlite3_stmt *statement;
	bool has_range; /* of the statement */
	bool at_end;
	int64_t rowid; /* of the row, when the table is by rowid */
	struct buf tuple; /* the row */
};
MUST_CHECK enum err_code sqlite_scan_open(struct sqlite_scan *s, struct sqlite_rows *r,
    const struct sqlite_table *t, const struct page_set *skip, struct err *err);
void sqlite_scan_close(struct sqlite_scan *s);
static inline void UNUSED
sqlite_scan_auto(struct sqlite_scan *s)
{
	sqlite_scan_close(s);
}
/* *got is false behind the last row. */
MUST_CHECK enum err_code sqlite_scan_next(struct sqlite_scan *s, bool *got, struct err *err);
/* Append the row's values in these columns (numbers of the shape's), as a tuple. */
MUST_CHECK enum err_code sqlite_scan_project(const struct sqlite_scan *s, const size_t *columns,
    size_t n, struct buf *out, struct err *err);

/* "name", with quotes doubled. */
MUST_CHECK enum err_code sqlite_quote(struct buf *out, const char *name, struct err *err);

#endif
