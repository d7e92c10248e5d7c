/*
 * save_impl.h: the inside of save.h, for save*.c only.
 *
 * A save is made of folders (struct node) that hand out units of work: one
 * subfolder, or a batch of neighbouring files.  Workers take units from the
 * folder that was found last, so the walk goes depth first.
 *
 *	node: names read → units taken in order of names → results, in any order
 *	    → appended to the listing in order → stored, and given to the node above
 *
 * A batch ends when the contents of all its files are known, which the
 * repository's workers tell; the thread that brings the last result of a node
 * stores its listing and goes on with the node above.
 *
 * Locks: node.lock guards a node's cursors and listing; saver.lock the list of
 * nodes with work left, and the end.  A thread that holds node.lock takes no
 * other lock of the saver.
 */
#ifndef TREE_SAVE_IMPL_H
#define TREE_SAVE_IMPL_H

#include "tree/folder.h"
#include "tree/listing.h"
#include "tree/meta.h"
#include "tree/names.h"
#include "tree/reporter.h"
#include "tree/save.h"
#include "tree/save_clone.h"
#include "tree/save_links.h"

struct node;

struct saver {
	const struct tree_save_options *opt;
	struct writer *writer;
	struct repo *repo;
	unsigned threads;
	struct folder_set folders;
	struct reporter report;
	struct link_table links;
	struct clone_list clones;
	struct tree_time unchanged_before; /* a ctime from here on proves nothing */
	bool root_is_file;
	atomic_bool stop;
	atomic_uint_fast64_t files;
	atomic_uint_fast64_t dirs;
	atomic_uint_fast64_t others;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t files_unchanged;
	atomic_uint_fast64_t bytes_unchanged;
	atomic_uint_fast64_t left_out;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	struct node *work; /* nodes with units left, the last found first */
	struct node *nodes; /* all of them, for the end of a save that failed */
	struct batch *batches; /* likewise */
	size_t in_flight; /* contents that are on their way */
	size_t active; /* units that are being worked on */
	bool reads_clones; /* the second step: they are the work there is */
	bool finished;
	struct buf root; /* the root's encoding, when finished */
	struct err err; /* the first that occurred, when stop is set */
};

/* What one thread works with. */
struct worker {
	struct saver *saver;
	struct intake *intake; /* NULL until the first file is read */
	struct meta meta;
	struct buf path;
	struct tally tally;
	void *scratch; /* NAMES_SCRATCH_SIZE bytes, for reading folders */
	unsigned cold; /* files to come that are likely not in the page cache */
};

/* A file whose content is on its way, or that needs none. */
struct slot {
	struct batch *batch;
	const char *name; /* the node's */
	size_t offset; /* of its bytes in the batch */
	size_t len; /* 0: left out */
	bool is_whole; /* the bytes are the whole entry, else its head */
	struct content content;
	struct slot *next_waiter; /* of save_links.h */
	struct link *link;
};

/* Neighbouring files of one folder. */
struct batch {
	struct saver *saver;
	struct node *node; /* NULL when the root itself is a file */
	struct folder *folder;
	size_t seq;
	atomic_size_t pending; /* contents that are missing, and one for the thread at work */
	bool is_same; /* as in the parent, all of them */
	struct buf bytes; /* entries that the parent has, and heads */
	struct batch *before; /* in saver.batches */
	struct batch *after;
	size_t count;
	struct slot slots[];
};

/* A unit of a node, as taken.  The node lives until the unit's result was given. */
struct unit {
	struct node *node;
	struct folder *folder; /* the node's */
	const struct names *names; /* the node's */
	size_t seq;
	size_t first; /* among the names */
	size_t count;
	bool is_dir;
	struct buf old; /* the parent's entries of these names */
	size_t *old_offset; /* in old, for each name; NO_OLD: none; NULL when the node has no
			       parent */
};

#define NO_OLD SIZE_MAX

/* Note the first error and stop everybody. */
void saver_fail(struct saver *s, const struct err *err);
/* False when somebody failed or the user stopped the save. */
bool saver_goes_on(struct saver *s);
/* Append to w->path the path of a name in f (of f itself when NULL), for a report. */
const char *worker_path(struct worker *w, const struct folder *f, const char *name);
void worker_problem(struct worker *w, enum tree_problem_kind kind, const struct folder *f,
    const char *name, const struct err *err);

