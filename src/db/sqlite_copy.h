/*
 * sqlite_copy.h: the inside of sqlite.h: a database and what belongs to it,
 * copied byte by byte.
 */
#ifndef DB_SQLITE_COPY_H
#define DB_SQLITE_COPY_H

#include "sys/cancel.h"

#include <stdbool.h>
#include <sys/stat.h>

/* The parts that make up a database's state: the file, "-wal", "-journal". */
#define SQLITE_PARTS 3
extern const char *const sqlite_part_suffix[SQLITE_PARTS];

/* Copy all parts that name has in the folder to base, base-wal, base-journal.  *steady: none of
 * them changed meanwhile.  ERR_NOT_FOUND and ERR_CHANGED are about the database itself. */
MUST_CHECK enum err_code sqlite_copy(int dir_fd, const char *name, const char *base,
    const struct cancel *cancel, bool *steady, struct err *err);

/* Does a rollback journal name a super-journal?  Then it cannot be judged without that one. */
bool sqlite_journal_has_super(const char *path);

#endif
