/*
 * copy_delta.h: which parts of a file that changed need not be copied again.
 *
 * Chunk borders differ between repositories, bytes do not: a run of the new
 * file whose chunks stood in the old one has its bytes in the old one's copy,
 * and the copy's chunks that lie wholly inside such a run can be used again.
 *
 * Counted contents are copied chunk by chunk: delta_find tells what became of
 * each.
 *
 * Memory: about 130 bytes for each chunk of the old file and of its copy.
 */
#ifndef ENGINE_COPY_DELTA_H
#define ENGINE_COPY_DELTA_H

#include "repo/repo.h"

enum delta_kind {
	DELTA_READ, /* bytes to be read in the source: len from offset on */
	DELTA_HOLE,
	DELTA_STORED, /* a chunk of the target */
};

struct delta_part {
	enum delta_kind kind;
	uint64_t offset; /* in the new file */
	uint64_t len;
	struct id id; /* of a stored chunk */
};

/* What a new file is made of, in order and without gaps: the callback's for the call only. */
typedef enum err_code delta_fn(void *arg, const struct delta_part *part, struct err *err);

struct delta_files {
	struct repo *from;
	struct repo *to;
	const struct content *now; /* in from */
	const struct content *old; /* in from */
	const struct content *copy; /* of old, in to */
};

/* Is it worth the trouble, and bounded? */
bool delta_is_useful(const struct delta_files *f);

struct delta;
/* Compare; ERR_NOT_FOUND when nothing can be used again, or the old ones cannot be read. */
MUST_CHECK enum err_code delta_new(
    struct delta **out, const struct delta_files *f, struct err *err);
void delta_free(struct delta *d);
AUTO_FREE(delta, struct delta *, delta_free)
MUST_CHECK enum err_code delta_walk(
    const struct delta *d, delta_fn *fn, void *arg, struct err *err);
/* Of counted contents: the copy of a chunk that the old file has, too, or NULL. */
const struct extent *delta_find(const struct delta *d, const struct extent *e);

#endif
