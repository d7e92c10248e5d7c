/*
 * sqlite_bytes.h: the inside of sqlite_rows.h: SQLite reading a file through a
 * callback, and nothing else of this host's.
 *
 * The file cannot be written, has no journal and no -wal, and is taken to be one
 * that nobody changes; a header that says WAL is read as one that does not.
 *
 * Source: sqlite.org/c3ref/vfs.html, io_methods.html.
 * Threads: one at a time.
 */
#ifndef DB_SQLITE_BYTES_H
#define DB_SQLITE_BYTES_H

#include "db/sqlite_rows.h"

#include <sqlite3.h>

struct sqlite_reader;

/* The database is open and defended against what is in it. */
MUST_CHECK enum err_code sqlite_reader_open(
    struct sqlite_reader **out, const struct sqlite_bytes *file, struct err *err);
void sqlite_reader_close(struct sqlite_reader *r);
sqlite3 *sqlite_reader_db(struct sqlite_reader *r);
/* The error of a call that gave rc: the callback's own, or what SQLite says. */
enum err_code sqlite_reader_failed(struct sqlite_reader *r, int rc, struct err *err);

#endif
