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
 * Over a target that is there already, files are compared with what is stored
 * before anything is written, range by range where chunks end: what is equal is
 * neither fetched nor written.  A file that differs is written anew and renamed
 * over the old one, so that whoever opens it sees one or the other, and a crash
 * leaves the old.  From RESTORE_IN_PLACE_MIN bytes on only the ranges that
 * differ are written, in place; a crash then leaves a mixture, whose mtime is
 * not the stored one, so that the next restore mends it.  Never in place: a
 * file with other names (hard links), another owner, set-ID bits or an ACL.
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
	/* Folders are merged; what only the target has stays, but for delete_extra. */
	TREE_OVERWRITE_IF_CHANGED, /* files whose type, size and mtime are equal are not read */
	TREE_OVERWRITE_ALWAYS, /* every file is compared by its contents */
};

#define RESTORE_IN_PLACE_MIN ((uint64_t)16 << 20)

/* What happens to one thing in the target. */
enum tree_change {
	TREE_MADE, /* nothing was there */
	TREE_REPLACED, /* something else was, or other contents */
	TREE_LEFT, /* the same was; its metadata is set where it differs */
	TREE_DELETED, /* only the target had it */
};

/* path as in report.h, without the NUL; called by any thread, one at a time. */
typedef void tree_change_fn(void *arg, enum tree_change change, enum tree_type type,
    uint64_t size, const char *path, size_t path_len);

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
	bool delete_extra; /* remove what the tree has not, in folders that are taken whole */
	tree_exclude_fn *keep; /* of that, what stays all the same; NULL: nothing */
	void *keep_arg;
	bool dry_run; /* change nothing, count and tell what would be done */
	tree_change_fn *change; /* may be NULL */
	void *change_arg;
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
	uint64_t files_made; /* of them, those of which nothing was there */
	uint64_t files_left; /* and those whose contents were right already */
	uint64_t dirs;
	uint64_t others;
	uint64_t bytes; /* sizes of the files */
	uint64_t bytes_left; /* of them, what was right already and was not written */
	uint64_t deleted; /* entries of any type */
	uint64_t lost; /* of what was to be restored, entries that were left out */
	uint64_t problems;
	uint64_t owners_unset; /* of the problems, those of kind TREE_OWNER */
};

/* With dry_run, what would be done: the target need not exist, nor the folder that holds it. */
MUST_CHECK enum err_code tree_restore(struct tree_restored *out, struct repo *r,
    const struct tree_entry *e, const char *target, const struct tree_restore_options *opt,
    struct err *err);

struct tree_read_back {
	uint64_t files; /* whose contents are what was stored */
	uint64_t bytes;
	uint64_t differ; /* each told as TREE_DIFFERS */
	uint64_t missing; /* entries that are not there: those that were lost, told before */
	uint64_t problems;
};

/* Read what tree_restore made, from the disk rather than from the page cache (as far as the
 * kernel lets its pages go: the files must have been synced), and compare it with the ids of
 * the chunks.  Of what is no file, type and target are compared.  Of opt, what tells which
 * entries, and how to report. */
MUST_CHECK enum err_code tree_read_back(struct tree_read_back *out, struct repo *r,
    const struct tree_entry *e, const char *target, const struct tree_restore_options *opt,
    struct err *err);

#endif
