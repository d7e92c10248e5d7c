/*
 * proc.h: running another program, without a shell.
 *
 * A child runs in a process group of its own (unless it is to read from the terminal), with
 * only the three standard descriptors open, and is killed as a whole group.  What leaves that
 * group (a daemon) is not reached; it cannot keep us waiting either, since the end of the child
 * itself counts, not that of its pipes.  Secrets go through env or stdin, never argv.
 *
 * Ownership: proc_start gives a process that proc_free ends (SIGKILL to the
 * group) if it still runs.  Pipe descriptors belong to the caller.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/buf.h"
#include "sys/cancel.h"

#include <sys/types.h>

struct proc;

struct proc_options {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env; /* NULL-terminated "NAME=value" to add; may be NULL */
	/* NULL-terminated names of our variables that it gets, "LC_*" for all that begin so;
	 * NULL: all. */
	const char *const *keep_env;
	const char *cwd; /* NULL: as is */
	int stdin_fd; /* -1: /dev/null */
	int stdout_fd; /* -1: /dev/null; proc_run captures instead */
	int stderr_fd; /* -1: /dev/null */
	bool own_session; /* leave our session, so that no terminal's end reaches it */
	bool in_our_group; /* stay in our process group, to read from the terminal that we have:
			      a pager; then it alone is killed, not what it started */
};

#define PROC_OPTIONS_INIT                                        \
	{                                                        \
		NULL, NULL, NULL, NULL, -1, -1, -1, false, false \
	}

MUST_CHECK enum err_code proc_start(
    struct proc **out, const struct proc_options *opt, struct err *err);
/* Wait for the end; timeout_ms < 0 waits for ever.  *status is the exit code, or 128 + signal.
 * ERR_CANCELLED on timeout or when c is raised; the group is then killed. */
MUST_CHECK enum err_code proc_wait(
    struct proc *p, int timeout_ms, const struct cancel *c, int *status, struct err *err);
void proc_free(struct proc *p);
pid_t proc_pid(const struct proc *p);
/* Let go of it without ending it; who keeps its number may wait for it by waitpid. */
void proc_detach(struct proc *p);
AUTO_FREE(proc, struct proc *, proc_free)

/* Start, feed input (may be NULL), capture stdout and stderr, wait.  A non-zero exit is no
 * error here: it is in *status.  Each output is cut at 1 MiB. */
MUST_CHECK enum err_code proc_run(const struct proc_options *opt, const struct buf *input,
    int timeout_ms, const struct cancel *c, struct buf *out, struct buf *errout, int *status,
    struct err *err);

#endif
