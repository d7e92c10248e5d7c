/*
 * lines.h: the lines of a file that may be long, and may have long lines.
 *
 * Memory: head_max and a megabyte.
 * Threads: any; the file may grow meanwhile.
 * Errors: ERR_IO, ERR_CANCELLED, what fn gives.
 */
#ifndef SERVE_LINES_H
#define SERVE_LINES_H

#include "base/buf.h"
#include "sys/cancel.h"

struct line {
	uint64_t offset; /* of its first byte */
	uint64_t len; /* without its end */
	const char *head; /* its first bytes: all of them, or head_max; for the call only */
	size_t head_len;
};
typedef enum err_code line_fn(void *arg, const struct line *line, struct err *err);

/* Each line from offset on that has an end. */
MUST_CHECK enum err_code lines_each(int fd, uint64_t offset, size_t head_max, line_fn *fn,
    void *arg, const struct cancel *cancel, struct err *err);

/* The line at an offset, without its end; one of more than max bytes is cut there. */
MUST_CHECK enum err_code lines_read(
    int fd, uint64_t offset, size_t max, struct buf *out, bool *is_cut, struct err *err);

#endif
