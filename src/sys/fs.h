/*
 * fs.h: files and folders by path: reading, durable writing, removing.
 *
 * "Durable" means: on return the data and the name survive a power cut (file
 * and folder were fsynced).  Paths in messages are as given.
 */
#ifndef SYS_FS_H
#define SYS_FS_H

#include "base/buf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <sys/types.h>

/* Append a file's bytes to out; ERR_CORRUPT if it holds more than max. */
MUST_CHECK enum err_code fs_read_file(
    const char *path, size_t max, struct buf *out, struct err *err);

/* Replace path atomically and durably (temporary sibling, fsync, rename, fsync of the folder).
 */
MUST_CHECK enum err_code fs_write_file(
    const char *path, mode_t mode, const void *data, size_t len, struct err *err);

/* Make a folder and its missing parents; fine if it is there. */
MUST_CHECK enum err_code fs_mkdirs(const char *path, mode_t mode, struct err *err);
MUST_CHECK enum err_code fs_sync_dir(const char *path, struct err *err);
/* Remove a file or a folder of any depth, never through a symlink; fine if it is absent. */
MUST_CHECK enum err_code fs_remove_tree(const char *path, struct err *err);
bool fs_exists(const char *path); /* a dangling symlink exists */
bool fs_is_dir(const char *path);
/* Names in a folder, sorted, without . and .. */
MUST_CHECK enum err_code fs_list_dir(const char *path, struct strv *names, struct err *err);
/* A new private folder under $TMPDIR or /tmp; *out is the caller's to free. */
MUST_CHECK enum err_code fs_make_temp_dir(char **out, const char *prefix, struct err *err);
/* Bytes free to this user on the filesystem that holds path. */
MUST_CHECK enum err_code fs_free_bytes(const char *path, uint64_t *out, struct err *err);
/* The path without symlinks and dots; *out is the caller's. */
MUST_CHECK enum err_code fs_real_path(char **out, const char *path, struct err *err);

#endif
