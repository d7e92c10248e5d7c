/*
 * extents.h: lists of extents as they stand inside contents and list chunks.
 *
 * For repo/ only.  Format: docs/format.md, "Content".
 */
#ifndef REPO_EXTENTS_H
#define REPO_EXTENTS_H

#include "repo/content.h"
#include "repo/writer.h"

/* How many items have a list, and of what kind it is. */
struct extent_list {
	const struct extent *items;
	size_t count;
	bool is_counted;
};

MUST_CHECK enum err_code extents_encode(
    const struct extent_list *list, struct buf *out, struct err *err);
/* The extent that stands for a list, but for its id. */
struct extent extents_sum(const struct extent_list *list);

/* Make a content of level-0 extents, storing lists of extents when there are too many.  Takes
 * over items (malloc), also on failure. */
MUST_CHECK enum err_code extents_to_content(struct writer *w, struct extent *items,
    size_t count, bool is_counted, struct content *out, struct err *err);

#endif
