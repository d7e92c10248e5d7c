/*
 * prune.h: freeing the space of what no snapshot needs, beside running
 * backups (docs/decisions/0010).
 *
 * It may be ended at any time, also by force, and run again.
 *
 * Memory: what tree/reach.h takes, and 52 bytes for each pack that goes, twice
 *         that while they are sorted.
 *
 * Threads: one at a time.
 * Errors:  ERR_LOCKED when somebody else prunes; ERR_CORRUPT when a snapshot
 *          cannot be read whole: its name is told, and nothing was removed.
 */
#ifndef ENGINE_PRUNE_H
#define ENGINE_PRUNE_H

#include "engine/engine.h"

struct prune_options {
	bool dry_run;
	/* How much of the repository may stay unused: a share, unless bytes is set. */
	double max_unused_share;
	uint64_t max_unused_bytes;
	bool max_unused_in_bytes;
	bool take_over; /* a mark of a pruner that cannot be seen to have ended */
};

#define PRUNE_OPTIONS_INIT                   \
	{                                    \
		false, 0.05, 0, false, false \
	}

struct prune_result {
	uint64_t snapshots;
	uint64_t packs; /* named by indexes, before */
	uint64_t bytes; /* of them */
	uint64_t used_bytes; /* of them, what snapshots need */
	uint64_t packs_removed; /* or, with dry_run, that would be */
	uint64_t packs_repacked; /* of them, those whose needed part was stored anew */
	uint64_t stray_packs; /* of them, those that no index named */
	uint64_t bytes_removed;
	uint64_t bytes_written; /* for what was stored anew */
	uint64_t unused_bytes; /* what stays although nobody needs it */
	uint64_t proofs_removed; /* of snapshots that are gone, and damaged ones */
	uint64_t indexes_before;
	uint64_t indexes_after;
	int64_t took_ns;
};

MUST_CHECK enum err_code prune_run(struct engine *e, const struct prune_options *opt,
    struct prune_result *out, struct err *err);

#endif
