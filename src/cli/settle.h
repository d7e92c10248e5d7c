/*
 * settle.h: restore undo, restore finish, restore status: what the command
 * restore does with an earlier restore.  No repository is opened.
 */
#ifndef CLI_SETTLE_H
#define CLI_SETTLE_H

#include "cli/cli.h"
#include "engine/restore_settle.h"

/* Is this the word of one of them, rather than a snapshot? */
bool settle_is_verb(const char *operand);
MUST_CHECK enum err_code settle_run(struct cli *c, enum exit_code *code, struct err *err);

#endif
