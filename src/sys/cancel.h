/*
 * cancel.h: one flag that tells everybody to stop.
 *
 * main() makes one, signals and timeouts raise it, long work asks it between
 * steps, and poll() loops watch its descriptor, which becomes readable for
 * good once raised.
 *
 * Threads: any.  cancel_raise is async-signal-safe.
 */
#ifndef SYS_CANCEL_H
#define SYS_CANCEL_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

struct cancel {
	atomic_bool raised;
	int event_fd;
};

MUST_CHECK enum err_code cancel_init(struct cancel *c, struct err *err);
void cancel_release(struct cancel *c);
void cancel_raise(struct cancel *c);
/* As if it had never been raised; only for one whose users are known to wait for that. */
void cancel_lower(struct cancel *c);
/* A NULL cancel is never raised. */
bool cancel_is_raised(const struct cancel *c);
/* For poll(); -1 (which poll ignores) when c is NULL. */
int cancel_fd(const struct cancel *c);
/* ERR_CANCELLED when raised. */
MUST_CHECK enum err_code cancel_check(const struct cancel *c, struct err *err);
/* Let ns pass; ERR_CANCELLED as soon as c is raised. */
MUST_CHECK enum err_code cancel_wait(const struct cancel *c, int64_t ns, struct err *err);
/* Let SIGINT, SIGTERM and SIGHUP raise c; SIGPIPE is ignored.  c must live as long as the
 * process, and so must again: what a second signal writes to standard error, since it changes
 * nothing (NULL: nothing). */
MUST_CHECK enum err_code cancel_on_signals(
    struct cancel *c, const char *again, struct err *err);

#endif
