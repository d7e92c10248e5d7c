/*
 * folder.h: live folders, reached one name at a time from a root that is open.
 *
 * A folder knows the folder that holds it and its name there, so trees
 * deeper than PATH_MAX are no different from others.  Descriptors are kept
 * within a limit: a folder that nobody has pinned may be closed, and is then
 * opened again on the way down from the nearest one that is open, and must be
 * the same inode still.  No symlink is ever followed below the root.
 *
 * Ownership: folders are counted by references; a folder holds one of the
 *            folder that it lies in.  All must be gone before the set.
 * Threads:   any.
 * Errors:    those of open; ERR_NOT_FOUND with ESTALE's text when a folder that
 *            must be opened again has been replaced.
 */
#ifndef TREE_FOLDER_H
#define TREE_FOLDER_H

#include "tree/trail.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct folder;

struct folder_set {
	bool use_openat2;
	bool no_atime; /* do not touch the access times of folders that are read */
	size_t max_open;
	pthread_mutex_t lock;
	/* Guarded by lock: */
	size_t open;
	struct folder *idle_first; /* open and not pinned, the longest idle first */
	struct folder *idle_last;
};

/* Does the kernel let us use openat2? */
bool folder_has_openat2(void);

void folder_set_init(struct folder_set *set, bool use_openat2, bool no_atime);
void folder_set_release(struct folder_set *set);

/* The root, from a path that is followed wherever it leads.  fd becomes the folder's. */
MUST_CHECK enum err_code folder_root(
    struct folder **out, struct folder_set *set, int fd, struct err *err);
/* Enter a folder inside up.  The caller has up pinned; the new folder is pinned too, once. */
MUST_CHECK enum err_code folder_enter(
    struct folder **out, struct folder *up, const char *name, struct stat *st, struct err *err);
void folder_ref(struct folder *f);
void folder_unref(struct folder *f);

/* Its descriptor, good until folder_unpin. */
MUST_CHECK enum err_code folder_pin(struct folder *f, int *fd, struct err *err);
void folder_unpin(struct folder *f);

dev_t folder_dev(const struct folder *f);

/* Append the path of a name in f, relative to the root; of f itself when name is NULL. */
MUST_CHECK enum err_code folder_path(
    const struct folder *f, const char *name, struct buf *out, struct err *err);

struct trail *folder_trail(const struct folder *f);

/* openat of one name, never through a symlink: -1 and errno. */
int folder_open_at(
    const struct folder_set *set, int dir_fd, const char *name, int flags, mode_t mode);

#endif
