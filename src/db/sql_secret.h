/*
 * sql_secret.h: definitions without the secrets that are in them.
 *
 * A dump of roles, accounts, user mappings and subscriptions holds passwords or
 * their hashes.  Whoever shows definitions shows the rest of them: the literal
 * behind PASSWORD, IDENTIFIED ... BY, USING or AS, and CONNECTION becomes
 * '(hidden 1f3a)', where the digits tell equal ones from others, in this process alone.
 *
 * Pure, but for a random number once.  Threads: any.
 */
#ifndef DB_SQL_SECRET_H
#define DB_SQL_SECRET_H

#include "base/buf.h"

#include <stdbool.h>

/* May an object of that name (shape.h) hold secrets? */
bool sql_has_secrets(const char *name);
/* Append the text without them. */
MUST_CHECK enum err_code sql_hide_secrets(struct buf *out, const char *text, struct err *err);

#endif
