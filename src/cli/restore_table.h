/*
 * restore_table.h: restore --table: the rows of one table, put back into the server that
 * runs, and settled afterwards.
 */
#ifndef CLI_RESTORE_TABLE_H
#define CLI_RESTORE_TABLE_H

#include "cli/cli.h"

bool restore_table_is_asked(const struct args *a);
MUST_CHECK enum err_code restore_table_run(
    struct cli *c, enum exit_code *code, struct err *err);

#endif
