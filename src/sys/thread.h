/*
 * thread.h: starting threads, all signals blocked in them, so that signals
 * reach the main thread only.
 */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include "base/err.h"

#include <pthread.h>

MUST_CHECK enum err_code thread_start(
    pthread_t *out, void *(*run)(void *), void *arg, const char *name, struct err *err);
/* Call one(ctx, i) for every i < n, up to max at once, and wait for all.  A thread that cannot
 * be started only makes it slower. */
void thread_each(size_t n, size_t max, void (*one)(void *ctx, size_t i), void *ctx);
/* Processors this process may use, at least 1. */
unsigned thread_cpus(void);

#endif
