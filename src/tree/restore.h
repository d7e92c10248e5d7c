/*
 * restore.h: make a stored tree live again.
 *
 * Restoring an entry to a target makes the target that entry: a folder gets
 * its children and metadata, a file becomes that file.  The folder that holds
 * the target must exist.
 *
 * Files are written by several threads, chunk by chunk; holes stay holes.
 * Metadata is set in the order owner, mode, xattrs and ACLs, times; that of
 * folders after all that is in them.  An ordinary user cannot set owners or
 * make devices: such things are problems, and set-user-ID and set-group-ID
 * bits are dropped where the owner could not be set.
 *
 * Nothing is followed out of the target: every step is taken from an open
 * folder to one name in it, never through a symlink (openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS where the kernel has it, O_NOFOLLOW
 * otherwise), and names are checked again, since the repository may be
 * hostile.  A symlink where a folder belongs is in the way, like a file.
 *
 * What goes wrong with one entry is a problem, reported and counted.  Errors
 * are: the target itself, memory, cancellation, and a disk that is full.
 */
#ifndef TREE_RESTORE_H
#define TREE_RESTORE_H

#include "sys/cancel.h"
#include "tree/entry.h"
#include "tree/report.h"

enum tree_select {
	TREE_SKIP, /* leave it out, with all below it */
	TREE_TAKE, /* restore it, with all below it */
	TREE_DESCEND, /* a folder: ask about each child, and make it if one of them is restored
		       */
};

/* path is relative to the root, with a NUL behind; the root is not asked about.  Called by one
 * thread. */
typedef enum tree_select tree_select_fn(
    void *arg, const char *path, size_t len, const struct tree_entry *e);

enum tree_overwrite {
	TREE_OVERWRITE_NEVER, /* the target must be absent or an empty folder: ERR_EXISTS */
	TREE_OVERWRITE_REPLACE, /* files are replaced whole, folders are merged; what only the
				   target has stays */
};

enum tree_resolve {
	TREE_RESOLVE_BEST, /* openat2 if the kernel lets us */
	TREE_RESOLVE_OPENAT2,
	TREE_RESOLVE_STEPS, /* openat and O_NOFOLLOW only */
};

struct tree_restore_options {
	tree_select_fn *select; /* NULL: everything */
	void *select_arg;
	bool owner_by_name; /* look user and group names up here; numbers otherwise */
	bool leave_root; /* the target is a folder whose own metadata stays */
	bool no_sync; /* do not sync the filesystem at the end */
	enum tree_overwrite overwrite;
	enum tree_resolve resolve;
	unsigned threads; /* 0: one per processor */
	tree_problem_fn *problem; /* NULL: only counted */
	void *problem_arg;
	struct tree_progress *progress; /* may be NULL */
	const struct cancel *cancel; /* may be NULL */
};

#define TREE_RESTORE_OPTIONS_INIT                 \
	{                                         \
		.overwrite = TREE_OVERWRITE_NEVER \
	}

struct tree_restored {
	uint64_t files;
	uint64_t dirs;
	uint64_t others;
	uint64_t bytes; /* sizes of the files */
	uint64_t problems;
	uint64_t owners_unset; /* of the problems, those of kind TREE_OWNER */
};

MUST_CHECK enum err_code tree_restore(struct tree_restored *out, struct repo *r,
    const struct tree_entry *e, const char *target, const struct tree_restore_options *opt,
    struct err *err);

#endif
