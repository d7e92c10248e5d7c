/*
 * sqlite_scratch.h: a private folder for copies of databases on their way into
 * the repository.
 *
 * It lies in the state folder, readable for its owner alone, and is removed when
 * it is closed; what a run that died has left is removed by the next one that
 * opens one.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_SQLITE_SCRATCH_H
#define ENGINE_SQLITE_SCRATCH_H

#include "base/err.h"

struct sqlite_scratch;

/* Leaves *out as it is when it is open already. */
MUST_CHECK enum err_code sqlite_scratch_open(
    struct sqlite_scratch **out, const char *state_dir, struct err *err);
void sqlite_scratch_close(struct sqlite_scratch *s);

/* A new folder in it; *out, the caller's, is a path without symlinks. */
MUST_CHECK enum err_code sqlite_scratch_folder(
    struct sqlite_scratch *s, size_t number, char **out, struct err *err);
/* Remove such a folder: its room is needed. */
MUST_CHECK enum err_code sqlite_scratch_done(const char *folder, struct err *err);

#endif
