/*
 * content_delta.h: what two contents of rows do not share.
 *
 * Both are lists of lists of chunks.  What both have is taken away from both,
 * unread: first lists, level by level, then chunks, as multisets, wherever they
 * stand.  The chunks of a row that is torn are one with what they continue, and only taken away
 * all together.  Chunks without any row (the head of a table and its tail) are left out.
 * docs/decisions/0023-datasets.md.
 *
 * What is left comes as runs: what stands in a and in b between the same shared
 * neighbours, so that their rows may be compared front to front and end to end.
 * Where the order is mixed up, a run need not have such neighbours: the runs are the same
 * multisets of rows all the same.  A run begins and ends at a border of rows.
 *
 * Memory: 72 bytes for each list that is not shared (6 MiB for a table of 100 GiB, all of which
 *         differs), one bit for each chunk in them; 66 MiB of the ids of 1.5 million chunks
 *         (24 GiB), more in several passes over the lists; 32 MiB of lists, more are read anew
 * in each pass. content_delta_read: 24 MiB, besides a row that is larger than that. Ownership:
 * repositories and contents are borrowed until content_delta_free. Threads:   one at a time;
 * content_delta_read has threads of its own. Errors:    those of repo_read_chunk;
 * ERR_UNSUPPORTED for a content that is not counted.
 */
#ifndef REPO_CONTENT_DELTA_H
#define REPO_CONTENT_DELTA_H

#include "repo/repo.h"

struct content_delta_options {
	const struct content *a; /* NULL: empty */
	const struct content *b;
	struct repo *repo_a;
	struct repo *repo_b; /* may be the same */
	bool is_apart; /* nothing is shared: equal bytes do not mean equal rows */
	unsigned threads; /* 0: one per processor */
	size_t remember; /* chunks of a pass; 0: 1.5 million */
	const struct cancel *cancel; /* may be NULL */
};

struct content_delta;

/* Compare; no chunk is read but lists. */
MUST_CHECK enum err_code content_delta_new(
    struct content_delta **out, const struct content_delta_options *opt, struct err *err);
void content_delta_free(struct content_delta *d);
AUTO_FREE(content_delta, struct content_delta *, content_delta_free)

/* What is left of each side, 0 (a) and 1 (b). */
struct content_delta_rest {
	uint64_t chunks[2];
	uint64_t bytes[2];
	uint64_t rows[2];
};
const struct content_delta_rest *content_delta_rest(const struct content_delta *d);

/* Chunks of both sides, in order; either side may have none. */
struct content_run {
	const struct extent *extents[2];
	size_t count[2];
};
/* The run is the callback's for the call only. */
typedef enum err_code content_run_fn(void *arg, const struct content_run *run, struct err *err);
MUST_CHECK enum err_code content_delta_walk(
    struct content_delta *d, content_run_fn *fn, void *arg, struct err *err);

/* The same with the bytes, whole rows. */
struct content_run_bytes {
	const uint8_t *data[2];
	size_t len[2];
};
typedef enum err_code content_run_bytes_fn(
    void *arg, const struct content_run_bytes *run, struct err *err);
MUST_CHECK enum err_code content_delta_read(
    struct content_delta *d, content_run_bytes_fn *fn, void *arg, struct err *err);

#endif
