/*
 * restore_mounted.h: putting data into a folder that is a mount point, and so
 * cannot be renamed: what it holds is moved, entry by entry; for restore*.c only.
 *
 *	target    /srv/data, the mount point
 *	hidden    /srv/data/.stacksnap-kept-1a2b3c4d (kept_folder.h)
 *	stage     hidden/new: restored entries, until they enter
 *	old       hidden/old: the entries that were there
 *	mark      hidden/in, a folder: says whose the entries of target are
 *
 *	          target                  stage        old         mark
 *	out       old entries, ever fewer all new      ever more   none
 *	entered   new entries, ever more  ever fewer   all old     there
 *
 * The mark is made when the last old entry has gone out, before the first new one
 * comes in, and on the way back removed when the last new one is out again; each
 * time all that was moved is on the disk first.  So at any moment it tells to whom
 * the entries of target belong, and either way may be interrupted anywhere and
 * gone again.
 *
 * The folder itself stays; its owner, mode, times and xattrs are those of stage,
 * which the mark keeps, or again its own, which hidden/was keeps.  An empty
 * lost+found, which is the filesystem's own, stays where it is.
 *
 * Errors: ERR_EXISTS when an entry that somebody has made meanwhile is in the way
 *         of one that is moved: nothing is overwritten.
 */
#ifndef ENGINE_RESTORE_MOUNTED_H
#define ENGINE_RESTORE_MOUNTED_H

#include "base/strv.h"

struct mounted {
	const char *target;
	const char *stage;
	const char *old;
};

/* All mount points of this process, as the kernel tells them. */
MUST_CHECK enum err_code mounted_points(struct strv *out, struct err *err);
/* ERR_NOT_FOUND: its filesystem is not mounted now; what is there is not what is meant. */
MUST_CHECK enum err_code mounted_check(const char *target, struct err *err);

/* Make the hidden folder, and old in it.  *hidden is that folder, open, and the caller's to
 * close: a container that sees target could put something else in its place while stage is
 * written. */
MUST_CHECK enum err_code mounted_begin(const struct mounted *m, int *hidden, struct err *err);
MUST_CHECK enum err_code mounted_swap(const struct mounted *m, struct err *err);
/* However far a swap came, either way; also when all has been removed since. */
MUST_CHECK enum err_code mounted_swap_back(const struct mounted *m, struct err *err);
/* Is all restored data in place? */
bool mounted_is_swapped(const struct mounted *m);
/* Restored data goes, and with it the hidden folder; ERR_IO when old data is still in it. */
MUST_CHECK enum err_code mounted_unstage(const struct mounted *m, struct err *err);
/* The hidden folder goes with all that is in it. */
MUST_CHECK enum err_code mounted_finish(const struct mounted *m, struct err *err);

#endif
