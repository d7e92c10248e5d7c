/*
 * restore_impl.h: the inside of restore.h, for restore*.c only.
 *
 * The calling thread walks the stored tree, makes folders and the first name
 * of each hard-linked file, and hands batches of files to a pool.  A folder
 * (struct rnode) is finished, that is, gets its metadata, by whoever finishes
 * the last thing in it.
 */
#ifndef TREE_RESTORE_IMPL_H
#define TREE_RESTORE_IMPL_H

#include "base/map.h"
#include "sys/pool.h"
#include "tree/dir.h"
#include "tree/folder.h"
#include "tree/reporter.h"
#include "tree/restore.h"

struct restorer {
	struct repo *repo;
	const struct tree_restore_options *opt;
	struct folder_set folders;
	struct reporter report;
	struct pool *pool;
	bool root_is_file;
	bool is_superuser;
	atomic_bool stop;
	atomic_uint_fast64_t files;
	atomic_uint_fast64_t dirs;
	atomic_uint_fast64_t others;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t owners_unset;
	atomic_uint_fast64_t temporary_names;

	pthread_mutex_t lock; /* guards the rest */
	struct err err; /* the first, when stop is set */
	struct map users; /* of an entry's owner names, to numbers here; for owner_by_name */
	struct map groups;
};

/* A folder being restored. */
struct rnode {
	struct restorer *restorer;
	struct rnode *up; /* NULL for the root */
	struct trail *trail;
	struct folder *folder; /* NULL: not made yet */
	struct tree_entry entry;
	uint64_t dev; /* where its files lay: with ino, what hard links share */
	bool keep_meta; /* its metadata is not the tree's to set */
	bool was_there; /* and may have xattrs that the entry has not */
	bool inherits_acl; /* what is made in it gets an ACL, which must go */
	bool failed; /* cannot be made: what is below is left out */
	atomic_size_t pending; /* the walk, jobs, files and folders inside */
};

/* Note the first error and stop everybody. */
void restorer_fail(struct restorer *r, const struct err *err);
bool restorer_goes_on(struct restorer *r);
/* Report a problem with a name in a folder (with the folder itself when name is NULL). */
void restorer_problem(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Is this an error that no other file would escape (disk full)? */
bool errno_is_fatal(int errnum);
/* Report errno as a problem, or stop everybody when it is fatal. */
void restorer_errno(struct restorer *r, enum tree_problem_kind kind, const struct trail *t,
    const char *name, const char *what);
/* Damage of the stored data is a problem; other errors of the repository stop everybody. */
void restorer_repo_error(
    struct restorer *r, const struct trail *t, const char *name, const struct err *err);

/* restore_node.c */

/* A folder that is not made yet.  e becomes the node's. */
MUST_CHECK enum err_code rnode_new(struct rnode **out, struct restorer *r, struct rnode *up,
    struct tree_entry *e, struct err *err);
/* Make it in the target, and those above it.  What goes wrong with the folder is reported and
 * marks it failed. */
MUST_CHECK enum err_code rnode_make(struct rnode *n, struct err *err);
/* An open folder that is there already becomes the root.  fd is the root's then. */
MUST_CHECK enum err_code rnode_adopt(struct rnode *n, int fd, bool was_there, struct err *err);
void rnode_pend(struct rnode *n);
/* One thing less; the last finishes the folder and frees it. */
void rnode_unpend(struct rnode *n);

/* restore_file.c */

/* A file that has been created and waits for its content. */
struct rfile;

/* Make an empty file and take over e.  NULL in *out when that was a problem (reported).  The
 * node's folder is pinned, as dir_fd.  final_name: under its own name from the start, for
 * others to link to; else a file that is there stays until the new one is whole. */
MUST_CHECK enum err_code rfile_create(struct rfile **out, struct rnode *n, int dir_fd,
    struct tree_entry *e, bool final_name, struct err *err);
/* Write its content and finish it; frees it. */
void rfile_fill(struct rfile *f);
/* The same, on the pool. */
void rfile_submit(struct rfile *f);

/* What became of a file that others are linked to. */
struct rfile_fate {
	atomic_int refs;
	atomic_bool lost; /* it could not be written whole */
};
struct rfile_fate *rfile_fate(struct rfile *f); /* with a reference; NULL: no memory */
void rfile_fate_unref(struct rfile_fate *fate);

/* A symlink, device, fifo or socket.  *made is false when that was a problem. */
void special_restore(struct rnode *n, int dir_fd, const struct tree_entry *e, bool *made);
/* Remove what is in the way of a new file; false when it may not go (reported). */
bool clear_the_way(struct rnode *n, int dir_fd, const char *name);

/* restore_meta.c */

/* Set everything but the name, in the order that keeps it. */
void meta_apply(struct rnode *n, const char *name, int fd, const struct tree_entry *e);
/* The same for what cannot be opened. */
void meta_apply_special(
    struct rnode *n, int dir_fd, const char *name, const struct tree_entry *e);
/* Remove xattrs that the entry has not (not the system's own). */
void meta_drop_others(struct rnode *n, int fd, const struct tree_entry *e);
/* Remove ACLs that came with being made inside a folder. */
void meta_drop_acls(int fd);
bool meta_has_default_acl(int fd);
void owners_release(struct restorer *r);

/* restore_links.c */

/* Names of files that have several. */
struct link_names;

MUST_CHECK enum err_code link_names_new(struct link_names **out, struct err *err);
/* What could not be written whole loses its other names too. */
void link_names_finish(struct link_names *l, struct restorer *r);
void link_names_free(struct link_names *l);
/* Restore one name of an inode with several.  *copy: it must be restored as a file of its own.
 * e is taken over unless *copy. */
MUST_CHECK enum err_code link_names_restore(
    struct link_names *l, struct rnode *n, struct tree_entry *e, bool *copy, struct err *err);

#endif
