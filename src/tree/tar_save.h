/*
 * tar_save.h: put a tar archive into the repository as the tree that it would
 * be unpacked to.
 *
 * The archive is read as a stream, by libarchive: ustar, pax and GNU, with
 * xattrs, ACLs, hard links, sparse files and devices; also compressed by gzip,
 * bzip2, xz or zstd, and several archives behind one another.  The bytes of files go
 * into the repository as they come.  Entries may come in any order, so what is
 * known of each (some 400 bytes, its name and its xattrs) is kept until the
 * end; folders are stored then.
 *
 * As tar unpacks them: a leading slash is dropped; of two entries with one name
 * the last counts; folders that are only implied are root's, 0755, of 1970.
 * What cannot be placed (a name with "..", a path through something that is no
 * folder, a hard link to nothing) is a problem: reported, counted, left out.
 *
 * Errors: ERR_INCOMPLETE when the archive is damaged, or ends without its end
 *         mark, or holds nothing (allow_empty).
 */
#ifndef TREE_TAR_SAVE_H
#define TREE_TAR_SAVE_H

#include "tree/save.h"

/* Give the next bytes, at least one; *got 0 at the end. */
typedef enum err_code tar_read_fn(
    void *arg, void *out, size_t room, size_t *got, struct err *err);

struct tar_save_options {
	tar_read_fn *read;
	void *read_arg;
	bool allow_empty;
	/* Asked for whole paths: must look at the folders on the way, too.  NULL: nothing. */
	tree_exclude_fn *exclude;
	void *exclude_arg;
	tree_problem_fn *problem; /* NULL: only counted */
	void *problem_arg;
	struct tree_progress *progress; /* may be NULL */
};

/* The bytes are read to their end, also behind the archive's.  The tree can be read through the
 * repo after writer_flush. */
MUST_CHECK enum err_code tar_save(struct tree_saved *out, struct writer *w,
    const struct tar_save_options *opt, struct err *err);

#endif
