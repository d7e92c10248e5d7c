/*
 * runs.h: which runs may begin, and what becomes of those that have.
 *
 * One of a stack at a time, of different stacks as many as there are processors, the others in
 * the order of asking.  A thread of its own begins them, reads what they write, and
 * writes down how they ended.
 *
 * Threads: any.
 */
#ifndef SERVE_RUNS_H
#define SERVE_RUNS_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct keeper;
struct runs;

/* Finds those that a keeper before has left running. */
MUST_CHECK enum err_code runs_open(struct runs **out, struct keeper *k, struct err *err);
/* They go on without us. */
void runs_close(struct runs *r);

/* One was queued. */
void runs_wake(struct runs *r);
/* ERR_NOT_FOUND when there is no such run, ERR_CHANGED when it has ended. */
MUST_CHECK enum err_code runs_cancel(struct runs *r, int64_t id, struct err *err);
/* Tell listeners of its row. */
void runs_tell(struct keeper *k, int64_t id);
/* Wait for the end of a child that is no run. */
MUST_CHECK enum err_code runs_adopt(struct runs *r, pid_t pid, struct err *err);

#endif
