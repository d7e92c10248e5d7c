/*
 * run_process.h: the process of a run, and what it writes.
 *
 * It is in a session of its own, and outlives the keeper: one that is found again is the same
 * program that the keeper's predecessor has started, by number and start time.
 *
 * Threads: one.
 */
#ifndef SERVE_RUN_PROCESS_H
#define SERVE_RUN_PROCESS_H

#include "catalog/run.h"
#include "serve/keeper.h"

struct run_process {
	int64_t id;
	char *kind;
	char *stack;
	int64_t pid;
	int pid_fd; /* readable when it has ended */
	bool is_child; /* else the child of a keeper that is gone */
	bool wants_stop;
	int64_t asked_ns; /* when it was asked to stop; 0: not yet */
	int log; /* its output, to be read */
	uint64_t read; /* so far */
	int64_t told_ns; /* when progress was last told */
	json_t *progress; /* held back; NULL */
};

void run_process_free(struct run_process *p);
AUTO_FREE(run_process, struct run_process *, run_process_free)

/* Begin a run that is queued: its row says so before it does anything.  ERR_NOT_FOUND when it
 * was cancelled meanwhile.  On other errors the row may be queued or running; its process is
 * not there. */
MUST_CHECK enum err_code run_process_start(
    struct run_process **out, struct keeper *k, const struct catalog_run *row, struct err *err);
/* That of a run whose row says running; ERR_NOT_FOUND when it has ended. */
MUST_CHECK enum err_code run_process_find(
    struct run_process **out, struct keeper *k, const struct catalog_run *row, struct err *err);

/* Tell listeners what it has written since; last: also what is held back. */
void run_process_follow(struct run_process *p, struct keeper *k, bool last);
/* Ask it to stop; later calls kill it when it does not. */
void run_process_stop(struct run_process *p, int64_t now_ns);
/* The exit code of a child that has ended: 128 + signal; -1: not known. */
int64_t run_process_reap(struct run_process *p);

/* The row's last word, by what the process has left: exit_code -1 when it is not known. */
MUST_CHECK enum err_code run_end(struct keeper *k, const struct catalog_run *row,
    int64_t exit_code, bool was_stopped, struct err *err);
/* The same for one that ended long ago; nobody is told. */
MUST_CHECK enum err_code run_end_at(
    struct keeper *k, const struct catalog_run *row, int64_t ended_ns, struct err *err);

#endif
