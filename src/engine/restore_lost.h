/*
 * restore_lost.h: which rows of a table, or keys of a prefix, are lost by a restore, and by
 * taking it back.
 */
#ifndef ENGINE_RESTORE_LOST_H
#define ENGINE_RESTORE_LOST_H

#include "engine/restore_table.h"

/* Lines for out->lines, of the table that it names; prefix may be NULL. */
MUST_CHECK enum err_code lost_by_restore(struct engine *e, const struct id *id,
    const char *prefix, struct restore_table_plan *out, struct err *err);
/* What was written since the rows of snapshot out->tag were put there; a note when that is not
 * known. */
MUST_CHECK enum err_code lost_by_undo(
    struct engine *e, const char *prefix, struct restore_table_plan *out, struct err *err);

#endif
