/*
 * sql_name.h: what a statement of a dump defines, by its first words.
 *
 * Names are put as census.h has them, qualified as the dump says: "TABLE
 * public.orders", "TRIGGER stamp ON public.orders", "EVENT shop.nightly".
 *
 * Pure.  Errors: ERR_NO_MEMORY.
 */
#ifndef DB_SQL_NAME_H
#define DB_SQL_NAME_H

#include "db/sql_scan.h"

/* The pieces of large objects. */
#define SQL_LARGE_DATA "LARGE OBJECT DATA"

/* Append the name of what the statement defines; nothing when it defines nothing that can be
 * named (SET, GRANT, COMMENT, ...).  database is that of the last USE, for MySQL; may be "". */
MUST_CHECK enum err_code sql_object_name(struct buf *out, const struct sql_head *h,
    enum sql_dialect dialect, const char *database, struct err *err);
/* The name of what ALTER changes, as CREATE would be named; nothing when it cannot be named. */
MUST_CHECK enum err_code sql_altered_name(
    struct buf *out, const struct sql_head *h, struct err *err);
/* The table behind COPY or INSERT INTO. */
MUST_CHECK enum err_code sql_rows_name(struct buf *out, const struct sql_head *h,
    enum sql_dialect dialect, const char *database, struct err *err);

/* Append the name that begins at token i, as the dump qualifies it; it takes so many tokens, 0
 * when there is none. */
MUST_CHECK enum err_code sql_name_at(
    struct buf *out, const struct sql_head *h, size_t i, size_t *taken, struct err *err);

/* Append the table that a statement is about though it makes something else: an index, a
 * comment, a right, a sequence that is owned by a column; nothing when there is none. */
MUST_CHECK enum err_code sql_statement_table(
    struct buf *out, const struct sql_head *h, struct err *err);
/* The same by what sql_object_name gave: within it, or NULL. */
const char *sql_object_table(const char *object);
/* A name without its first part; NULL when it has no other. */
const char *sql_name_rest(const char *name);

/* The last part of such a name, quotes and all: `name` itself when it has one only. */
const char *sql_name_last(const char *name);

/* Append a name between marks, '"' or '`'; those that it has are doubled.  A NUL stands behind
 * it, as with buf_str. */
MUST_CHECK enum err_code sql_quote(
    struct buf *out, const char *name, char mark, struct err *err);
/* Append one part of a name, quoted when it is no plain word. */
MUST_CHECK enum err_code sql_name_part(struct buf *out, const char *part, struct err *err);

#endif
