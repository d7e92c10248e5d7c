/*
 * look_view.h: a dry run of a backup of folders, shown.
 */
#ifndef CLI_LOOK_VIEW_H
#define CLI_LOOK_VIEW_H

#include "cli/cli.h"
#include "engine/backup.h"

/* Look, and write the result.  Compares with the last snapshot when a repository is given; with
 * --long each path that would change the snapshot is a line. */
MUST_CHECK enum err_code look_view_run(
    struct cli *c, const struct strv *paths, const struct backup_options *opt, struct err *err);

#endif
