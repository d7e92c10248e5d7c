/*
 * row.h: one row of a table, as it stands in a dump.
 *
 * Four ways of writing rows are known: the lines of COPY (PostgreSQL), the
 * tuples of INSERT (MariaDB, MySQL), the keys of an RDB file (Redis, Valkey)
 * and BSON documents (MongoDB).  A row_reader walks the bytes of whole rows and
 * passes over what is no row: the head and tail of a table's file, the words and
 * commas between tuples.  row_split gives a row's fields as they stand;
 * row_text makes of a field what people and programs read.
 *
 * A key of an RDB file has the fields key, type, expires, value; a document has
 * _id and document: so all are tables of columns (shape.h).
 *
 * Fields as they stand may be equal and yet have other bytes (a compressed key
 * of an RDB file).  To compare them, make the row canonical and split that: then
 * equal fields, and no others, have the same bytes.
 *
 * Pure: no input or output, nothing is kept.  Bytes may be hostile.
 * Ownership: rows and fields point into the bytes given.
 * Threads:   any.
 * Errors:    ERR_CORRUPT for bytes that are not of that form, ERR_UNSUPPORTED for a
 *            key of a type that came later, ERR_NO_MEMORY.  What is appended to
 *            stays as it was.
 *
 * Sources: PostgreSQL's manual, COPY, "Text Format"; MariaDB's and MySQL's
 * manuals, "String Literals"; rdb.h of Redis 8 and Valkey 8; bsonspec.org 1.1.
 */
#ifndef DB_ROW_H
#define DB_ROW_H

#include "base/buf.h"

#include <stdbool.h>

enum row_format { ROW_COPY, ROW_INSERT, ROW_RDB, ROW_BSON };

struct field {
	const uint8_t *data; /* as it stands: escaped, quoted, encoded */
	size_t len;
	bool is_null;
	unsigned kind; /* what row_text must know besides: of RDB and BSON, their own numbers */
};

struct row {
	const uint8_t *data; /* without what parts it from the next one; a tuple with its
			parentheses */
	size_t len;
};

struct row_reader {
	enum row_format format;
	const uint8_t *data;
	size_t len;
	size_t pos;
	/* No head can stand at the beginning, so that a row which looks like one is a row: set
	 * it after row_reader_init where that is known. */
	bool begins_at_row;
};

/* data begins at the beginning of a row (or of head, tail or words between rows). */
void row_reader_init(
    struct row_reader *r, enum row_format format, const void *data, size_t len);
/* The next row; *got is false when there is none.  ERR_CORRUPT for a row that does not end. */
MUST_CHECK enum err_code row_next(
    struct row_reader *r, struct row *out, bool *got, struct err *err);

/* How long the head is that these bytes of a table's file begin with: up to and with the line
 * of COPY, or VALUES of INSERT; 0 when there is none, or it has not come whole. */
size_t row_head(enum row_format format, const void *data, size_t len);

/* The fields of a row (canonical ones, too), at most max; *count is how many it has, which may
 * be more. */
MUST_CHECK enum err_code row_split(enum row_format format, const struct row *row,
    struct field *fields, size_t max, size_t *count, struct err *err);

/* Append what the row says, so that equal rows and no others have the same bytes: COPY, BSON
 * and a tuple as they stand; a key of an RDB file in an encoding of our own, members of sets in
 * order, without how often or lately it was used.  row_split takes it. */
MUST_CHECK enum err_code row_canonical(
    enum row_format format, const struct row *row, struct buf *out, struct err *err);

/* Append the field's value: of COPY and INSERT the text without escapes and quotes (hexadecimal
 * and binary literals become their bytes); of BSON canonical extended JSON; of RDB the key, a
 * type's word, the time in milliseconds, the value as JSON.  A null field appends nothing. */
MUST_CHECK enum err_code row_text(
    enum row_format format, const struct field *field, struct buf *out, struct err *err);

#endif
