/*
 * pool.h: threads that run jobs from a bounded queue.
 *
 * A job is part of a larger object, which its run function finds (a job is
 * the first member) and frees.  Every job that was taken on is run, so that
 * it can let go of what it holds; a job that should not work any more looks
 * at a flag of its own.
 *
 * Threads: any number submit; a job may submit others only with
 *          pool_try_submit, since waiting for room would wait for itself.
 */
#ifndef SYS_POOL_H
#define SYS_POOL_H

#include "base/err.h"

#include <stdbool.h>

struct pool;

struct job {
	void (*run)(struct job *j);
};

MUST_CHECK enum err_code pool_open(
    struct pool **out, unsigned threads, size_t capacity, const char *name, struct err *err);
/* Run what is left, and end the threads. */
void pool_close(struct pool *p);
AUTO_FREE(pool, struct pool *, pool_close)

/* Wait for room and hand the job over. */
void pool_submit(struct pool *p, struct job *j);
/* False when there is no room right now; the job stays the caller's. */
MUST_CHECK bool pool_try_submit(struct pool *p, struct job *j);

#endif
