/*
 * verbs_restore.h: what the verbs of verbs_restore.c and verbs_restore_tables.c share.
 */
#ifndef SERVE_VERBS_RESTORE_H
#define SERVE_VERBS_RESTORE_H

#include "base/strv.h"
#include "serve/verb.h"

/* A person types what the change is of, so that no slip of the hand is one: ERR_USAGE unless
 * the argument "confirm" is want. */
MUST_CHECK enum err_code restore_confirmed(
    const struct ask *ask, const char *want, struct err *err);
/* Each text of a list among the arguments, behind option ("--service="). */
MUST_CHECK enum err_code restore_add_each(struct strv *argv, const struct ask *ask,
    const char *name, const char *option, struct err *err);

/* Rows of single tables, into the server that runs. */
verb_fn restore_tables_preview;
verb_fn restore_tables_start;
verb_fn restore_tables_undo_preview;
verb_fn restore_tables_undo;
verb_fn restore_tables_finish;

#endif
