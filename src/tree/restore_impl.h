/*
 * restore_impl.h: the inside of restore.h, for restore*.c only.
 *
 * The calling thread walks the stored tree (restore_walk.c), makes folders and
 * the first name of each hard-linked file, and hands batches of files to a
 * pool.  A folder (struct rnode) is finished, that is, gets its metadata, by
 * whoever finishes the last thing in it.
 *
 * The same walk serves three passes: writing, looking what writing would do,
 * and reading back.
 */
#ifndef TREE_RESTORE_IMPL_H
#define TREE_RESTORE_IMPL_H

#include "base/map.h"
#include "sys/pool.h"
#include "tree/dir.h"
#include "tree/folder.h"
#include "tree/reporter.h"
#include "tree/restore.h"

enum restore_pass {
	PASS_WRITE,
	PASS_LOOK, /* a dry run */
	PASS_READ_BACK,
};

#define RESTORE_NAME_SIZE 64

struct restorer {
	struct repo *repo;
	const struct tree_restore_options *opt;
	enum restore_pass pass;
	mode_t umask; /* of the process */
	struct folder_set folders;
	struct reporter report;
	struct pool *pool;
	bool root_is_file;
	bool is_superuser;
	atomic_bool stop;
	/* As in struct tree_restored and struct tree_read_back. */
	atomic_uint_fast64_t files;
	atomic_uint_fast64_t files_made;
	atomic_uint_fast64_t files_left;
	atomic_uint_fast64_t dirs;
	atomic_uint_fast64_t others;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t bytes_left;
	atomic_uint_fast64_t deleted;
	atomic_uint_fast64_t lost;
	atomic_uint_fast64_t differ;
	atomic_uint_fast64_t missing;
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
	bool was_there; /* and may hold things, and have xattrs that the entry has not */
	bool inherits_acl; /* what is made in it gets an ACL, which must go */
	bool failed; /* cannot be made: what is below is left out */
	bool absent; /* not there, and this pass makes nothing */
	/* Whom the files belong to that are made in it, once one was: nobody else can reach a
	 * folder that was not there before. */
	atomic_bool knows_owner;
	uid_t made_uid;
	gid_t made_gid;
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

/* Count something that is done, and tell of it.  left: of a file's bytes, those that were right
 * already. */
void restorer_done(
    struct rnode *n, const struct tree_entry *e, enum tree_change change, uint64_t left);
/* Tell of a change only.  name NULL: the folder itself. */
void restorer_tell(struct restorer *r, enum tree_change change, enum tree_type type,
    uint64_t size, const struct trail *t, const char *name);
/* May things that are there be replaced? */
bool restorer_may_replace(const struct restorer *r);

/* restore_walk.c */

/* Names of files that have several. */
struct link_names;

/* Walk the tree below root, which becomes the walk's to unpend.  links: of PASS_WRITE. */
void walk_tree(struct restorer *r, struct rnode *root, struct link_names *links);
/* One thing that is no folder, in this pass.  dir_fd: -1 when the node is absent. */
void restore_one(struct rnode *n, int dir_fd, struct tree_entry *e);

/* restore_live.c: what is in the target already */

enum live_verdict {
	LIVE_ABSENT,
	LIVE_SAME, /* a file with the stored contents */
	LIVE_PATCH, /* a file that may be written in place */
	LIVE_OTHER, /* something that must be replaced as a whole */
};

struct live {
	enum live_verdict verdict;
	struct stat st; /* unless it is absent */
	int fd; /* LIVE_SAME: to read from, LIVE_PATCH: to read and write; the caller's */
};

void live_look(struct live *out, struct rnode *n, int dir_fd, const struct tree_entry *e);
/* Is there a symlink, device, fifo or socket that is like e?  with_meta: in its metadata, too.
 */
bool live_is_special(int dir_fd, const struct tree_entry *e, bool with_meta);
/* Does len bytes at offset hold only zeros? */
bool live_is_zero(int fd, uint64_t offset, uint64_t len);
/* PASS_LOOK and PASS_READ_BACK of one thing that is no folder. */
void live_tell(struct rnode *n, int dir_fd, const struct tree_entry *e);
void live_read_back(struct rnode *n, int dir_fd, const struct tree_entry *e);

/* restore_delete.c */

/* Remove a name that the tree has not, with all below it (or tell that one would). */
void delete_extra(struct rnode *n, const char *name);

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
struct rfile {
	struct job job;
	struct rnode *node;
	struct tree_entry entry;
	int fd;
	char temporary[RESTORE_NAME_SIZE]; /* its name until it is whole; empty: its own */
	bool mode_is_set; /* it was made with its mode */
	bool owner_is_set; /* and with its owner */
	bool patch; /* written in place: what is right already is not written */
	bool replaces; /* something was there */
	struct stat before; /* patch: what it was */
	struct rfile_fate *fate; /* NULL: nobody is linked to it */
	atomic_bool failed;
	atomic_uint_fast64_t left; /* patch: bytes that were right already */
	atomic_bool touched; /* patch: it is being written */
	atomic_size_t pending; /* segments, and one for who hands them out */
};

/* Make an empty file, or open the one that is there to be mended, and take over e.  NULL in
 * *out when there is nothing to write: it has the stored contents already (and *made), or there
 * was a problem, which is told.  The node's folder is pinned, as dir_fd.  final_name: under its
 * own name from the start, for others to link to; else a file that is there stays until the new
 * one is whole. */
MUST_CHECK enum err_code rfile_create(struct rfile **out, struct rnode *n, int dir_fd,
    struct tree_entry *e, bool final_name, bool *made, struct err *err);
/* restore_fill.c: write its content and finish it; frees it. */
void rfile_fill(struct rfile *f);
/* The same, on the pool. */
void rfile_submit(struct rfile *f);

/* One thing less to do; the last finishes and frees it. */
void rfile_unpend(struct rfile *f);

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

/* What is known of a thing that was just made. */
enum meta_known {
	META_MODE = 1 << 0, /* it has its mode */
	META_OWNER = 1 << 1, /* it belongs to e's owner */
};

/* Set everything but the name, in the order that keeps it, but for what is known to be right
 * (of enum meta_known). */
void meta_apply(
    struct rnode *n, const char *name, int fd, const struct tree_entry *e, unsigned known);
/* Give something that was there e's metadata, unless it has it. */
void meta_settle(struct rnode *n, const char *name, int fd, const struct tree_entry *e);
/* Is all metadata that of e? */
bool meta_is(struct rnode *n, int fd, const struct stat *st, const struct tree_entry *e);
/* Does a file belong to e's owner? */
bool meta_owner_is(struct rnode *n, uid_t uid, gid_t gid, const struct tree_entry *e);
bool meta_has_acl(int fd);
/* The same for what cannot be opened. */
void meta_apply_special(
    struct rnode *n, int dir_fd, const char *name, const struct tree_entry *e);
/* Remove ACLs that came with being made inside a folder. */
void meta_drop_acls(int fd);
bool meta_has_default_acl(int fd);
void owners_release(struct restorer *r);

/* restore_links.c */

MUST_CHECK enum err_code link_names_new(struct link_names **out, struct err *err);
/* What could not be written whole loses its other names too. */
void link_names_finish(struct link_names *l, struct restorer *r);
void link_names_free(struct link_names *l);
/* Restore one name of an inode with several.  *copy: it must be restored as a file of its own.
 * e is taken over unless *copy. */
MUST_CHECK enum err_code link_names_restore(
    struct link_names *l, struct rnode *n, struct tree_entry *e, bool *copy, struct err *err);

#endif
