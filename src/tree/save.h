/*
 * save.h: put a live folder (or a single file) into the repository.
 *
 * Threads walk the folder depth first, read files into intakes of their own,
 * and store each folder's listing as soon as its last child is known.  Memory
 * is bounded by the longest path of folders, about 150 bytes for each name in
 * them, whatever the number of files.
 *
 * With a parent (an earlier save of the same root), a file is taken over
 * without being opened when size, mtime, ctime and inode are what they were,
 * and its ctime is older than the parent's begin by more than 20 ms: a file
 * touched during or just before the earlier pass is always read again,
 * because the kernel's timestamps are coarse.  Memory-mapped files change
 * their mtime only on the first write to a clean page; so each filesystem is
 * synced first, unless no_sync says that its contents cannot change this way.
 * The rule trusts the clock of the filesystem: a network filesystem whose
 * server is set back by more than 20 ms against this host should be saved
 * without a parent.
 *
 * What goes wrong with one file is a problem: it is reported, counted, and
 * the file is left out (or kept as read, TREE_CHANGED); the caller then has a
 * partial tree.  What goes wrong with the root, the repository or memory is an
 * error.  A parent whose listings cannot be read is an error too, since
 * their chunks would be relied on again.
 *
 * Where the filesystem shares blocks between files (btrfs, XFS, ZFS), a long file
 * need not be read at its instant: tree_save_begin makes a clone of it, without a name, and
 * tree_save_end reads that at leisure (docs/decisions/0027).  What cannot be
 * cloned is read at once.
 *
 * Sockets are recorded without content.  Folders on other filesystems are
 * saved like any other, or as empty folders with one_file_system; a folder
 * below the root that is tagged as a cache (tree/cachedir.h) is saved with its
 * tag alone with exclude_caches.
 */
#ifndef TREE_SAVE_H
#define TREE_SAVE_H

#include "repo/stream.h"
#include "sys/cancel.h"
#include "tree/entry.h"
#include "tree/report.h"

struct tree_save_options {
	const struct tree_entry *parent; /* root of an earlier save, or NULL */
	int64_t parent_began_ns; /* its tree_saved.began_ns */
	bool no_sync;
	bool one_file_system;
	bool exclude_caches;
	bool may_clone; /* tree_save_begin: clone long files, and read them later */
	unsigned threads; /* 0: one per processor */
	tree_exclude_fn *exclude; /* NULL: nothing */
	void *exclude_arg;
	/* Asked for each file below the root that is read and begins with these bytes. */
	tree_peek_fn *peek; /* NULL: nobody */
	void *peek_arg;
	const char *peek_magic;
	size_t peek_magic_len;
	tree_problem_fn *problem; /* NULL: only counted */
	void *problem_arg;
	struct tree_progress *progress; /* may be NULL */
	const struct cancel *cancel; /* may be NULL */
};

#define TREE_SAVE_OPTIONS_INIT \
	{                      \
		.parent = NULL \
	}

struct tree_saved {
	struct tree_entry root; /* with the empty name */
	int64_t began_ns; /* wall clock; keep it for a later save's parent_began_ns */
	uint64_t files;
	uint64_t dirs;
	uint64_t others;
	uint64_t bytes; /* sizes of all files, each hard link counted */
	uint64_t files_unchanged; /* of files, those that were not opened */
	uint64_t bytes_unchanged; /* and their sizes */
	uint64_t left_out; /* of dirs, those without what they hold: mounts, caches */
	uint64_t problems;
};

#define TREE_SAVED_INIT                 \
	{                               \
		.root = TREE_ENTRY_INIT \
	}

void tree_saved_release(struct tree_saved *s);
static inline void UNUSED
tree_saved_auto(struct tree_saved *s)
{
	tree_saved_release(s);
}

/* Save what path names; a symlink at its end is followed.  The tree can be read through the
 * repo after writer_flush. */
MUST_CHECK enum err_code tree_save(struct tree_saved *out, struct writer *w, const char *path,
    const struct tree_save_options *opt, struct err *err);

/* The same in two steps.  When begin returns, nothing live needs to be looked at any more; end
 * reads the clones.  What opt points to must live until then; the root in parent is copied. */
struct tree_saving;
MUST_CHECK enum err_code tree_save_begin(struct tree_saving **out, struct writer *w,
    const char *path, const struct tree_save_options *opt, struct err *err);
MUST_CHECK enum err_code tree_save_end(
    struct tree_saving *s, struct tree_saved *out, struct err *err);
/* Files that were cloned, and their sizes. */
uint64_t tree_saving_clones(const struct tree_saving *s, uint64_t *bytes);
void tree_saving_free(struct tree_saving *s);
AUTO_FREE(tree_saving, struct tree_saving *, tree_saving_free)

#endif
