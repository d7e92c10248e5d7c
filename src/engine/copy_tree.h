/*
 * copy_tree.h: a stored tree, stored once more in another repository.
 *
 * Chunk ids and borders are keyed by repository, so files are read and cut
 * anew; entries keep every byte but their content.  What is equal in an
 * earlier tree that was copied already is taken from its copy unread, also
 * inside a file (copy_delta.h).
 *
 * Memory: the names of the folders on the way to the one at hand; contents of
 * files with several names.
 * Threads: one for each copy; the progress may be read by any.
 */
#ifndef ENGINE_COPY_TREE_H
#define ENGINE_COPY_TREE_H

#include "base/strv.h"
#include "repo/stream.h"
#include "sys/cancel.h"
#include "tree/entry.h"

#include <stdatomic.h>

struct copy_progress {
	atomic_uint_least64_t files; /* read, or found equal */
	atomic_uint_least64_t bytes; /* read */
};

struct copy_tree_options {
	struct repo *from;
	struct writer *to;
	/* Files that are cut at rows ("databases/db/shop.sql"), or folders of such. */
	const struct strv *rows;
	/* The roots of an earlier tree in from, and of its copy, of which every chunk is there;
	 * both or none. */
	const struct tree_entry *old_from;
	const struct tree_entry *old_to;
	struct copy_progress *progress;
	const struct cancel *cancel;
};

/* raw is a root's encoded entry.  Appends that of the copy to out; it can be read after
 * writer_flush.  *is_source: the error is of what was read, and names it. */
MUST_CHECK enum err_code copy_tree(const struct copy_tree_options *opt, const struct buf *raw,
    struct buf *out, bool *is_source, struct err *err);

#endif
