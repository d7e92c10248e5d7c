/*
 * restore_place.h: making folders and files inside a folder of this host that
 * was restored, and so may hold anything: no symlink in it is ever followed.
 * For restore*.c only.
 */
#ifndef ENGINE_RESTORE_PLACE_H
#define ENGINE_RESTORE_PLACE_H

#include "base/err.h"

#include <sys/types.h>

struct place_owner {
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
};

/* Open the folder at path (relative) inside root; missing ones on the way are made with owner
 * when it is given, and are ERR_NOT_FOUND otherwise.  *fd is the caller's. */
MUST_CHECK enum err_code place_open_folder(int *fd, const char *root, const char *path,
    const struct place_owner *owner, struct err *err);
/* Make the folder at path, or give the one that is there that owner and mode. */
MUST_CHECK enum err_code place_make_folder(
    const char *root, const char *path, const struct place_owner *owner, struct err *err);
/* A new file in place of whatever file has the name; *fd is the caller's, open for writing. */
MUST_CHECK enum err_code place_make_file(int *fd, const char *root, const char *path,
    const struct place_owner *owner, struct err *err);

#endif
