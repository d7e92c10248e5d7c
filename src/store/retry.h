/*
 * retry.h: a store that tries again what may pass.
 *
 * An operation that fails with ERR_TRANSIENT is tried again after a random wait
 * of up to 0.5, 1, 2, … 30 seconds ("Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015: full jitter), at most ten times and for five minutes;
 * at most four times as long as nothing has ever succeeded, since then an address
 * is more likely wrong than the network.  A server that says when it wants to be asked again
 * (Retry-After) is waited for that long, a minute at most, and a random part of the wait above
 * more, so that not all come back at once.
 *
 * A put that failed may have been carried out all the same.  So when a later try
 * finds the key taken, what is there is compared with what was to be put; a delete
 * that then finds nothing has succeeded.  A listing goes on behind what was told.
 *
 * Threads: as store.h says.  Nothing waits once the cancel is raised: what fails
 * then, fails.
 */
#ifndef STORE_RETRY_H
#define STORE_RETRY_H

#include "store/store.h"
#include "sys/cancel.h"

/* "trying again in 4 s: HTTP 503 (SlowDown)", from any thread. */
typedef void retry_tell_fn(void *arg, const char *what);

struct retry_options {
	const struct cancel *cancel; /* may be NULL */
	retry_tell_fn *tell; /* may be NULL */
	void *arg;
	unsigned tries; /* 0: ten */
	int64_t base_ns; /* the first wait at most; 0: 500 ms */
	int64_t total_ns; /* 0: five minutes */
};

#define RETRY_OPTIONS_INIT                \
	{                                 \
		NULL, NULL, NULL, 0, 0, 0 \
	}

/* Takes over inner, also when it fails. */
MUST_CHECK enum err_code store_open_retry(
    struct store **out, struct store *inner, const struct retry_options *opt, struct err *err);

#endif