/* Add what w has counted to the save's figures. */
void worker_count(struct worker *w);

/* save_node.c */

/* Where a folder stands in the walk. */
struct place {
	struct node *up; /* NULL for the root */
	size_t seq; /* the unit of up that it is the result of */
	struct tree_raw old; /* its entry in the parent's listing; data NULL: none */
};

/* Begin a folder whose names were read (they become the node's).  entry is its own, but for
 * content.  The node takes a reference of its own to folder, and lives until its last result is
 * there. */
MUST_CHECK enum err_code node_begin(struct saver *s, const struct place *at,
    struct folder *folder, struct names *names, const struct tree_entry *entry,
    struct err *err);
/* A node with work, and its next unit; false when the save has ended, or nothing but clones is
 * left.  saver_unit_done when it was worked on. */
MUST_CHECK bool saver_next_unit(struct saver *s, struct unit *out);
void saver_unit_done(struct saver *s);
void unit_release(struct unit *u);
/* Give the result of a unit: the encodings of its entries, which become the node's.  is_same:
 * they are as the parent has them.  May finish the node and those above. */
void node_give(struct saver *s, struct node *n, size_t seq, struct buf *bytes, bool is_same);
/* The root's encoding is known. */
void saver_finish(struct saver *s, struct buf *root);
/* Free all that are left, when no thread is at work any more. */
void nodes_free(struct saver *s);

/* save_dir.c */

/* Open the subfolder of a unit and begin it. */
MUST_CHECK enum err_code dir_run(struct worker *w, struct unit *u, struct err *err);
/* Begin the root, which is pinned. */
MUST_CHECK enum err_code dir_run_root(
    struct worker *w, struct folder *folder, const struct stat *st, struct err *err);

/* save_batch.c */

/* Save the files of a unit. */
MUST_CHECK enum err_code batch_run(struct worker *w, struct unit *u, struct err *err);
/* Save a root that is a file: a name in folder. */
MUST_CHECK enum err_code batch_run_root(
    struct worker *w, struct folder *folder, const char *name, struct err *err);
void batches_free(struct saver *s);
/* One thing less to wait for; the last gives the result. */
void batch_unpend(struct batch *b);

/* save_slot.c */

/* What is being saved just now. */
struct subject {
	struct worker *worker;
	struct slot *slot;
	int dir_fd;
	dev_t holder_dev;
	uint8_t type; /* DT_ value, as far as it is known */
	const char *name;
	const struct tree_entry *old; /* in the parent, or NULL */
	const uint8_t *old_bytes;
	size_t old_len;
};

MUST_CHECK enum err_code save_slot(const struct subject *j, struct err *err);
/* Read what was cloned for a slot. */
MUST_CHECK enum err_code slot_read_clone(
    struct worker *w, const struct clone *c, struct err *err);

/* save_file.c */

/* What reading a file found. */
struct file_reading {
	bool is_changed; /* it is not what stat told any more */
	bool is_unwanted; /* peek leaves it out */
	int errnum; /* of reading, or 0: a problem of the file, not an error */
};

/* Does peek leave this open file out? */
bool file_is_unwanted(struct worker *w, int fd, const struct folder *folder, const char *name);

/* Read an open file, a name in folder, into the stream. */
MUST_CHECK enum err_code file_read(struct worker *w, int fd, const struct stat *st,
    const struct folder *folder, const char *name, struct stream *stream,
    struct file_reading *out, struct err *err);

/* Ask the kernel to read a file that is soon to be read. */
void file_read_ahead(const struct saver *s, int dir_fd, const char *name);
/* Open a regular file for reading; -1 and errno. */
int file_open(const struct saver *s, int dir_fd, const char *name);

/* Is the live file what the parent's entry tells, so that nothing need be read? */
bool file_is_unchanged(const struct saver *s, const struct stat *st, dev_t holder_dev,
    const struct tree_entry *old);

#endif
