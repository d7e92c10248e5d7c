/*
 * confine.h: a process gives up all that it does not need, for good.
 *
 * Threads: before any other is started.
 */
#ifndef SERVE_CONFINE_H
#define SERVE_CONFINE_H

#include "base/err.h"

struct confine_options {
	const char
	    *user; /* to become, where we are root; "nobody" when there is none of that name */
	const char
	    *empty_dir; /* the root folder, where none of its own can be made; may be NULL */
	uint64_t memory; /* RLIMIT_AS; 0: as it is */
	uint64_t files; /* RLIMIT_NOFILE */
};

/* Nothing open but 0, 1, 2; an empty root folder (a file system of its own where that may be
 * made, else empty_dir where that may be entered), another user without groups and
 * capabilities, no way back by execve, no core, no other process may look into this one, and it
 * ends with its parent.  Who is not root stays who he is, and may keep the root folder. */
MUST_CHECK enum err_code confine(const struct confine_options *opt, struct err *err);

#endif
