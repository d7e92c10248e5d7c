/*
 * layout.h: a snapshot's tree, put together from entries at given paths.
 *
 * Folders on the way to a path are made; a path may lie inside an entry's
 * folder only if that folder was made here.
 *
 * Threads: one at a time.
 */
#ifndef ENGINE_LAYOUT_H
#define ENGINE_LAYOUT_H

#include "repo/writer.h"
#include "tree/entry.h"

struct layout;

MUST_CHECK enum err_code layout_new(struct layout **out, struct err *err);
void layout_free(struct layout *l);
AUTO_FREE(layout, struct layout *, layout_free)

/* Keep a copy of e at path, "volumes/shop_uploads".  ERR_EXISTS when something is there. */
MUST_CHECK enum err_code layout_add(
    struct layout *l, const char *path, const struct tree_entry *e, struct err *err);
/* Give the folder at path, which is made here if need be, the metadata of like (copied). */
MUST_CHECK enum err_code layout_set_folder(
    struct layout *l, const char *path, const struct tree_entry *like, struct err *err);
/* Store all folders; *root is the caller's to release. */
MUST_CHECK enum err_code layout_store(
    struct layout *l, struct writer *w, struct tree_entry *root, struct err *err);

#endif
