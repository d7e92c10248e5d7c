/*
 * scheduler.h: what is to be done by itself, when its time has come.
 *
 * A thread waits for the earliest schedule, also when the clock is set; which are due, and what
 * was missed, the catalogue decides (catalog/schedule.h).  After each change schedules are
 * written to STATE/schedules.json, from which a new catalogue takes them.
 *
 * Threads: any.
 */
#ifndef SERVE_SCHEDULER_H
#define SERVE_SCHEDULER_H

#include "base/err.h"
#include "catalog/schedule.h"

struct keeper;
struct scheduler;

MUST_CHECK enum err_code scheduler_open(
    struct scheduler **out, struct keeper *k, struct err *err);
void scheduler_close(struct scheduler *s);

/* Schedules were changed: write them down, and look when the next is due. */
MUST_CHECK enum err_code scheduler_changed(struct scheduler *s, struct err *err);

/* What a schedule runs, as a JSON array (malloc); ERR_USAGE for options that are not for its
 * kind. */
MUST_CHECK enum err_code schedule_argv(
    const char *kind, const char *stack, const char *options, char **argv, struct err *err);

/* A new catalogue takes them from their file; none is fine. */
MUST_CHECK enum err_code scheduler_rebuild(struct keeper *k, size_t *count, struct err *err);

#endif
