/*
 * reporter.h: the giving end of report.h: problems counted and passed on one
 * at a time, progress counted where somebody wants it.
 *
 * Threads: any.
 */
#ifndef TREE_REPORTER_H
#define TREE_REPORTER_H

#include "tree/report.h"

struct reporter {
	tree_problem_fn *fn;
	void *arg;
	struct tree_progress *progress;
	pthread_mutex_t lock; /* one call of fn at a time */
	atomic_uint_fast64_t problems;
};

void reporter_init(
    struct reporter *r, tree_problem_fn *fn, void *arg, struct tree_progress *progress);
void reporter_release(struct reporter *r);
void report_problem(struct reporter *r, enum tree_problem_kind kind, const char *path,
    size_t path_len, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* What was done since the last count. */
struct tally {
	uint64_t files;
	uint64_t dirs;
	uint64_t others;
	uint64_t bytes;
	uint64_t files_unchanged;
	uint64_t bytes_unchanged;
};
void report_progress(struct reporter *r, const struct tally *t);

#endif
