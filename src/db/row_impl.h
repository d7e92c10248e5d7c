/*
 * row_impl.h: what a way of writing rows consists of; for row_*.c and bson*.c.
 */
#ifndef DB_ROW_IMPL_H
#define DB_ROW_IMPL_H

#include "db/row.h"

/* As in row.h.  head and canonical may be NULL: there is no head; a row as it stands is
 * canonical. */
struct row_ops {
	enum err_code (*next)(
	    struct row_reader *r, struct row *out, bool *got, struct err *err);
	size_t (*head)(const uint8_t *data, size_t len);
	enum err_code (*split)(const struct row *row, struct field *fields, size_t max,
	    size_t *count, struct err *err);
	enum err_code (*canonical)(const struct row *row, struct buf *out, struct err *err);
	/* Of a field that is not null. */
	enum err_code (*text)(const struct field *field, struct buf *out, struct err *err);
};

/* What a digit of any base up to 16 is worth; 99: it is none. */
static inline int
row_digit(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : 99;
}

extern const struct row_ops row_copy_ops;
extern const struct row_ops row_insert_ops;
extern const struct row_ops row_rdb_ops;
extern const struct row_ops row_bson_ops;

#endif
