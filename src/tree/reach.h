/*
 * reach.h: all chunks that trees need, each folder walked once, however many
 * snapshots share it.
 *
 * Memory: three bits for each chunk that the index knows, and the folders that
 * are open on the way down; folders whose listing has several chunks are
 * remembered by hash, lost chunks by id.
 *
 * Threads: one at a time.
 * Errors:  a chunk that cannot be had is not an error: it is told, with the
 *          path that needs it, and the tree is not whole.  So is what this
 *          build cannot read (ERR_UNSUPPORTED).
 */
#ifndef TREE_REACH_H
#define TREE_REACH_H

#include "repo/chunk_set.h"
#include "sys/cancel.h"
#include "tree/entry.h"

struct reach;

/* May this stored chunk be relied on?  ERR_OK: yes.  ERR_CORRUPT, ERR_NOT_FOUND, ERR_IO,
 * ERR_UNSUPPORTED: no, err says why.  Other codes end the walk.  Called once for each chunk. */
typedef enum err_code reach_chunk_fn(
    void *arg, const struct id *id, uint64_t len, struct err *err);

/* A file or folder that is not whole; is_dir: with all below it.  Told for each one that needs
 * a lost chunk; a code other than ERR_OK ends the walk. */
typedef enum err_code reach_lost_fn(
    void *arg, const char *path, bool is_dir, const char *why, struct err *err);

struct reach_options {
	reach_chunk_fn *chunk; /* NULL: each chunk that the index knows will do */
	reach_lost_fn *lost; /* NULL: nobody is told */
	void *arg;
	const struct cancel *cancel;
};

MUST_CHECK enum err_code reach_new(
    struct reach **out, struct repo *r, const struct reach_options *opt, struct err *err);
void reach_free(struct reach *x);
AUTO_FREE(reach, struct reach *, reach_free)

/* Walk a tree (the root may be a file); paths are told relative to its root, with a slash
 * before them ("/" itself). Folders that were found whole before are not read again; those that
 * were not are told again.
 */
MUST_CHECK enum err_code reach_tree(
    struct reach *x, const struct tree_entry *root, bool *is_whole, struct err *err);

/* All chunks that the trees so far need and that the index knows (those that opt.chunk refused
 * too): the reach's own. */
struct chunk_set *reach_used(struct reach *x);

#endif
