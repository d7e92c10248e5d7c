/*
 * attach.h: the three streams of a tool in a container, over one connection
 * that the engine has handed over; for exec.c.
 *
 * Standard output is given to the reader in the order it came, standard error
 * is kept (its last 8 KiB).  The engine tells that it could not start a tool
 * as if the tool had written it; output that is nothing but such a text is
 * held back, for the owner to judge by the exit code.
 *
 * Ownership: attach_new takes the descriptor over when it succeeds.
 * Threads:   attach_write, attach_shut and attach_errors may be called on other
 *            threads than attach_read and attach_drain.
 * Errors:    ERR_TRANSIENT when the connection broke, ERR_CORRUPT when it is not
 *            framed, ERR_CANCELLED; an error of reading stays.
 */
#ifndef DOCKER_ATTACH_H
#define DOCKER_ATTACH_H

#include "base/buf.h"
#include "sys/cancel.h"

struct attach;

/* rest: the bytes that came already; fd is non-blocking. */
MUST_CHECK enum err_code attach_new(struct attach **out, int fd, const struct buf *rest,
    const struct cancel *c, struct err *err);
void attach_free(struct attach *a);
AUTO_FREE(attach, struct attach *, attach_free)

/* Blocks until at least one byte of standard output came; *got is 0 at its end. */
MUST_CHECK enum err_code attach_read(
    struct attach *a, void *out, size_t len, size_t *got, struct err *err);
/* A read for which no output comes for so long is ERR_TRANSIENT; < 0, at first: for ever.  By
 * the thread that reads. */
void attach_set_patience(struct attach *a, int timeout_ms);
/* Throw standard output away until its end (*at_end) or for timeout_ms; < 0 for ever. */
MUST_CHECK enum err_code attach_drain(
    struct attach *a, int timeout_ms, bool *at_end, struct err *err);

/* For one who waits for something else as well: what to poll for reading, and then, without
 * waiting, take in what there is, output for a later read. */
int attach_fd(const struct attach *a);
const struct cancel *attach_cancel(const struct attach *a);
MUST_CHECK enum err_code attach_listen(struct attach *a, bool *at_end, struct err *err);
/* Did any output ever come, read by now or not? */
bool attach_has_output(const struct attach *a);

/* While it cannot go on it takes in up to 8 MiB of output for a later read; exec.h. */
MUST_CHECK enum err_code attach_write(
    struct attach *a, const void *data, size_t len, struct err *err);
/* The end of standard input. */
MUST_CHECK enum err_code attach_shut(struct attach *a, struct err *err);

/* The last 8 KiB of standard error; they stay a's until the next call. */
const char *attach_errors(struct attach *a);
/* At the end of the output: the text held back, or NULL. */
const char *attach_held(struct attach *a);
/* It was the tool's after all: let the next read have it. */
MUST_CHECK enum err_code attach_release(struct attach *a, struct err *err);

#endif
