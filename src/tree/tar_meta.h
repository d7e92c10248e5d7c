/*
 * tar_meta.h: an archive's entry as one of a tree: the inside of tar_save.h.
 *
 * Threads: one for each tar_meta.
 */
#ifndef TREE_TAR_META_H
#define TREE_TAR_META_H

#include "tree/entry.h"

struct archive_entry;

/* Memory that is used again; what an entry points at lies here until the next one. */
struct tar_meta {
	struct tree_xattr *xattrs;
	size_t xattr_cap;
	struct buf acls[2]; /* access and default, as the kernel keeps them */
};

void tar_meta_release(struct tar_meta *m);

/* All but name and content.  *lost tells what could not be taken over; "" when nothing.
 * ERR_UNSUPPORTED when the entry is of no type that a tree can hold. */
MUST_CHECK enum err_code tar_meta_read(struct tar_meta *m, struct tree_entry *out,
    struct archive_entry *from, const char **lost, struct err *err);

#endif
