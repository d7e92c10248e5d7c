/*
 * check.h: are the objects of a repository there, and are they what was written?
 *
 * What lies in trees is checked by engine/verify, which knows trees; this is
 * about the store's objects.  A pack that is read is compared with what the
 * index says of it, too.
 *
 * Memory: 64 bytes for each pack, and a few MB for each of up to 16 threads that read.
 *
 * Threads: repo_check uses threads of its own; the problem callback is called
 * by one at a time.
 */
#ifndef REPO_CHECK_H
#define REPO_CHECK_H

#include "repo/repo.h"

#include <stdatomic.h>

struct check_progress {
	atomic_uint_least64_t packs_done;
	atomic_uint_least64_t packs_total;
	atomic_uint_least64_t bytes_done;
	atomic_uint_least64_t bytes_total;
	atomic_uint_least64_t chunks; /* decoded and compared with their ids */
};

/* object is a key of the store; what says what is wrong with it. */
typedef void check_problem_fn(
    void *arg, const char *object, enum err_code code, const char *what);

/* Does the caller care for this pack? */
typedef bool check_needs_fn(void *arg, const struct id *pack);

struct check_options {
	bool read_data; /* read and decode packs, not only look whether they are there */
	/* Which of them; all, unless one of these is set.  A share of the bytes, above 0 and
	 * below 1, or so many bytes: packs in a row, from a random one on.  Or the one of so
	 * many equal parts by their names, counted from 1: all parts together are all packs. */
	double read_share;
	uint64_t read_bytes;
	uint64_t part;
	uint64_t parts;
	/* NULL: all packs, and all objects of snapshots and proofs.  Otherwise no other pack is
	 * looked at, and none of those objects. */
	check_needs_fn *needs;
	const struct cancel *cancel;
	struct check_progress *progress; /* may be NULL */
	check_problem_fn *problem;
	void *arg;
};

struct check_result {
	uint64_t problems;
	uint64_t packs;
	uint64_t unused_packs; /* not in any index: left by an interrupted run, harmless */
	uint64_t bytes;
	uint64_t packs_read;
	uint64_t bytes_read; /* of packs */
	uint64_t chunks; /* decoded and compared with their ids */
};

/* ERR_OK with result->problems == 0 means sound.  Errors are those that end the check itself.
 */
MUST_CHECK enum err_code repo_check(struct repo *r, const struct check_options *opt,
    struct check_result *result, struct err *err);

#endif
