/*
 * restore_path.h: absolute paths as text; for restore*.c only.
 *
 * Nothing is looked up: symlinks and dots are not resolved.
 */
#ifndef ENGINE_RESTORE_PATH_H
#define ENGINE_RESTORE_PATH_H

#include "base/strv.h"

/* The folder that holds path; "." when the path does not tell. */
MUST_CHECK enum err_code path_holder(char **out, const char *path, struct err *err);
/* Is path dir, or inside it? */
bool path_is_within(const char *path, const char *dir);
/* A name beside path: "/srv/.stacksnap-new-1a2b3c4d.shop" for "/srv/shop". */
MUST_CHECK enum err_code path_beside(
    char **out, const char *path, const char *word, const char *tag, struct err *err);
/* path with the folder from in its beginning replaced by to; a copy when it is not inside. */
MUST_CHECK enum err_code path_moved(
    char **out, const char *path, const char *from, const char *to, struct err *err);

#endif
