/*
 * run_files.h: the folder STATE/runs, as a whole.
 *
 *	runs/12.json     what was asked for: the run's row could be made from it
 *	runs/12.jsonl    what it wrote
 *
 * Threads: any.
 */
#ifndef SERVE_RUN_FILES_H
#define SERVE_RUN_FILES_H

#include "serve/keeper.h"

/* Remove the oldest, but none of today's: a thousand runs or 1 GiB stay. */
void run_files_tidy(struct keeper *k);

/* Of one run: what its files take, and their end. */
MUST_CHECK enum err_code run_files_bytes(
    struct keeper *k, int64_t id, int64_t *out, struct err *err);
MUST_CHECK enum err_code run_files_remove(struct keeper *k, int64_t id, struct err *err);

/* Make the rows of a new catalogue from them. */
MUST_CHECK enum err_code run_files_rebuild(struct keeper *k, size_t *count, struct err *err);

#endif
