/*
 * catalog.h: what the daemon must remember: settings, schedules, runs, users.
 *
 * One SQLite database in WAL mode, with one connection, which alone writes and
 * checkpoints (decision 0028); a lock file beside it keeps a second process out.
 * What a call has changed is durable when it returns.  The tables have headers
 * of their own: schedule.h, run.h, account.h, audit.h.
 *
 * Ownership: what a call gives is the caller's, freed by the release function beside its
 *            struct.
 * Threads:   any number; calls wait for each other.
 * Errors:    ERR_LOCKED when another process has it, ERR_UNSUPPORTED for one of a later
 *            version, ERR_CORRUPT for a damaged one (the message says what can be made
 *            again from what), and those of stmt.h.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/err.h"

struct catalog;

/* Opens it, makes it when there is none, and brings an older one up to date. */
MUST_CHECK enum err_code catalog_open(struct catalog **out, const char *path, struct err *err);
void catalog_close(struct catalog *c);
AUTO_FREE(catalog, struct catalog *, catalog_close)

/* *value is NULL when nothing was put under that name. */
MUST_CHECK enum err_code catalog_get(
    struct catalog *c, const char *name, char **value, struct err *err);
/* NULL takes it away. */
MUST_CHECK enum err_code catalog_put(
    struct catalog *c, const char *name, const char *value, struct err *err);

#endif
