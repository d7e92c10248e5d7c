/*
 * compare.h: what differs between two stored trees, or between a stored tree
 * and a live folder.
 *
 * Stored trees are compared by what their entries say: contents by chunk
 * ids, so folders that are equal are passed over unread.  (The ids of two
 * equal files can differ only when the files lie in different repositories.)
 * A live folder is compared byte by byte: every file is read, and so are the
 * chunks.  Neither looks at ctime, inode numbers or the names of owners;
 * which names are hard links of each other is compared (FIELD_LINKS).
 *
 * The root's own metadata is compared too; its path is "".
 *
 * Threads: the callback runs on any thread, one call at a time.  Two stored
 *          trees give their differences in order of paths, folders before
 *          what they hold; a live folder in no certain order.
 * Errors:  an error that the callback returns ends the comparison.  What goes
 *          wrong with one live file or one stored chunk is a problem.
 */
#ifndef TREE_COMPARE_H
#define TREE_COMPARE_H

#include "sys/cancel.h"
#include "tree/entry.h"
#include "tree/report.h"

enum tree_diff_kind {
	TREE_DIFF_ADDED, /* only in b, or only live */
	TREE_DIFF_REMOVED, /* only in a */
	TREE_DIFF_CHANGED, /* in both; fields tells in what */
};

enum tree_field {
	/* Nothing else is compared then; what one of them holds is told too. */
	FIELD_TYPE = 1 << 0,
	FIELD_CONTENT = 1 << 1, /* of a file */
	FIELD_SIZE = 1 << 2, /* of a file; comes with FIELD_CONTENT */
	FIELD_MODE = 1 << 3,
	FIELD_OWNER = 1 << 4, /* uid or gid */
	FIELD_MTIME = 1 << 5,
	FIELD_XATTRS = 1 << 6, /* ACLs and capabilities among them */
	FIELD_TARGET = 1 << 7, /* of a symlink */
	FIELD_DEVICE = 1 << 8, /* numbers of a device */
	FIELD_LINKS = 1 << 9, /* hard-linked to other names than before */
};

#define FIELD_ALL ((1U << 10) - 1)

/* "type", "content", "size", "mode", "owner", "mtime", "xattrs", "target", "device",
 * "links". */
const char *tree_field_word(enum tree_field field);

struct tree_diff {
	enum tree_diff_kind kind;
	unsigned fields; /* of enum tree_field */
	const char *path;
	size_t path_len;
	const struct tree_entry *a; /* NULL when added; theirs for the call only */
	/* NULL when removed; a live file's content has only a size. */
	const struct tree_entry *b;
};

typedef enum err_code tree_diff_fn(void *arg, const struct tree_diff *d, struct err *err);

struct tree_compare_options {
	unsigned ignore; /* of enum tree_field */
	bool no_contents; /* live: compare sizes only */
	unsigned threads; /* live; 0: one per processor */
	tree_exclude_fn *exclude; /* on both sides; NULL: nothing */
	void *exclude_arg;
	tree_problem_fn *problem; /* NULL: only counted */
	void *problem_arg;
	struct tree_progress *progress; /* may be NULL */
	const struct cancel *cancel; /* may be NULL */
};

#define TREE_COMPARE_OPTIONS_INIT \
	{                         \
		.ignore = 0       \
	}

struct tree_compared {
	uint64_t entries; /* looked at, on either side; passed-over folders count once */
	uint64_t differences;
	uint64_t bytes; /* live bytes read */
	uint64_t problems;
};

MUST_CHECK enum err_code tree_compare(struct tree_compared *out, struct repo *r,
    const struct tree_entry *a, const struct tree_entry *b,
    const struct tree_compare_options *opt, tree_diff_fn *fn, void *arg, struct err *err);

/* path: what the tree was restored to, or saved from.  a may be NULL, and so may r then:
 * everything is added. */
MUST_CHECK enum err_code tree_compare_live(struct tree_compared *out, struct repo *r,
    const struct tree_entry *a, const char *path, const struct tree_compare_options *opt,
    tree_diff_fn *fn, void *arg, struct err *err);

#endif
