/*
 * rdb_read.h: the fields of an RDB file that is there as a whole.
 *
 * All mark the reader as failed where the bytes end, or are not of that form
 * (base/bytes.h), and may be asked once at the end.
 *
 * Pure.  Threads: any.  Errors: ERR_NO_MEMORY and ERR_CORRUPT of decoding.
 */
#ifndef DB_RDB_READ_H
#define DB_RDB_READ_H

#include "base/buf.h"
#include "base/bytes.h"
#include "db/rdb_format.h"

uint64_t rdb_read_length(struct rd *r);
/* Over what a program says (rdb_format.h). */
void rdb_skip(struct rd *r, const char *program);
void rdb_skip_string(struct rd *r);

/* Append what a string says, decoded. */
MUST_CHECK enum err_code rdb_read_string(struct rd *r, struct buf *out, struct err *err);
/* A number as text: a byte of length, or one that stands for what is no number. */
double rdb_read_text_number(struct rd *r);
/* A double as it is in memory. */
double rdb_read_double(struct rd *r);

/* ERR_CORRUPT, said of whatever is being read. */
enum err_code rdb_bad(struct err *err);

#endif
