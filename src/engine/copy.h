/*
 * copy.h: snapshots, kept in another repository as well.
 *
 * A copy is a snapshot of its own: the same document and tree, with an
 * `original` (docs/format.md, "Snapshot") that says which snapshot of which
 * repository it is.  By it a snapshot that is there already is recognised,
 * however often it was copied on.
 *
 * Killed at any moment nothing is lost: data of copies that were not finished
 * is found again by the next run.
 */
#ifndef ENGINE_COPY_H
#define ENGINE_COPY_H

#include "engine/engine.h"
#include "engine/filter.h"

enum copy_state {
	COPY_MADE,
	COPY_PRESENT, /* it was there */
	COPY_WANTED, /* it would be made: a dry run */
	COPY_REFUSED, /* the source is damaged: why says of what */
};

struct copied {
	struct id source;
	struct id id; /* of the copy: made or present */
	enum copy_state state;
	char *text; /* its source: "stack shop on nas" */
	int64_t time_ns;
	uint64_t files;
	uint64_t bytes;
	uint64_t read_bytes; /* of them, read in the source */
	uint64_t new_bytes; /* of them, new to the target */
	uint64_t stored_bytes; /* what they take there */
	char *why;
};

struct copy_result {
	struct copied *items; /* oldest first */
	size_t count;
	uint64_t made; /* or wanted */
	uint64_t present;
	uint64_t refused;
};

void copy_result_release(struct copy_result *r);
static inline void UNUSED
copy_result_auto(struct copy_result *r)
{
	copy_result_release(r);
}

struct copy_options {
	struct repo *from; /* the engine's own is the target */
	const struct snapshot_filter *filter;
	bool dry_run;
};

/* ERR_OK also when some were refused. */
MUST_CHECK enum err_code copy_snapshots(
    struct engine *e, const struct copy_options *opt, struct copy_result *out, struct err *err);

#endif
