/*
 * meta.h: the metadata of live files, read into entries.
 *
 * struct meta is what one thread needs for it: caches and memory that is used
 * again.  What meta_read_* put into an entry points into the meta, good until
 * the next read of the same kind; the entry has no block.
 *
 * Threads: one for each meta.
 */
#ifndef TREE_META_H
#define TREE_META_H

#include "base/map.h"
#include "tree/entry.h"

#include <sys/stat.h>

struct meta {
	struct map users; /* uid to name, as uint64_t to char * (NULL: it has none) */
	struct map groups;
	struct buf names; /* of xattrs, as the kernel lists them */
	struct buf values; /* behind one another */
	struct tree_xattr *xattrs;
	size_t xattr_cap;
};

void meta_init(struct meta *m);
void meta_release(struct meta *m);

/* What st_mode says. */
enum tree_type meta_type(mode_t mode);

/* Type, mode, owner's numbers, times, inode, links, device numbers.  dev stays 0 when the file
 * lies on holder_dev. */
void meta_from_stat(struct tree_entry *e, const struct stat *st, dev_t holder_dev);

/* The names of e's uid and gid, where they have some. */
MUST_CHECK enum err_code meta_read_owner(struct meta *m, struct tree_entry *e, struct err *err);

/* All xattrs: of an open file, or of a name in a folder (a symlink's own).  A filesystem
 * without xattrs has none. */
MUST_CHECK enum err_code meta_read_xattrs(
    struct meta *m, struct tree_entry *e, int fd, struct err *err);
MUST_CHECK enum err_code meta_read_xattrs_at(
    struct meta *m, struct tree_entry *e, int dir_fd, const char *name, struct err *err);

/* The path of an open descriptor, and of a name in an open folder, for calls that have no
 * descriptor of their own. */
#define FD_PATH_SIZE 1100
void fd_path(char out[FD_PATH_SIZE], int fd, const char *name);

#endif
