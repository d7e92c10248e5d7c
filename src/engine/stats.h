/*
 * stats.h: what takes space in a repository, and what would give it back.
 *
 * The numbers of files and bytes come from the snapshots' documents; what is
 * stored, and for whom, from walking their trees.  A chunk that lies in one
 * frame with others that are not needed counts with its whole frame.
 *
 * A damaged snapshot ends nothing, and what is forgotten meanwhile is no
 * damage.
 *
 * Memory: what tree/reach.h takes, and the documents of all snapshots.
 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include "engine/engine.h"
#include "engine/filter.h"

struct stats_source {
	char *text; /* "stack shop on nas" */
	uint64_t snapshots;
	uint64_t files; /* of the last of them */
	uint64_t bytes; /* likewise */
	uint64_t stored_bytes; /* what all of them added when they were made */
};

/* What some snapshots need. */
struct stats_use {
	uint64_t chunks;
	uint64_t bytes; /* plain, each chunk once */
	uint64_t stored; /* of the frames that hold them */
};

struct stats {
	bool is_chosen; /* not all snapshots */
	uint64_t snapshots; /* chosen */
	uint64_t files; /* in all of them, as restored */
	uint64_t bytes;
	struct stats_use used;
	struct stats_use own; /* what no other snapshot needs; all 0 unless some are chosen */
	/* The whole repository. */
	uint64_t all_snapshots;
	uint64_t packs;
	uint64_t pack_bytes;
	uint64_t indexes;
	uint64_t index_bytes;
	uint64_t unused_bytes; /* of packs: about what a prune could free */
	uint64_t hurt; /* snapshots that are not whole, each told as a problem: the numbers are
			  too small */
	struct stats_source *sources; /* of what is chosen; most stored bytes first */
	size_t n_sources;
};

void stats_release(struct stats *s);
static inline void UNUSED
stats_auto(struct stats *s)
{
	stats_release(s);
}

/* An empty filter means the whole repository. */
MUST_CHECK enum err_code stats_make(
    struct engine *e, const struct snapshot_filter *f, struct stats *out, struct err *err);

#endif
