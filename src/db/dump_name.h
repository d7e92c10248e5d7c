/*
 * dump_name.h: a database's name as the name of its dump file.
 *
 * Letters, digits, '_', '-' and '.' (but not at the beginning) stand for
 * themselves, every other byte is %XX, then comes ".sql".  A database called
 * like one of the dataset's own files has its first letter encoded.  The
 * mapping is one to one.
 */
#ifndef DB_DUMP_NAME_H
#define DB_DUMP_NAME_H

#include "base/buf.h"

#include <stdbool.h>

#define DUMP_GLOBALS "globals.sql"

/* *out is the caller's. */
MUST_CHECK enum err_code dump_name_encode(char **out, const char *database, struct err *err);
/* The letters alone, without the suffix and without regard to the dataset's own files. */
MUST_CHECK enum err_code dump_name_escape(struct buf *out, const char *text, struct err *err);
/* And back; what dump_name_escape does not make comes out somehow. */
MUST_CHECK enum err_code dump_name_unescape(
    struct buf *out, const char *name, size_t len, struct err *err);
/* ERR_CORRUPT when no database has such a file. */
MUST_CHECK enum err_code dump_name_decode(char **out, const char *name, struct err *err);

#endif
