#include "tree/restore_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>

enum err_code
rnode_new(struct rnode **out, struct restorer *r, struct rnode *up, struct tree_entry *e,
    struct err *err)
{
	struct rnode *n = calloc(1, sizeof *n);
	if (n == NULL)
		return err_nomem(err);
	if (trail_new(
		&n->trail, up != NULL ? up->trail : NULL, up != NULL ? e->name : "", err)) {
		free(n);
		return err->code;
	}
	n->restorer = r;
	n->up = up;
	n->entry = *e;
	*e = (struct tree_entry)TREE_ENTRY_INIT;
	n->dev = n->entry.dev != 0 || up == NULL ? n->entry.dev : up->dev;
	atomic_init(&n->pending, 1);
	if (up != NULL)
		rnode_pend(up);
	*out = n;
	return ERR_OK;
}

/* What a folder that is open brings along. */
static void
look_at(struct rnode *n, int fd)
{
	bool has_default = meta_has_default_acl(fd);
	if (has_default && !n->keep_meta) {
		meta_drop_acls(fd);
		has_default = false;
	}
	n->inherits_acl = has_default;
}

enum err_code
rnode_adopt(struct rnode *n, int fd, bool was_there, struct err *err)
{
	if (folder_root(&n->folder, &n->restorer->folders, fd, err))
		return err->code;
	n->was_there = was_there;
	if (n->restorer->pass == PASS_WRITE)
		look_at(n, fd);
	return ERR_OK;
}

/* Enter the folder if it is there; what is below one that is not is absent, too. */
static enum err_code
find_one(struct rnode *n, struct err *err)
{
	struct restorer *r = n->restorer;
	struct stat st;
	int up_fd;
	n->absent = n->up->absent;
	if (n->absent)
		return ERR_OK;
	enum err_code rc = folder_pin(n->up->folder, &up_fd, err);
	if (rc == ERR_OK) {
		const char *name = trail_name(n->trail);
		n->absent =
		    fstatat(up_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode);
		if (!n->absent)
			rc = folder_enter(&n->folder, n->up->folder, name, &st, err);
		folder_unpin(n->up->folder);
	}
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc) {
		n->failed = true;
		restorer_problem(r, TREE_FAILED, n->trail, NULL, "%s", err->msg);
	} else if (!n->absent) {
		n->was_there = true;
		folder_unpin(n->folder);
	}
	return ERR_OK;
}

/* Make the folder or find it there; false when that was a problem. */
static bool
make_in(struct rnode *n, int up_fd)
{
	struct restorer *r = n->restorer;
	const char *name = trail_name(n->trail);
	/* Nobody but us until its mode is set; what is below relies on it. */
	if (mkdirat(up_fd, name, 0700) == 0)
		return true;
	if (errno == EEXIST && restorer_may_replace(r)) {
		struct stat st;
		if (fstatat(up_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode)) {
			n->was_there = true;
			return true;
		}
		if (!clear_the_way(n->up, up_fd, name))
			return false;
		if (mkdirat(up_fd, name, 0700) == 0)
			return true;
	}
	restorer_errno(r, errno == EEXIST ? TREE_IN_THE_WAY : TREE_FAILED, n->trail, NULL,
	    "create folder");
	return false;
}

static enum err_code
make_one(struct rnode *n, struct err *err)
{
	int up_fd;
	struct stat st;
	if (n->up->failed) {
		n->failed = true;
		return ERR_OK;
	}
	enum err_code rc = folder_pin(n->up->folder, &up_fd, err);
	if (rc == ERR_OK) {
		n->failed = !make_in(n, up_fd);
		if (!n->failed)
			rc = folder_enter(
			    &n->folder, n->up->folder, trail_name(n->trail), &st, err);
		folder_unpin(n->up->folder);
	}
	if (rc == ERR_NO_MEMORY)
		return rc;
	if (rc) {
		n->failed = true;
		restorer_problem(n->restorer, TREE_FAILED, n->trail, NULL, "%s", err->msg);
	}
	if (n->failed)
		return ERR_OK;
	int fd;
	if (folder_pin(n->folder, &fd, err))
		return err->code;
	if (n->up->inherits_acl && !n->was_there)
		meta_drop_acls(fd);
	if (n->was_there)
		look_at(n, fd);
	folder_unpin(n->folder);
	folder_unpin(n->folder); /* folder_enter's */
	return ERR_OK;
}

static bool
is_decided(const struct rnode *n)
{
	return n->folder != NULL || n->failed || n->absent;
}

enum err_code
rnode_make(struct rnode *n, struct err *err)
{
	bool makes = n->restorer->pass == PASS_WRITE;
	while (!is_decided(n)) {
		struct rnode *top = n;
		while (!is_decided(top->up))
			top = top->up;
		if (makes ? make_one(top, err) : find_one(top, err))
			return err->code;
	}
	return ERR_OK;
}

void
rnode_pend(struct rnode *n)
{
	atomic_fetch_add(&n->pending, 1);
}

static void
finish(struct rnode *n)
{
	struct restorer *r = n->restorer;
	struct err err;
	int fd;
	bool is_there = n->folder != NULL || n->absent;
	if (!is_there || n->failed || n->keep_meta || r->pass == PASS_READ_BACK ||
	    atomic_load(&r->stop))
		return;
	if (r->pass == PASS_WRITE) {
		if (folder_pin(n->folder, &fd, &err)) {
			restorer_problem(r, TREE_METADATA, n->trail, NULL, "%s", err.msg);
			return;
		}
		if (n->was_there)
			meta_settle(n, NULL, fd, &n->entry);
		else
			meta_apply(n, NULL, fd, &n->entry, 0);
		folder_unpin(n->folder);
	}
	atomic_fetch_add(&r->dirs, 1);
	struct tally t = { .dirs = 1 };
	report_progress(&r->report, &t);
	restorer_tell(r, n->was_there ? TREE_LEFT : TREE_MADE, TREE_DIR, 0, n->trail, NULL);
}

void
rnode_unpend(struct rnode *n)
{
	/* A loop, not a recursion: trees may be deeper than the stack. */
	while (n != NULL && atomic_fetch_sub(&n->pending, 1) == 1) {
		struct rnode *up = n->up;
		finish(n);
		folder_unref(n->folder);
		trail_unref(n->trail);
		tree_entry_release(&n->entry);
		free(n);
		n = up;
	}
}
