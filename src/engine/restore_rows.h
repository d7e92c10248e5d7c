/*
 * restore_rows.h: which rows a restore would remove, bring back and change; for
 * restore*.c only.
 *
 * The databases of the snapshot are compared with the servers that run now
 * (diff_rows.h), which reads all that these hold.  A server that cannot be
 * compared (it does not run, it is broken) is told, and is no failure: it may be
 * the reason for the restore.
 */
#ifndef ENGINE_RESTORE_ROWS_H
#define ENGINE_RESTORE_ROWS_H

#include "engine/diff_rows.h"
#include "engine/restore_job.h"

/* After job_look: fill in preview.rows. */
MUST_CHECK enum err_code restore_preview_rows(struct restore_job *j, struct err *err);

/* The line of one table, appended to out: nothing when no row differs.  Before is the snapshot,
 * after what is live. */
MUST_CHECK enum err_code restore_rows_line(
    struct strv *out, const struct diff_table *t, struct err *err);

#endif
