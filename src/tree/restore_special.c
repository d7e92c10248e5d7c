/* Symlinks, devices, fifos and sockets. */
#include "tree/restore_impl.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>

static int
make_special(int dir_fd, const struct tree_entry *e)
{
	dev_t rdev = makedev(e->rdev_major, e->rdev_minor);
	switch (e->type) {
	case TREE_SYMLINK:
		return symlinkat(e->target, dir_fd, e->name);
	case TREE_CHAR_DEVICE:
		return mknodat(dir_fd, e->name, S_IFCHR | 0600, rdev);
	case TREE_BLOCK_DEVICE:
		return mknodat(dir_fd, e->name, S_IFBLK | 0600, rdev);
	case TREE_FIFO:
		return mknodat(dir_fd, e->name, S_IFIFO | 0600, 0);
	default:
		return mknodat(dir_fd, e->name, S_IFSOCK | 0600, 0);
	}
}

void
special_restore(struct rnode *n, int dir_fd, const struct tree_entry *e, bool *made)
{
	struct restorer *r = n->restorer;
	*made = false;
	enum tree_change change = TREE_MADE;
	int rc = make_special(dir_fd, e);
	if (rc != 0 && errno == EEXIST && restorer_may_replace(r)) {
		if (live_is_special(dir_fd, e, true)) {
			*made = true;
			restorer_done(n, e, TREE_LEFT, 0);
			return;
		}
		change = TREE_REPLACED;
		if (!clear_the_way(n, dir_fd, e->name))
			return;
		rc = make_special(dir_fd, e);
	}
	if (rc != 0) {
		enum tree_problem_kind kind = errno == EEXIST           ? TREE_IN_THE_WAY
					      : e->type == TREE_SYMLINK ? TREE_FAILED
									: TREE_SPECIAL;
		char what[32];
		snprintf(what, sizeof what, "create %s", tree_type_word(e->type));
		restorer_errno(r, kind, n->trail, e->name, what);
		return;
	}
	*made = true;
	meta_apply_special(n, dir_fd, e->name, e);
	restorer_done(n, e, change, 0);
}
