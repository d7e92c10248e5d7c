#include "tree/restore_impl.h"

#include <errno.h>
#include <fcntl.h>

/* One name of an inode. */
struct link_name {
	struct folder *folder;
	char *name;
	struct link_name *next;
};

/* An inode with several names. */
struct linked {
	struct link_name *names; /* the last made first */
	struct link_name *first; /* which others are linked to */
	enum tree_type type;
	struct content content;
	struct rfile_fate *fate; /* NULL unless it is a file */
};

struct link_names {
	struct map inodes; /* device and inode to struct linked * */
};

enum err_code
link_names_new(struct link_names **out, struct err *err)
{
	struct link_names *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_nomem(err);
	map_init(&l->inodes, 2 * sizeof(uint64_t), sizeof(struct linked *));
	*out = l;
	return ERR_OK;
}

static void
linked_free(struct linked *k)
{
	while (k->names != NULL) {
		struct link_name *next = k->names->next;
		folder_unref(k->names->folder);
		free(k->names->name);
		free(k->names);
		k->names = next;
	}
	content_release(&k->content);
	rfile_fate_unref(k->fate);
	free(k);
}

static void
forget_other_names(struct linked *k, struct restorer *r)
{
	for (struct link_name *i = k->names; i != NULL; i = i->next) {
		int fd;
		struct err scratch; /* told below in any case */
		if (i == k->first)
			continue;
		if (folder_pin(i->folder, &fd, &scratch) == ERR_OK) {
			unlinkat(fd, i->name, 0);
			folder_unpin(i->folder);
		}
		restorer_problem(r, TREE_DAMAGED, folder_trail(i->folder), i->name,
		    "left out: it is a hard link of a file that could not be restored");
	}
}

void
link_names_finish(struct link_names *l, struct restorer *r)
{
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&l->inodes, &pos, &key, &value)) {
		struct linked *k;
		memcpy(&k, value, sizeof k);
		if (k != NULL && k->fate != NULL && atomic_load(&k->fate->lost))
			forget_other_names(k, r);
	}
}

void
link_names_free(struct link_names *l)
{
	if (l == NULL)
		return;
	size_t pos = 0;
	const void *key;
	void *value;
	while (map_next(&l->inodes, &pos, &key, &value)) {
		struct linked *k;
		memcpy(&k, value, sizeof k);
		if (k != NULL)
			linked_free(k);
	}
	map_release(&l->inodes);
	free(l);
}

static enum err_code
add_name(struct linked *k, struct folder *folder, const char *name, struct err *err)
{
	struct link_name *i = calloc(1, sizeof *i);
	if (i == NULL || (i->name = strdup(name)) == NULL) {
		free(i);
		return err_nomem(err);
	}
	i->folder = folder;
	folder_ref(folder);
	i->next = k->names;
	k->names = i;
	if (k->first == NULL)
		k->first = i;
	return ERR_OK;
}

/* The first name: make the thing itself.  *made is false when that was a problem. */
static enum err_code
restore_first(struct linked *k, struct rnode *n, int dir_fd, struct tree_entry *e, bool *made,
    struct err *err)
{
	if (add_name(k, n->folder, e->name, err))
		return err->code;
	k->type = e->type;
	if (e->type != TREE_FILE) {
		special_restore(n, dir_fd, e, made);
		return ERR_OK;
	}
	struct rfile *f;
	if (content_copy(&k->content, &e->content, err) ||
	    rfile_create(&f, n, dir_fd, e, true, made, err))
		return err->code;
	if (f == NULL)
		return ERR_OK; /* that was a problem, or it is there already */
	k->fate = rfile_fate(f);
	rfile_submit(f);
	return k->fate != NULL ? ERR_OK : err_nomem(err);
}

static bool
is_same_inode(int a_fd, const char *a, int b_fd, const char *b)
{
	struct stat x;
	struct stat y;
	return fstatat(a_fd, a, &x, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b_fd, b, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Make another name; false and errno when it cannot be. */
static bool
link_to(const struct linked *k, struct rnode *n, int dir_fd, const char *name,
    enum tree_change *change)
{
	*change = TREE_MADE;
	int from;
	struct err err;
	if (folder_pin(k->first->folder, &from, &err)) {
		errno = ENOENT;
		return false;
	}
	bool ok = linkat(from, k->first->name, dir_fd, name, 0) == 0;
	if (!ok && errno == EEXIST && restorer_may_replace(n->restorer)) {
		bool is_linked = is_same_inode(from, k->first->name, dir_fd, name);
		*change = is_linked ? TREE_LEFT : TREE_REPLACED;
		ok = is_linked || (unlinkat(dir_fd, name, 0) == 0 &&
				      linkat(from, k->first->name, dir_fd, name, 0) == 0);
	}
	int errnum = errno;
	folder_unpin(k->first->folder);
	errno = errnum;
	return ok;
}

static enum err_code
restore_other(struct linked *k, struct rnode *n, int dir_fd, struct tree_entry *e, bool *copy,
    struct err *err)
{
	/* An inode that changed while it was saved; the numbers of a later filesystem. */
	if (k->type != e->type ||
	    (k->type == TREE_FILE && !content_equal(&k->content, &e->content))) {
		*copy = true;
		return ERR_OK;
	}
	enum tree_change change;
	if (!link_to(k, n, dir_fd, e->name, &change)) {
		if (k->fate != NULL && atomic_load(&k->fate->lost)) {
			*copy = true; /* which tells what is wrong with it */
			return ERR_OK;
		}
		if (errno_is_fatal(errno)) {
			restorer_errno(n->restorer, TREE_LINK, n->trail, e->name, "hard link");
			return ERR_OK;
		}
		restorer_problem(n->restorer, TREE_LINK, n->trail, e->name,
		    "restored as a copy, hard link: %s", strerrordesc_np(errno));
		*copy = true;
		return ERR_OK;
	}
	struct tally t = { .bytes = e->content.size };
	report_progress(&n->restorer->report, &t);
	restorer_done(n, e, change, change == TREE_LEFT ? e->content.size : 0);
	return add_name(k, n->folder, e->name, err);
}

static enum err_code
restore_name(struct link_names *l, struct rnode *n, int dir_fd, struct tree_entry *e,
    bool *copy, struct err *err)
{
	uint64_t key[2] = { e->dev != 0 ? e->dev : n->dev, e->ino };
	void *value;
	bool is_new;
	struct linked *k;
	if (map_put(&l->inodes, key, &value, &is_new, err))
		return err->code;
	memcpy(&k, value, sizeof k);
	if (k != NULL)
		return restore_other(k, n, dir_fd, e, copy, err);
	k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_nomem(err);
	bool made = false;
	enum err_code rc = restore_first(k, n, dir_fd, e, &made, err);
	if (rc || !made)
		linked_free(k); /* whichever name comes next is the first */
	else
		memcpy(value, &k, sizeof k);
	return rc;
}

enum err_code
link_names_restore(
    struct link_names *l, struct rnode *n, struct tree_entry *e, bool *copy, struct err *err)
{
	int dir_fd;
	*copy = false;
	if (folder_pin(n->folder, &dir_fd, err))
		return err->code;
	enum err_code rc = restore_name(l, n, dir_fd, e, copy, err);
	folder_unpin(n->folder);
	if (rc == ERR_OK && !*copy)
		tree_entry_release(e);
	return rc;
}
