/*
 * settle.h: restore undo, restore finish, restore status: what the command
 * restore does with an earlier restore.  No repository is opened.
 */
#ifndef CLI_SETTLE_H
#define CLI_SETTLE_H

#include "cli/cli.h"
#include "engine/restore_settle.h"

/* settle_status.c: warnings tell of records that cannot be read. */
MUST_CHECK enum err_code settle_list(
    struct cli *c, struct engine *e, struct restored_list *out, struct err *err);
MUST_CHECK enum err_code settle_status(
    struct cli *c, struct engine *e, enum exit_code *code, struct err *err);

/* Is this the word of one of them, rather than a snapshot? */
bool settle_is_verb(const char *operand);
MUST_CHECK enum err_code settle_run(struct cli *c, enum exit_code *code, struct err *err);

#endif
