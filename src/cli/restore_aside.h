/*
 * restore_aside.h: restore --database D --into NAME: a whole database beside those that are
 * there.
 */
#ifndef CLI_RESTORE_ASIDE_H
#define CLI_RESTORE_ASIDE_H

#include "cli/cli.h"

bool restore_aside_is_asked(const struct args *a);
MUST_CHECK enum err_code restore_aside_run(
    struct cli *c, enum exit_code *code, struct err *err);

#endif
