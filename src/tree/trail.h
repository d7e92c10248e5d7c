/*
 * trail.h: where a folder lies below the root: its name and the trail of the
 * folder that holds it.
 *
 * Paths are put together only when somebody wants to read one, so a tree of
 * any depth costs each folder its own name.
 *
 * Ownership: counted by references; a trail holds one of the trail above it.
 * Threads:   any.
 */
#ifndef TREE_TRAIL_H
#define TREE_TRAIL_H

#include "base/buf.h"

struct trail;

/* up NULL makes the root, whose name is empty. */
MUST_CHECK enum err_code trail_new(
    struct trail **out, struct trail *up, const char *name, struct err *err);
void trail_ref(struct trail *t);
void trail_unref(struct trail *t);
const char *trail_name(const struct trail *t);

/* Append the path of a name in the folder, relative to the root, with a NUL behind; of the
 * folder itself when name is NULL. */
MUST_CHECK enum err_code trail_path(
    const struct trail *t, const char *name, struct buf *out, struct err *err);

#endif
