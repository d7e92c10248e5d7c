/*
 * listing_view.h: a folder's listing, entered at any place.
 *
 * An entry is known by where it begins in the listing, which never changes: a
 * folder that is read a few entries at a time goes on from there, and nothing
 * is kept for each entry.  For finding names, the place of every 128th entry is
 * noted on the first search; names are sorted.
 *
 * Ownership: counted by references.
 * Threads:   any; each cursor belongs to one.
 * Errors:    ERR_CORRUPT for a listing that no StackSnap writes.
 */
#ifndef MOUNT_LISTING_VIEW_H
#define MOUNT_LISTING_VIEW_H

#include "mount/pieces.h"
#include "tree/entry.h"

#define LISTING_FIRST 4 /* where the first entry begins */

struct listing_view;

/* dir is a folder's entry, of which the view keeps a copy. */
MUST_CHECK enum err_code listing_view_open(
    struct listing_view **out, struct pieces *p, const struct tree_entry *dir, struct err *err);
void listing_view_ref(struct listing_view *l);
void listing_view_unref(struct listing_view *l);
AUTO_FREE(listing_view, struct listing_view *, listing_view_unref)

/* The folder itself. */
const struct tree_entry *listing_view_dir(const struct listing_view *l);
/* Bytes of memory that it takes, about. */
size_t listing_view_cost(struct listing_view *l);

/* A way through a listing. */
struct cursor {
	struct listing_view *view; /* borrowed */
	uint64_t at; /* where the next entry begins */
	struct frame *piece; /* that at lies in */
	uint64_t piece_number;
	struct buf spill; /* an entry that lies across a border */
};

void cursor_init(struct cursor *c, struct listing_view *l, uint64_t at);
void cursor_release(struct cursor *c);
static inline void UNUSED
cursor_auto(struct cursor *c)
{
	cursor_release(c);
}
/* The next entry, which lies in the cursor until the next call; data NULL behind the last. */
MUST_CHECK enum err_code cursor_next(struct cursor *c, struct tree_raw *out, struct err *err);

/* The entry that begins at a place; *out is the caller's. */
MUST_CHECK enum err_code listing_view_entry(
    struct listing_view *l, uint64_t at, struct tree_entry *out, struct err *err);
/* Where a name is.  *is_there tells; at and *out are set only then. */
MUST_CHECK enum err_code listing_view_find(struct listing_view *l, const char *name,
    bool *is_there, uint64_t *at, struct tree_entry *out, struct err *err);

#endif
