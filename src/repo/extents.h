/*
 * extents.h: lists of extents as they stand inside contents and list chunks.
 *
 * For repo/ only.  Format: docs/format.md, "Content".
 */
#ifndef REPO_EXTENTS_H
#define REPO_EXTENTS_H

#include "repo/content.h"
#include "repo/writer.h"

MUST_CHECK enum err_code extents_encode(
    const struct extent *items, size_t count, struct buf *out, struct err *err);
/* The list as a content of the given level. */
MUST_CHECK enum err_code extents_decode(
    struct content *out, unsigned level, struct rd *r, struct err *err);

/* Make a content of level-0 extents, storing lists of extents when there are too many.  Takes
 * over items (malloc), also on failure. */
MUST_CHECK enum err_code extents_to_content(
    struct writer *w, struct extent *items, size_t count, struct content *out, struct err *err);

#endif
