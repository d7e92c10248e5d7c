/*
 * tar_tree.h: a tree that is put together in memory from entries that come in
 * any order: the inside of tar_save.h.
 *
 * A name leads to an inode; hard links are names of one inode.  An inode's
 * content may become known later, on another thread.
 *
 * Paths: slashes at the ends, doubled ones and "." do not matter; "" is the
 *        root.
 * Threads: one at a time, but for tar_inode_done.
 * Errors: ERR_USAGE for what cannot be placed, with the tree as it was; the
 *         message is for a problem's text.
 */
#ifndef TREE_TAR_TREE_H
#define TREE_TAR_TREE_H

#include "repo/stream.h"
#include "tree/entry.h"

struct tar_tree;
struct tar_inode;

MUST_CHECK enum err_code tar_tree_new(struct tar_tree **out, struct err *err);
/* Waits for contents that are on their way. */
void tar_tree_free(struct tar_tree *t);
AUTO_FREE(tar_tree, struct tar_tree *, tar_tree_free)

/* Place a copy of e, whose name and content do not count, at path.  What had that name is
 * replaced, but for a folder that holds something.  *out is the tree's. */
MUST_CHECK enum err_code tar_tree_add(struct tar_tree *t, const char *path,
    const struct tree_entry *e, struct tar_inode **out, struct err *err);
/* One more name for what is at target. */
MUST_CHECK enum err_code tar_tree_link(
    struct tar_tree *t, const char *path, const char *target, struct err *err);

/* Before a stream for an inode is finished; then tar_inode_done is its stream_done. */
void tar_tree_expect(struct tar_tree *t, struct tar_inode *i);
void tar_inode_done(void *inode, struct content *content);
/* When stream_finish failed, in place of that. */
void tar_inode_failed(struct tar_inode *i);

/* What is in it, each hard link counted. */
struct tar_count {
	uint64_t files;
	uint64_t dirs;
	uint64_t others;
	uint64_t bytes;
};

/* Wait for all contents, store the folders; *root is the caller's to release. */
MUST_CHECK enum err_code tar_tree_store(struct tar_tree *t, struct writer *w,
    struct tree_entry *root, struct tar_count *count, struct err *err);

#endif
