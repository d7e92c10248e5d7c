/*
 * diff.h: what differs between two snapshots, or between a snapshot of folders
 * or a stack and its folders as they are now.
 *
 * Two snapshots are compared by what their trees say, folders that are equal
 * unread.  Live folders are read whole, and compared byte by byte; what the
 * backup was asked to leave out is left out here.  Of a stack those are its
 * project, volumes and bind mounts; its databases are diff_rows.h's.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

#include "engine/engine.h"
#include "repo/id.h"
#include "tree/compare.h"

struct diff_options {
	const char *path; /* below it only; in the tree; "" is all of it */
	bool folder_times; /* folders that differ in their mtime only count, too */
};

struct diff_result {
	uint64_t added;
	uint64_t removed;
	uint64_t changed; /* in content, type, target or device */
	uint64_t metadata; /* in other metadata only */
	uint64_t bytes_added; /* of files */
	uint64_t bytes_removed;
	uint64_t bytes_before; /* of changed files */
	uint64_t bytes_now;
	uint64_t problems; /* told as events */
};

/* Do these fields say more than that metadata differ? */
bool diff_is_change(unsigned fields);

/* Differences in order of paths, which are those in the tree; one call at a time.  a and b as
 * in compare.h; their contents may have a size only.  fn may be NULL. */
MUST_CHECK enum err_code diff_snapshots(struct engine *e, const struct id *a,
    const struct id *b, const struct diff_options *opt, tree_diff_fn *fn, void *arg,
    struct diff_result *out, struct err *err);

/* ERR_USAGE for a snapshot that is of a stream, or of another host.  Differences are
 * kept until the end, about 100 bytes and the path for each. */
MUST_CHECK enum err_code diff_live(struct engine *e, const struct id *a,
    const struct diff_options *opt, tree_diff_fn *fn, void *arg, struct diff_result *out,
    struct err *err);

#endif
