/*
 * find.h: which snapshots hold a path, and in which versions.
 *
 * Snapshots are walked from the oldest to the newest.  A folder that is what it
 * was in an earlier one (its listing has the same chunks) is not walked again:
 * what was found below it then, is there again.
 *
 * Memory: about 150 bytes for each version of a folder that was walked, and 300
 * and its path for each version that was found.
 */
#ifndef ENGINE_FIND_H
#define ENGINE_FIND_H

#include "engine/engine.h"
#include "engine/filter.h"
#include "tree/entry.h"

struct find_options {
	/* As in tree/ignore.h, any of which must match; but one with a slash that does not
	 * begin with one matches at any depth. */
	const struct strv *patterns;
	const struct snapshot_filter *filter;
};

/* A version of a path: the same content, type and target.  Of other metadata, the newest's. */
struct find_match {
	const char *path; /* in the tree */
	const char *source; /* snapshot_source_text */
	const struct tree_entry *entry; /* without its content, but for the size */
	uint64_t snapshots; /* that hold it */
	struct id first; /* the oldest of them */
	struct id last;
	int64_t first_ns;
	int64_t last_ns;
};

struct find_result {
	uint64_t snapshots; /* that were searched */
	uint64_t matches;
	uint64_t problems; /* folders that could not be read; told as events */
};

/* By source, path, and of a path the newest version first; theirs for the call only. */
typedef enum err_code find_fn(void *arg, const struct find_match *m, struct err *err);
MUST_CHECK enum err_code find_paths(struct engine *e, const struct find_options *opt,
    find_fn *fn, void *arg, struct find_result *out, struct err *err);

#endif
