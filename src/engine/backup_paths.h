/*
 * backup_paths.h: the folders of a backup, for the engine's backup files only.
 */
#ifndef ENGINE_BACKUP_PATHS_H
#define ENGINE_BACKUP_PATHS_H

#include "engine/capture.h"

/* The absolute paths, without symlinks, each once, none inside another. */
MUST_CHECK enum err_code paths_resolve(
    struct strv *out, const struct strv *paths, struct err *err);
/* Make a capture of each resolved path, which is borrowed, with the run's rules read. */
MUST_CHECK enum err_code paths_capture(
    struct backup_run *r, const struct strv *resolved, struct err *err);

/* What the options leave out below root, which may be NULL; *out is NULL when there is no rule.
 */
MUST_CHECK enum err_code rules_read(
    struct ignore **out, const char *root, const struct backup_options *opt, struct err *err);

#endif
