/*
 * sqlite_rows.h: the tables and rows of a SQLite database file, and what
 * differs between two such files.
 *
 * The file is read in place, wherever its bytes lie: a callback gives the bytes
 * at an offset.  It must be whole by itself, as backups store databases
 * (db/sqlite.h): no -wal, no -journal.  A live database is taken by sqlite_fence
 * and sqlite_drain first, and its part "" opened by sqlite_rows_open_file.
 *
 * Rows are tuples in the form ROW_INSERT, types kept: (1,'it''s',X'00',NULL,1.5).
 * Reals always have a point, an exponent or both (9e999 is infinity).  Text is
 * escaped as row_text reads it: '' \\ and \0.
 *
 * Keys: the INTEGER PRIMARY KEY, else the declared PRIMARY KEY, else the rowid,
 * which then is the first column, of the name "rowid".  Generated columns are left
 * out, and so are virtual tables (their shadow tables are tables).
 *
 * Comparing: leaf pages of a table that both files have at the same number with
 * the same bytes are not decoded, nor is any table whose pages all are so.
 *
 * Hostile files: defensive mode, schema not trusted, no SQL of the file's own is
 * run, sizes limited; what is damaged is ERR_CORRUPT.
 *
 * Ownership: the callback's arg is borrowed until sqlite_rows_close.
 * Threads:   one at a time for each; none of them shares anything with another.
 * Errors:    ERR_CORRUPT, ERR_UNSUPPORTED (a row of more than 256 MiB; a function or
 *            collation that only the application has), ERR_CANCELLED, ERR_NO_MEMORY, and what
 *            the callbacks give.
 *
 * Source: sqlite.org/fileformat2.html ("B-tree Pages").
 */
#ifndef DB_SQLITE_ROWS_H
#define DB_SQLITE_ROWS_H

#include "db/row_match.h"
#include "sys/cancel.h"

struct sqlite_bytes {
	/* All len bytes, which lie within size. */
	enum err_code (*read)(
	    void *arg, void *out, size_t len, uint64_t offset, struct err *err);
	void *arg;
	uint64_t size;
	const struct cancel *cancel; /* may be NULL */
};

struct sqlite_rows;

MUST_CHECK enum err_code sqlite_rows_open(
    struct sqlite_rows **out, const struct sqlite_bytes *file, struct err *err);
MUST_CHECK enum err_code sqlite_rows_open_file(
    struct sqlite_rows **out, const char *path, const struct cancel *cancel, struct err *err);
void sqlite_rows_close(struct sqlite_rows *r);
AUTO_FREE(sqlite_rows, struct sqlite_rows *, sqlite_rows_close)

/* The tables, in order of names; they stay the file's. */
size_t sqlite_rows_count(const struct sqlite_rows *r);
const struct shape *sqlite_rows_at(const struct sqlite_rows *r, size_t i);
/* NULL when there is none of that name. */
const struct shape *sqlite_rows_find(const struct sqlite_rows *r, const char *table);

/* Tables, virtual tables, indexes, views, triggers: "TABLE orders" and its SQL, in order of
 * names. */
size_t sqlite_rows_object_count(const struct sqlite_rows *r);
const struct shape_object *sqlite_rows_object(const struct sqlite_rows *r, size_t i);

/* The row is valid until fn returns. */
typedef enum err_code sqlite_row_fn(void *arg, const struct row *row, struct err *err);

/* How many rows a table has. */
MUST_CHECK enum err_code sqlite_rows_total(
    struct sqlite_rows *r, const struct shape *table, uint64_t *out, struct err *err);
/* All rows, in the order of the rowid or, of a table WITHOUT ROWID, of the primary key. */
MUST_CHECK enum err_code sqlite_rows_each(struct sqlite_rows *r, const struct shape *table,
    sqlite_row_fn *fn, void *arg, struct err *err);

struct sqlite_rows_options {
	size_t memory; /* as in row_match_options, for tables that have a key other than the
			  rowid */
	const char *temp_dir;
	size_t keep;
	/* Is it known that both files have the same bytes there?  Then they are not read.  May
	 * be NULL. */
	bool (*is_same)(void *arg, uint64_t offset, size_t len);
	void *same_arg;
};

/* What happened to the rows of a table that both files have.  Where the columns differ, rows
 * are compared in those that both have; where the keys differ, only what is equal as a whole
 * is taken for the same row.  opt and fn may be NULL. */
MUST_CHECK enum err_code sqlite_rows_compare(struct sqlite_rows *a, struct sqlite_rows *b,
    const struct shape *in_a, const struct shape *in_b, const struct sqlite_rows_options *opt,
    row_change_fn *fn, void *arg, struct row_match_result *out, struct err *err);

#endif
