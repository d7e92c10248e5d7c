/*
 * exit_code.h: what a caller of the program learns from its exit status.
 *
 * Documented in docs/json.md and in the man page; the numbers never change.
 */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

#include "base/err.h"

#include <stdbool.h>

enum exit_code {
	EXIT_COMPLETE = 0,
	EXIT_FAILED = 1, /* nothing usable came of it, or it was refused to protect data */
	EXIT_USAGE = 2, /* the command line is wrong; nothing was done */
	EXIT_PARTIAL = 3, /* a usable result from which something is missing */
	EXIT_QUARANTINED =
	    4, /* complete, but much smaller than the last one: somebody must look */
	EXIT_NO_REPOSITORY = 10, /* there is none at that place */
	EXIT_BUSY = 11, /* another run is at it; try later */
	EXIT_WRONG_KEY = 12, /* the passphrase or key file opens nothing */
	EXIT_DAMAGED = 13, /* stored data is not what was written */
	EXIT_UNSUPPORTED = 14, /* a newer StackSnap is needed, or another host */
	EXIT_READ_ONLY = 15, /* the repository cannot be written to */
	EXIT_NOT_PROVED = 16, /* a drill failed: the snapshot does not bring the stack back */
	EXIT_INCONCLUSIVE = 17, /* a drill could not be carried out: nothing is proved */
	EXIT_STOPPED = 130, /* stopped by the user (SIGINT, SIGTERM, SIGHUP) */
};

/* was_stopped: a signal asked the run to stop.  A timeout has the same error code, but failed.
 */
enum exit_code exit_code_of(enum err_code code, bool was_stopped);

/* For the errors of a use case: there ERR_USAGE is a database or stack that the user must mend,
 * not the command line. */
enum exit_code exit_code_of_run(enum err_code code, bool was_stopped);

/* The worse of two, for runs that do several things: complete, quarantined, partial, busy or
 * inconclusive, failed (with all codes that say why), damaged or not proved, stopped. */
enum exit_code exit_code_worse(enum exit_code a, enum exit_code b);

/* "complete", "partial", "failed": for JSON output. */
const char *exit_code_outcome(enum exit_code code);

#endif
