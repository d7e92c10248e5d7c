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

/*
 * A content as it grows: extents are given in order, and a list of them is stored as soon as
 * it ends.
 *
 * Memory: at most some 500 extents on each level, however many are given; one for one.
 * Threads: one at a time.
 */
struct extent_level {
	struct extent *items; /* that are in no list yet */
	size_t count;
	size_t cap;
	bool is_cut; /* there were too many for a content: they go into lists */
};

struct extent_lists {
	struct extent_level levels[CONTENT_MAX_LEVEL + 1];
	uint64_t size;
	bool is_counted;
};

void extent_lists_release(struct extent_lists *l);
static inline void UNUSED
extent_lists_auto(struct extent_lists *l)
{
	extent_lists_release(l);
}
MUST_CHECK enum err_code extent_lists_add(
    struct extent_lists *l, struct writer *w, const struct extent *e, struct err *err);
/* There are no more; l is empty then. */
MUST_CHECK enum err_code extent_lists_finish(
    struct extent_lists *l, struct writer *w, struct content *out, struct err *err);

#endif
