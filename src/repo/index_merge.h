/*
 * index_merge.h: several segments read as one, and made into one.
 *
 * Memory: 64 KiB for each segment, and four bytes for each of their packs while
 * they are made into one.
 * For the index only.
 */
#ifndef REPO_INDEX_MERGE_H
#define REPO_INDEX_MERGE_H

#include "repo/index_segment.h"

/* The records of one table of several segments, in order of ids; equal ids in order of the
 * segments. */
struct segment_merge {
	struct segment_cursor *cursors;
	const uint8_t **heads; /* the next record of each */
	uint64_t *keys; /* and its prefix */
	size_t *heap; /* the segments that are not at their end */
	size_t count; /* of segments */
	size_t live; /* in the heap */
	bool is_lent; /* the first of the heap was given out */
};
enum segment_kind { SEGMENT_PACKS, SEGMENT_ENTRIES };
MUST_CHECK enum err_code segment_merge_init(struct segment_merge *m,
    struct segment *const *segments, size_t count, enum segment_kind kind, struct err *err);
void segment_merge_release(struct segment_merge *m);
static inline void UNUSED
segment_merge_auto(struct segment_merge *m)
{
	segment_merge_release(m);
}
/* *record is NULL at the end, and stays as it is until the next call; number: in its segment.
 */
MUST_CHECK enum err_code segment_merge_next(struct segment_merge *m, const uint8_t **record,
    size_t *segment, uint64_t *number, struct err *err);

/* One segment of all, without the objects that are not among keep (sorted; NULL: all are).
 * *out is NULL when nothing is left. */
MUST_CHECK enum err_code segments_unite(struct segment **out, struct segment *const *segments,
    size_t count, const struct id *keep, size_t n_keep, enum segment_place place,
    const char *folder, struct err *err);

bool id_is_among(const struct id *id, const struct id *sorted, size_t count);

#endif
