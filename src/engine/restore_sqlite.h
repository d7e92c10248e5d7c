/*
 * restore_sqlite.h: what must not stay beside a SQLite database that was restored
 * over another.
 *
 * SQLite would apply the old database's -wal or -journal to the new one, and so
 * destroy it.  They are kept under another name, and told.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_RESTORE_SQLITE_H
#define ENGINE_RESTORE_SQLITE_H

#include "engine/engine.h"

#include <jansson.h>

/* path of the snapshot's tree (a folder; "" is all of it) was restored to target, and every
 * file that was there replaced. */
MUST_CHECK enum err_code restore_sqlite_settle(struct engine *e, const json_t *document,
    const char *path, const char *target, struct err *err);

#endif
