/*
 * compare_live.h: a stored tree against a live one; for compare_live.c, which walks both, and
 * compare_batch.c, which looks at what is no folder.
 */
#ifndef TREE_COMPARE_LIVE_H
#define TREE_COMPARE_LIVE_H

#include "sys/pool.h"
#include "tree/compare_impl.h"
#include "tree/folder.h"
#include "tree/meta.h"

#define BATCH_MAX 64

struct live {
	struct comparer *comparer;
	struct folder_set folders;
	struct pool *pool;
	struct meta meta; /* the walk's */
	void *scratch; /* NAMES_SCRATCH_SIZE bytes */
	struct frame *top;
	struct folder *root;
};

/* Things that are no folders, to be compared by the pool. */
struct item {
	struct tree_entry stored; /* when is_stored */
	bool is_stored;
	char *name; /* NULL: that of stored */
};

struct batch {
	struct job job;
	struct live *live;
	struct trail *trail;
	struct folder *folder;
	uint64_t stored_dev;
	bool is_root; /* the one item is the root */
	uint64_t bytes;
	size_t count;
	struct item items[BATCH_MAX];
};

/* A live thing as an entry, but for a symlink's target and xattrs; name is borrowed. */
void compare_from_stat(struct tree_entry *e, const struct stat *st, const char *name);
/* Compares its items, tells what differs, and is gone. */
void compare_batch_run(struct job *j);

#endif
