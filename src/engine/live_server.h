/*
 * live_server.h: a database server that runs, as a connector reaches it: what
 * tells of its container, and a runner in there.
 *
 * Ownership: borrows the container, the client and the cancel it was opened with.  It does not
 *            move while a connector is open on its target.
 * Threads:   one at a time.
 */
#ifndef ENGINE_LIVE_SERVER_H
#define ENGINE_LIVE_SERVER_H

#include "engine/plan.h"

struct live_server {
	struct db_target target; /* with runner and cancel */
	struct target_lists lists;
	struct runner *runner;
};

#define LIVE_SERVER_INIT                           \
	{                                          \
		.lists = { STRV_INIT, STRV_INIT }, \
	}

/* out is LIVE_SERVER_INIT, and to be closed also when this fails. */
MUST_CHECK enum err_code live_server_open(struct live_server *out, struct docker *d,
    const struct stack_container *c, const struct cancel *cancel, struct err *err);
void live_server_close(struct live_server *s);
static inline void UNUSED
live_server_auto(struct live_server *s)
{
	live_server_close(s);
}

#endif
