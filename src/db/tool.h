/*
 * tool.h: running a short tool beside the database, and what it said.
 *
 * Errors: ERR_USAGE when the tool is not in the container, or on this host; what the runner
 * gives otherwise.  A status other than 0 is no error here.
 */
#ifndef DB_TOOL_H
#define DB_TOOL_H

#include "base/buf.h"
#include "db/connector.h"

#define TOOL_SAID_SIZE 256

/* What a tool left behind. */
struct tool_end {
	int status;
	char said[TOOL_SAID_SIZE]; /* its last lines on standard error, as one line */
};

/* The last lines of text, joined by " | ", as many as fit, unprintable bytes as '?'. */
void tool_last_lines(char said[TOOL_SAID_SIZE], const char *text);

/* Run to the end: feed input (may be NULL), append at most max bytes of standard output to out.
 */
MUST_CHECK enum err_code tool_run(const struct db_target *t, const struct run_spec *spec,
    const struct buf *input, size_t max, struct buf *out, struct tool_end *end,
    struct err *err);

/* The second half of it, of a tool of that name that was started before. */
MUST_CHECK enum err_code tool_collect(const struct db_target *t, const char *name,
    struct run *run, size_t max, struct buf *out, struct tool_end *end, struct err *err);

/* Wait for a run's end and say how it went. */
MUST_CHECK enum err_code tool_finish(struct run *run, struct tool_end *end, struct err *err);

/* ERR_USAGE: there is no such tool, and what would bring it. */
enum err_code tool_is_missing(const struct db_target *t, const char *name, struct err *err);

/* The first line that `NAME --version` prints; *out is the caller's. */
MUST_CHECK enum err_code tool_version(
    char **out, const struct db_target *t, const char *name, struct err *err);

/* A file inside the container. */
MUST_CHECK enum err_code tool_cat(
    const struct db_target *t, const char *path, size_t max, struct buf *out, struct err *err);

/* Write over a file inside the container: owner and mode stay as they are. */
MUST_CHECK enum err_code tool_write(
    const struct db_target *t, const char *path, const struct buf *data, struct err *err);

#endif
