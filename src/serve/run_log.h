/*
 * run_log.h: reading what a run has written: JSON lines (docs/json.md), the last of them its
 * result.
 *
 * Places in it are offsets of bytes, always of the beginning of a line.  A line that is not
 * there to its end is not there.  One that is longer than RUN_LINE_MAX is passed over, the
 * result excepted; so is one that is no event.
 *
 * Threads: any; a run may write meanwhile.
 * Errors:  ERR_NOT_FOUND when the file is not there (any more).
 */
#ifndef SERVE_RUN_LOG_H
#define SERVE_RUN_LOG_H

#include "base/json.h"

#define RUN_LINE_MAX ((size_t)64 << 10)

/* Is it one of the events that docs/json.md has ("phase", "progress", ...)? Then *out is it. Of
 * others no more than their beginning is looked at: a comparison writes a line for each row. */
bool run_log_parse_event(json_t **out, const char *line, size_t len);

/* Each line from *offset on that is there, until fn says stop (any code but ERR_OK, which is
 * returned), or max bytes were read: *offset moves behind what was taken. */
typedef enum err_code run_line_fn(
    void *arg, const char *line, size_t len, uint64_t next, struct err *err);
MUST_CHECK enum err_code run_log_read(
    int fd, uint64_t *offset, uint64_t max, run_line_fn *fn, void *arg, struct err *err);

/* Events from an offset, at most limit: {"events", "next", "is_end"}; is_end: the file has no
 * more of them now. */
MUST_CHECK enum err_code run_log_page(
    json_t **out, const char *path, uint64_t from, unsigned limit, struct err *err);

/* What a person wants to know of all of it: {"phases", "quiet", "warnings", "problems",
 * "events"}. */
MUST_CHECK enum err_code run_log_sum(json_t **out, const char *path, struct err *err);

/* The result line; NULL when there is none. */
MUST_CHECK enum err_code run_log_result(json_t **out, const char *path, struct err *err);

#endif
