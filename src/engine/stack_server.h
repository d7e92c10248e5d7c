/*
 * stack_server.h: the database server of a stack that runs, found by its service's name, and a
 * connector to it.
 *
 * Ownership: borrows the engine.  It does not move while it is open.
 * Threads:   one at a time.
 * Errors:    ERR_USAGE and ERR_NOT_FOUND when it is not one, or does not run.
 */
#ifndef ENGINE_STACK_SERVER_H
#define ENGINE_STACK_SERVER_H

#include "engine/engine.h"
#include "engine/live_server.h"

struct stack_server {
	struct docker *docker;
	struct plan *plan;
	struct live_server server;
	struct connector *connector;
	enum db_kind kind;
};

#define STACK_SERVER_INIT                   \
	{                                   \
		.server = LIVE_SERVER_INIT, \
	}

/* s is STACK_SERVER_INIT, and to be closed also when this fails; service may be NULL when there
 * is one. */
MUST_CHECK enum err_code stack_server_open(struct stack_server *s, struct engine *e,
    const char *stack, const char *service, struct err *err);
void stack_server_close(struct stack_server *s);
static inline void UNUSED
stack_server_auto(struct stack_server *s)
{
	stack_server_close(s);
}

#endif
