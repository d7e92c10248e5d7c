/*
 * kept_folder.h: the hidden folder in which a restore keeps the old data of a
 * folder that is a mount point (docs/decisions/0039-mounted-folders.md).
 *
 * It lies at the top of that folder, "/srv/data/.stacksnap-kept-1a2b3c4d", so
 * whoever reads such a folder meets it: backups, their dry runs, and comparisons
 * with what is there leave it out.
 */
#ifndef ENGINE_KEPT_FOLDER_H
#define ENGINE_KEPT_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* tag is of eight hexadecimal digits; *out is the caller's. */
MUST_CHECK enum err_code kept_folder_path(
    char **out, const char *root, const char *tag, struct err *err);
/* Is it one, by its path below the root? */
bool kept_folder_is(const char *path, size_t len);
/* Is there one in that folder?  Not in what cannot be read. */
bool kept_folder_in(const char *root);

#endif
