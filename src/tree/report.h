/*
 * report.h: what saving, restoring and comparing tell while they work:
 * problems that do not stop them, and how far they are.
 *
 * Paths are relative to the root, raw bytes with a NUL behind; the root
 * itself is "".
 *
 * Threads: a problem callback runs on any thread, but one call at a time.
 *          The counters of a progress may be read at any time by anybody.
 */
#ifndef TREE_REPORT_H
#define TREE_REPORT_H

#include "base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tree_problem_kind {
	/* Saving (and reading live files to compare them). */
	TREE_VANISHED, /* listed, then gone: left out */
	TREE_CHANGED, /* changed while it was read: what was read is kept */
	TREE_UNREADABLE, /* cannot be opened or read: left out */
	/* Restoring. */
	TREE_OWNER, /* restored, but its owner cannot be set */
	TREE_METADATA, /* restored, but a mode, time or xattr cannot be set */
	TREE_LINK, /* restored as a copy, since the hard link cannot be made */
	TREE_SPECIAL, /* a device, fifo or socket that cannot be made: left out */
	TREE_IN_THE_WAY, /* something is there that may not be replaced: left out */
	TREE_FAILED, /* cannot be made or written: left out, or whole only in part */
	TREE_DAMAGED, /* its stored data cannot be read: left out, or whole only in part */
	TREE_NOT_DELETED, /* is not in the tree, but cannot be removed */
	TREE_DIFFERS, /* restored, but what is read back is not what was stored */
};

/* "vanished", "changed", ...: for JSON. */
const char *tree_problem_word(enum tree_problem_kind kind);

struct tree_problem {
	enum tree_problem_kind kind;
	const char *path;
	size_t path_len;
	const char *text; /* one line without the path: "open: Permission denied" */
};

typedef void tree_problem_fn(void *arg, const struct tree_problem *p);

/* Leave this out, with all below it?  Called from any thread, several at a time. */
typedef bool tree_exclude_fn(void *arg, const char *path, size_t len, bool is_dir);

/* The first bytes of a file that is being saved; true: leave it out after all.  Called from any
 * thread, several at a time. */
typedef bool tree_peek_fn(
    void *arg, const char *path, size_t len, const uint8_t *first, size_t n);

#define TREE_PROGRESS_PATH 256

struct tree_progress {
	atomic_uint_fast64_t files; /* done, unchanged ones included */
	atomic_uint_fast64_t dirs;
	atomic_uint_fast64_t others; /* symlinks, devices, fifos, sockets */
	atomic_uint_fast64_t bytes; /* of files read, written or compared; holes included */
	atomic_uint_fast64_t files_unchanged; /* of files, those taken over from the parent */
	atomic_uint_fast64_t bytes_unchanged; /* and their sizes */
	atomic_uint_fast64_t problems;
	pthread_mutex_t path_lock;
	char path[TREE_PROGRESS_PATH]; /* at hand now, cut if longer; guarded by path_lock */
};

#define TREE_PROGRESS_INIT                             \
	{                                              \
		.path_lock = PTHREAD_MUTEX_INITIALIZER \
	}

/* The path at hand, as it is. */
void tree_progress_path(struct tree_progress *p, char out[TREE_PROGRESS_PATH]);
void tree_progress_set_path(struct tree_progress *p, const char *path, size_t len);

#endif
