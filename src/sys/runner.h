/*
 * runner.h: running tools, and reaching ports, in somebody else's place.
 *
 * A database connector must run the tools that live beside its database.  It
 * is handed a runner that does so: docker/ implements one that starts an exec
 * in a container, unit tests script one.  Implementers embed struct runner
 * and fill in the ops; callers use the functions below only.
 *
 * A run is one started tool with its three streams.  Standard error is
 * collected in the background (its last 8 KiB), so that it never blocks.
 *
 * Ownership: runner_start gives a run that the caller must run_free, which
 *            ends a tool that is still running.
 * Threads:   runs of one runner may be used on different threads at once; one
 *            run belongs to one thread, but run_write/run_close_stdin may be
 *            called on a thread of their own beside run_read.
 * Errors:    ERR_NOT_FOUND when the tool is not there, ERR_CANCELLED, ERR_DENIED,
 *            ERR_TRANSIENT when the connection broke.
 */
#ifndef SYS_RUNNER_H
#define SYS_RUNNER_H

#include "base/err.h"
#include "sys/cancel.h"

struct runner;
struct run;

struct run_spec {
	const char *const *argv; /* NULL-terminated, no shell */
	const char *const
	    *env; /* NULL-terminated "NAME=value" to add (secrets go here); may be NULL */
	const char *user; /* as whom, or NULL for the place's default */
	bool has_stdin; /* false: the tool reads an empty stream */
	/* The tool's option to write a file in place of standard output, as "--file=", and
	 * which element of argv it may stand before; NULL: it has none.  A runner may use it to
	 * get the output by a quicker way; run_read gives the same bytes either way. */
	const char *file_option;
	size_t file_option_at;
};

#define RUN_SPEC_INIT                            \
	{                                        \
		NULL, NULL, NULL, false, NULL, 0 \
	}

struct runner_ops {
	enum err_code (*start)(
	    struct runner *r, const struct run_spec *spec, struct run **out, struct err *err);
	enum err_code (*dial)(struct runner *r, const char *address, int *fd, struct err *err);
	void (*close)(struct runner *r);
};

struct run_ops {
	enum err_code (*read)(
	    struct run *run, void *out, size_t len, size_t *got, struct err *err);
	enum err_code (*write)(struct run *run, const void *data, size_t len, struct err *err);
	enum err_code (*close_stdin)(struct run *run, struct err *err);
	enum err_code (*wait)(struct run *run, int timeout_ms, int *status, struct err *err);
	const char *(*errors)(struct run *run);
	/* NULL: reading waits for ever. */
	void (*set_patience)(struct run *run, int timeout_ms);
	void (*free)(struct run *run);
};

struct runner {
	const struct runner_ops *ops;
};

struct run {
	const struct run_ops *ops;
};

MUST_CHECK enum err_code runner_start(
    struct runner *r, const struct run_spec *spec, struct run **out, struct err *err);

/* Connect a stream socket to "tcp:PORT" (on the place's own loopback) or "unix:PATH" (a path as
 * the place sees it).  *fd is the caller's.  ERR_UNSUPPORTED when this runner cannot. */
MUST_CHECK enum err_code runner_dial(
    struct runner *r, const char *address, int *fd, struct err *err);
void runner_close(struct runner *r);
AUTO_FREE(runner, struct runner *, runner_close)

/* Read standard output: blocks until at least one byte came; *got is 0 at its end. */
MUST_CHECK enum err_code run_read(
    struct run *run, void *out, size_t len, size_t *got, struct err *err);
/* From now on a read for which nothing comes for so long is ERR_TRANSIENT (what the tool says
 * on standard error does not count); < 0: it waits for ever, as it does at first. */
void run_set_patience(struct run *run, int timeout_ms);
/* Write all of it to standard input. */
MUST_CHECK enum err_code run_write(
    struct run *run, const void *data, size_t len, struct err *err);
MUST_CHECK enum err_code run_close_stdin(struct run *run, struct err *err);
/* Wait for the end; *status is the exit code.  Output not read by then is thrown away. */
MUST_CHECK enum err_code run_wait(
    struct run *run, int timeout_ms, int *status, struct err *err);
/* What the tool has said on standard error so far, at most the last 8 KiB, as one string that
 * stays the run's until the next call. */
const char *run_errors(struct run *run);
void run_free(struct run *run);
AUTO_FREE(run, struct run *, run_free)

#endif
