/*
 * patch.h: a stored tree with some of its entries replaced, added or left out.
 *
 * Only the listings on the way to a change are read and stored anew; memory is
 * that of these listings.
 *
 * Threads: one at a time.
 */
#ifndef TREE_PATCH_H
#define TREE_PATCH_H

#include "repo/writer.h"
#include "tree/entry.h"

struct tree_edit {
	const char *path; /* below the root: "data/app.db" */
	const struct tree_entry *entry; /* its name does not matter; NULL: leave it out */
};

/* changes are sorted by tree_path_compare, none twice and none inside another.  What must be
 * left out may be missing; ERR_NOT_FOUND when a folder on the way is.  The tree must be
 * readable (writer_flush). */
MUST_CHECK enum err_code tree_patch(struct tree_entry *out, struct writer *w, struct repo *r,
    const struct tree_entry *root, const struct tree_edit *changes, size_t n, struct err *err);

#endif
