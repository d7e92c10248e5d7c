/* Files: making them, and finishing them when their content is written (restore_fill.c). */
#include "tree/restore_impl.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Files from this size on are on their way to the disk before the sync at the end. */
#define WRITE_EARLY ((uint64_t)1 << 20)

/* Making */

bool
clear_the_way(struct rnode *n, int dir_fd, const char *name)
{
	struct stat st;
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return true;
	int errnum = errno;
	bool is_dir =
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	if (is_dir && n->restorer->opt->delete_extra) {
		delete_extra(n, name);
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return true;
	}
	errno = errnum;
	if (is_dir)
		restorer_problem(n->restorer, TREE_IN_THE_WAY, n->trail, name, "replace: %s",
		    strerrordesc_np(EISDIR));
	else
		restorer_errno(n->restorer, TREE_IN_THE_WAY, n->trail, name, "replace");
	return false;
}

#define CREATE (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)

static int
create_temporary(struct rfile *f, int dir_fd)
{
	struct restorer *r = f->node->restorer;
	int fd;
	do {
		snprintf(f->temporary, sizeof f->temporary, ".stacksnap-restore-%d-%llu",
		    (int)getpid(),
		    (unsigned long long)atomic_fetch_add(&r->temporary_names, 1));
		fd = folder_open_at(&r->folders, dir_fd, f->temporary, CREATE, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		f->temporary[0] = '\0';
	return fd;
}

/* Whom do files belong to that are made in n?  The first one that was made tells. */
static void
learn_owner(struct rnode *n, int fd)
{
	struct stat st;
	if (atomic_load_explicit(&n->knows_owner, memory_order_acquire) || fstat(fd, &st) != 0)
		return;
	pthread_mutex_lock(&n->restorer->lock);
	if (!atomic_load(&n->knows_owner)) {
		n->made_uid = st.st_uid;
		n->made_gid = st.st_gid;
		atomic_store_explicit(&n->knows_owner, true, memory_order_release);
	}
	pthread_mutex_unlock(&n->restorer->lock);
}

/* In a folder that was not there, which only we can enter: with its mode from the start when
 * that is all that it needs. */
static int
create_in_new(struct rfile *f, int dir_fd)
{
	struct rnode *n = f->node;
	const struct tree_entry *e = &f->entry;
	f->mode_is_set = !n->inherits_acl && e->xattr_count == 0 && e->mode <= 0777 &&
			 (e->mode & n->restorer->umask) == 0;
	int fd = folder_open_at(
	    &n->restorer->folders, dir_fd, e->name, CREATE, f->mode_is_set ? e->mode : 0600);
	if (fd < 0)
		return -1;
	learn_owner(n, fd);
	f->owner_is_set = e->mode <= 0777 &&
			  atomic_load_explicit(&n->knows_owner, memory_order_acquire) &&
			  meta_owner_is(n, n->made_uid, n->made_gid, e);
	return fd;
}

/* -1 when that was a problem. */
static int
create(struct rfile *f, int dir_fd, bool final_name)
{
	struct rnode *n = f->node;
	struct restorer *r = n->restorer;
	const char *name = f->entry.name;
	int fd = n->was_there ? folder_open_at(&r->folders, dir_fd, name, CREATE, 0600)
			      : create_in_new(f, dir_fd);
	if (fd < 0 && errno == EEXIST && restorer_may_replace(r)) {
		f->replaces = true;
		f->mode_is_set = false;
		if (final_name) {
			if (!clear_the_way(n, dir_fd, name))
				return -1;
			fd = folder_open_at(&r->folders, dir_fd, name, CREATE, 0600);
		} else {
			fd = create_temporary(f, dir_fd);
		}
	}
	if (fd < 0)
		restorer_errno(r, errno == EEXIST ? TREE_IN_THE_WAY : TREE_FAILED, n->trail,
		    name, "create");
	return fd;
}

/* A file that is there and has the contents. */
static void
leave(struct rnode *n, const struct tree_entry *e, int fd)
{
	struct tally t = { .bytes = e->content.size };
	report_progress(&n->restorer->report, &t);
	meta_settle(n, e->name, fd, e);
	restorer_done(n, e, TREE_LEFT, e->content.size);
}

/* Look at what is there; true when there is nothing to write. */
static bool
use_live(struct rfile *f, int dir_fd)
{
	struct rnode *n = f->node;
	struct live l;
	if (!n->was_there || !restorer_may_replace(n->restorer))
		return false;
	live_look(&l, n, dir_fd, &f->entry);
	if (l.verdict == LIVE_SAME) {
		leave(n, &f->entry, l.fd);
		close(l.fd);
		return true;
	}
	if (l.verdict == LIVE_PATCH) {
		f->patch = true;
		f->replaces = true;
		f->before = l.st;
		f->fd = l.fd;
	}
	return false;
}

enum err_code
rfile_create(struct rfile **out, struct rnode *n, int dir_fd, struct tree_entry *e,
    bool final_name, bool *made, struct err *err)
{
	struct rfile *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_nomem(err);
	f->node = n;
	f->fd = -1;
	f->entry = *e;
	*e = (struct tree_entry)TREE_ENTRY_INIT;
	atomic_init(&f->pending, 1);
	*made = use_live(f, dir_fd);
	if (!*made && f->fd < 0)
		f->fd = create(f, dir_fd, final_name);
	if (f->fd < 0) {
		tree_entry_release(&f->entry);
		free(f);
		*out = NULL;
		return ERR_OK;
	}
	*made = true;
	rnode_pend(n);
	*out = f;
	return ERR_OK;
}

struct rfile_fate *
rfile_fate(struct rfile *f)
{
	f->fate = calloc(1, sizeof *f->fate);
	if (f->fate != NULL)
		atomic_init(&f->fate->refs, 2);
	return f->fate;
}

void
rfile_fate_unref(struct rfile_fate *fate)
{
	if (fate != NULL && atomic_fetch_sub(&fate->refs, 1) == 1)
		free(fate);
}

/* Finishing */

static void
remove_unfinished(struct rfile *f)
{
	struct err scratch; /* the file's own problem was told already */
	int dir_fd;
	if (f->patch) {
		if (atomic_load(&f->touched))
			restorer_problem(f->node->restorer, TREE_FAILED, f->node->trail,
			    f->entry.name,
			    "written in part: it is neither what it was nor what was stored");
		return;
	}
	/* First, so that whoever finds the name gone can know why. */
	if (f->fate != NULL)
		atomic_store(&f->fate->lost, true);
	if (folder_pin(f->node->folder, &dir_fd, &scratch))
		return;
	unlinkat(dir_fd, f->temporary[0] != '\0' ? f->temporary : f->entry.name, 0);
	folder_unpin(f->node->folder);
}

static bool
rename_over(struct rfile *f, int dir_fd)
{
	struct rnode *n = f->node;
	const char *name = f->entry.name;
	if (renameat(dir_fd, f->temporary, dir_fd, name) == 0)
		return true;
	if (errno == EISDIR) {
		if (!clear_the_way(n, dir_fd, name))
			return false;
		if (renameat(dir_fd, f->temporary, dir_fd, name) == 0)
			return true;
	}
	restorer_errno(n->restorer, TREE_FAILED, n->trail, name, "replace");
	return false;
}

/* Give it its own name. */
static bool
settle(struct rfile *f)
{
	struct rnode *n = f->node;
	struct err err;
	int dir_fd;
	if (f->temporary[0] == '\0')
		return true;
	if (folder_pin(n->folder, &dir_fd, &err)) {
		restorer_problem(
		    n->restorer, TREE_FAILED, n->trail, f->entry.name, "%s", err.msg);
		return false;
	}
	bool ok = rename_over(f, dir_fd);
	folder_unpin(n->folder);
	return ok;
}

static bool
set_size(struct rfile *f)
{
	const struct content *c = &f->entry.content;
	/* Only a hole at the end leaves the file too short; inside lists one cannot see it. */
	bool sure = f->patch
			? (uint64_t)f->before.st_size == c->size
			: c->count == 0 || (c->level == 0 && !c->items[c->count - 1].is_hole);
	if (sure || ftruncate(f->fd, (off_t)c->size) == 0)
		return true;
	restorer_errno(
	    f->node->restorer, TREE_FAILED, f->node->trail, f->entry.name, "set size");
	return false;
}

static void
set_meta(struct rfile *f)
{
	const char *name = f->entry.name;
	if (f->patch)
		meta_settle(f->node, name, f->fd, &f->entry);
	else
		meta_apply(f->node, name, f->fd, &f->entry,
		    (f->mode_is_set ? META_MODE : 0U) | (f->owner_is_set ? META_OWNER : 0U));
}

static void
finish(struct rfile *f)
{
	struct rnode *n = f->node;
	struct restorer *r = n->restorer;
	bool whole = !atomic_load(&f->failed) && !atomic_load(&r->stop) && set_size(f);
	if (whole)
		set_meta(f);
	/* A favour: what it cannot do now, the sync will. */
	if (whole && f->entry.content.size >= WRITE_EARLY && !r->opt->no_sync)
		(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (close(f->fd) != 0 && whole) {
		restorer_errno(r, TREE_FAILED, n->trail, f->entry.name, "close");
		whole = false;
	}
	if (whole && settle(f)) {
		bool same = f->patch && !atomic_load(&f->touched);
		restorer_done(n, &f->entry,
		    same          ? TREE_LEFT
		    : f->replaces ? TREE_REPLACED
				  : TREE_MADE,
		    atomic_load(&f->left));
	} else {
		remove_unfinished(f);
	}
	rfile_fate_unref(f->fate);
	tree_entry_release(&f->entry);
	free(f);
	rnode_unpend(n);
}

void
rfile_unpend(struct rfile *f)
{
	if (atomic_fetch_sub(&f->pending, 1) == 1)
		finish(f);
}
